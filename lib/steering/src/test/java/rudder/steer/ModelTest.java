package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.compare.Comparison;
import rudder.compare.Metric;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.control.Controller;

@Tag("model")
class ModelTest {
    private static final List<String> PROMPTS =
            List.of("Once upon a time", "The best thing about the weekend is", "In the evening we");

    private static LanguageModel model;
    private static ContrastSet ocean;
    private static Features features;

    @BeforeAll
    static void load() throws IOException {
        model = LanguageModel.load("SmolLM2-135M-Instruct");
        ocean = ContrastSet.read("../../data/concepts/ocean.csv");
        features = Features.contrast(model, ocean);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static JsonObject golden() throws IOException {
        try (var in = ModelTest.class.getResourceAsStream("/goldens/smollm2.json.gz")) {
            return JsonParser.parseReader(new InputStreamReader(new GZIPInputStream(in), StandardCharsets.UTF_8))
                    .getAsJsonObject();
        }
    }

    private static double[] doubles(JsonArray array) {
        var values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).getAsDouble();
        }
        return values;
    }

    @Test
    void featuresAreTheGoldenOnes() throws IOException {
        var lqr = golden().getAsJsonObject("lqr");
        var mu = doubles(lqr.getAsJsonArray("mu"));
        var with = doubles(lqr.getAsJsonArray("proj_mean_pos"));
        var without = doubles(lqr.getAsJsonArray("proj_mean_neg"));
        var spread = doubles(lqr.getAsJsonArray("proj_std_pos"));
        for (int k = 0; k <= features.horizon(); k++) {
            assertEquals(mu[k], features.gap(k), 1e-4 * mu[k], "gap " + k);
            assertArrayEquals(
                    doubles(lqr.getAsJsonArray("v").get(k).getAsJsonArray()),
                    features.direction(k),
                    1e-4,
                    "direction " + k);
            assertEquals(with[k], features.positive().strengths()[k], 1e-3 * mu[k], "strength with " + k);
            assertEquals(without[k], features.negative().strengths()[k], 1e-3 * mu[k], "strength without " + k);
            double sample = Math.sqrt(24.0 / 23); // the golden deviation divides by the 24 texts
            assertEquals(spread[k] * sample, features.positive().deviations()[k], 1e-3 * mu[k], "spread " + k);
        }
    }

    @Test
    void textsThatEndInTheSameTokenLackTheFeatureInTheFirstStateOnly() {
        var dotted = new ContrastSet(
                "dotted",
                List.of("Waves break on the shore.", "Whales sing."),
                List.of("The clerk wrote a letter.", "Dust fell."));
        var found = Features.contrast(model, dotted);
        assertEquals(0, found.gap(0));
        assertTrue(found.gap(1) > 0);
        var text = model.steered(Controller.spreadActAdd(found.setpoint(6), 0)).generate("Once", 2);
        assertEquals(2, text.tokens().length);
    }

    @Test
    void aSavedLinearizationIsTheSameSystem(@TempDir Path folder) throws IOException {
        var prompts = List.of("The tide", "A boat");
        var system = Linearisation.mean(model, prompts);
        assertEquals("LinearSystem[T=30, d=576, mean of 2 Jacobians]", system.toString());
        var file = folder.resolve("a.safetensors");
        system.save(file);
        var loaded = Linearisation.load(file, model);
        assertEquals(system.toString(), loaded.toString());
        for (int k = 0; k < model.horizon(); k++) {
            assertArrayEquals(system.jacobian(k).data, loaded.jacobian(k).data);
        }

        var kept = Linearisation.kept(model, prompts, folder);
        try (var files = Files.list(folder.resolve("artefacts"))) {
            var only = files.toList();
            assertEquals(1, only.size());
            var written = Files.getLastModifiedTime(only.get(0));
            assertArrayEquals(
                    kept.jacobian(3).data,
                    Linearisation.kept(model, prompts, folder).jacobian(3).data);
            assertEquals(written, Files.getLastModifiedTime(only.get(0)));
        }

        var bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
        assertThrows(IOException.class, () -> Linearisation.load(file, model));
    }

    @Test
    void aSystemOnDiskIsTheOneInMemoryToTheBit(@TempDir Path folder) throws IOException {
        var prompts = List.of("The tide", "A boat on the");
        var cost = new QuadraticCost(0.1, 10, 1);
        var target = features.setpoint(1);
        var dense = Linearisation.mean(model, prompts);
        Linearisation.kept(model, prompts, folder); // written block by block
        Path file;
        try (var files = Files.list(folder.resolve("artefacts"))) {
            file = files.findAny().orElseThrow();
        }
        var onDisk = Linearisation.load(file, model, false);
        assertEquals("LinearSystem[T=30, d=576, mean of 2 Jacobians, on disk]", onDisk.toString());
        for (int k = 0; k < model.horizon(); k++) {
            assertArrayEquals(dense.jacobian(k).data, onDisk.jacobian(k).data);
        }
        var wanted = Lqr.feedback(dense, cost, target);
        var found = Lqr.feedback(onDisk, cost, target);
        for (int k = 0; k < model.horizon(); k++) {
            assertArrayEquals(wanted.vector(k), found.vector(k));
        }

        assertRefused(() -> onDisk.jacobian(30), "block 30", "0..29");
        Linearisation.mean(model, prompts.subList(0, 1)).save(file);
        assertRefused(() -> onDisk.jacobian(0), "replaced", "load it again");
        Files.delete(file);
        assertThrows(UncheckedIOException.class, () -> onDisk.jacobian(0));
    }

    @Test
    void anotherModelsOrADamagedLinearizationIsRefused(@TempDir Path folder) throws IOException {
        var file = folder.resolve("a.safetensors");
        assertRefused(() -> Linearisation.load(file, model), "there is no file");
        new SafetensorsWriter().floats("A.0", () -> new float[1], 1, 1).write(file);
        assertRefused(() -> Linearisation.load(file, model), "a.safetensors", "rudder.kind");
        write(file, new Provenance("mean Jacobians", "other", "00", "float32", "11", 1, 30, "0.1.0"), 576);
        assertRefused(() -> Linearisation.load(file, model), "computed from other", model.sha256(), "again");
        write(file, new Provenance("gains", model.name(), model.sha256(), "float32", "11", 1, 30, "0.1.0"), 576);
        assertRefused(() -> Linearisation.load(file, model), "holds gains, wanted mean Jacobians");
        write(
                file,
                new Provenance("mean Jacobians", model.name(), model.sha256(), "float32", "11", 1, 30, "0.1.0"),
                576);
        assertRefused(() -> Linearisation.load(file, model), "no Jacobian of block 1", "0..29");
        write(
                file,
                new Provenance("mean Jacobians", model.name(), model.sha256(), "float32", "11", 1, 30, "0.1.0"),
                12);
        assertRefused(() -> Linearisation.load(file, model), "block 0", "[12, 12]", "[576, 576]");
    }

    private static void write(Path file, Provenance provenance, int d) throws IOException {
        var writer = new SafetensorsWriter().floats("A.0", () -> new float[d * d], d, d);
        provenance.metadata().forEach(writer::metadata);
        writer.write(file);
    }

    @Test
    void controllersAreComparedOnTheSamePromptsAndFeedbackIsWhatFrozenInputsLack() throws IOException {
        var target = features.setpoint(1);
        var system = Linearisation.mean(model, ocean.positive().subList(0, 2));
        var lqr = Controller.lqr(Lqr.solve(system, new QuadraticCost(0.1, 10, 1)), target)
                .named("A-LQR");
        var settings = Comparison.settings().tokens(8);
        var comparison = Comparison.of(model, PROMPTS, settings, Controller.none(), ControllerFactory.frozen(lqr), lqr);

        assertEquals(List.of("none", "A-LQR, frozen", "A-LQR"), comparison.controllers());
        assertEquals(
                model.generate(PROMPTS.get(1), 8).text(),
                comparison.completions("none").get(1).text());
        assertEquals(0, comparison.mean("none", "energy").mean());
        assertTrue(
                comparison.mean("A-LQR", "strength").mean()
                        > comparison.mean("none", "strength").mean() + 0.3,
                comparison.table()::print);
        assertTrue(comparison.change("A-LQR", "none", "strength").low() > 0);
        assertEquals(1, comparison.change("none", "none", "perplexity").mean(), 1e-12);
        assertTrue(comparison.mean("none", "perplexity").mean() > 1);
        // the first token's inputs are the same plan only where no input came before
        var frozen = comparison.completions("A-LQR, frozen").get(0);
        assertEquals(comparison.completions("A-LQR").get(0).energies()[0][0], frozen.energies()[0][0], 1e-3);
        assertEquals(frozen.energies()[0][5], frozen.energies()[7][5], 1e-3 * frozen.energies()[0][5]);

        assertEquals(
                "[controller, strength, perplexity, energy, distinct-1, distinct-2, distinct-3, repetition]",
                comparison.table().columnNames().toString());
        assertEquals(9, comparison.measurements().rowCount());
        assertEquals(
                "[prompt, none, A-LQR, frozen, A-LQR]",
                comparison.texts().columnNames().toString());
        assertEquals(2, comparison.changes("none").rowCount());
        var scored = comparison.with(
                Metric.of("length", completion -> completion.text().length()));
        assertEquals(9, scored.table().columnCount());
        assertRefused(() -> scored.with(Metric.energy()), "'energy' already");
        assertRefused(() -> scored.mean("lqr", "energy"), "no controller 'lqr'", "A-LQR");
        assertRefused(() -> scored.mean("none", "toxicity"), "no metric 'toxicity'", "distinct-2");
        assertRefused(() -> Comparison.of(model, PROMPTS, lqr, lqr), "two controllers", "'A-LQR'");
        assertRefused(() -> Comparison.of(model, List.of(), lqr), "0 prompts");
    }

    @Test
    void aPromptThatComesTwiceIsDrawnTwice() {
        var once = "Once upon a time";
        var sampling = Sampling.paper().withTopP(1);
        var frozen = ControllerFactory.frozen(Controller.actAdd(features.setpoint(0.1), 15));
        var comparison = Comparison.of(
                model,
                List.of(once, "The tide", once),
                Comparison.settings().tokens(6).sampling(sampling),
                frozen);
        var texts = comparison.completions(frozen.name());
        assertNotEquals(texts.get(0).text(), texts.get(2).text());
        assertEquals(once, texts.get(2).prompt());
        assertEquals("The tide", texts.get(1).prompt());
    }

    @Test
    void anotherModelMayJudge() {
        var settings =
                Comparison.settings().tokens(4).sampling(Sampling.paper()).judge(model);
        var comparison = Comparison.of(model, PROMPTS, settings, Controller.none());
        var own = Comparison.of(model, PROMPTS, settings.judge(null), Controller.none());
        assertEquals(own.mean("none", "perplexity"), comparison.mean("none", "perplexity"));
        assertEquals("Comparison[1 controllers, 3 prompts]", own.toString());
    }
}
