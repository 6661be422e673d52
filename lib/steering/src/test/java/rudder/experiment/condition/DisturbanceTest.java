package rudder.experiment.condition;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.RoundedWeights;
import rudder.checkpoint.format.TensorSource;
import rudder.compare.Comparison;
import rudder.kernel.PackedInput;
import rudder.kernel.PackedMatrix;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.PromptSet;
import rudder.theory.control.Controller;

class DisturbanceTest {
    private static final LanguageModel MODEL = Tiny.LLAMA.model();
    private static final List<String> OPENINGS = List.of("The old sailor looked", "In these inner seas");
    private static final String PROMPTS = "../../data/prompts";

    @TempDir
    Path folder;

    /** Both sides of a twin add the same vector, of the size asked for, at one block. */
    @Test
    void noiseIsTheSameForTwinsAndAnotherForAnotherPrompt() {
        var noise = Disturbance.noise(0.3, 0.5, 1);
        var none = noise.on(MODEL, ControllerFactory.of(Controller.none())).controller();
        double[] z = MODEL.trace("the sea").rollout().states()[2];
        double[] first = none.apply(MODEL, "the sea").input(2, z);
        assertArrayEquals(first, none.apply(MODEL, "the sea").input(2, z));
        assertNotEquals(first[0], none.apply(MODEL, "a wave").input(2, z)[0]);
        var reseeded = Disturbance.noise(0.3, 0.5, 2).on(MODEL, ControllerFactory.of(Controller.none()));
        assertNotEquals(first[0], reseeded.controller().apply(MODEL, "the sea").input(2, z)[0]);
        assertEquals(0, norm(none.apply(MODEL, "the sea").input(1, z)));
        assertEquals(0.3 * norm(z), norm(first), 0.3 * 0.3 * norm(z));
        var features = Features.contrast(MODEL, new ContrastSet("sea", List.of("the sea"), List.of("a street")));
        var p = Controller.proportional(features.setpoint(2), 1, 2);
        double[] both = noise.on(MODEL, ControllerFactory.of(p))
                .controller()
                .apply(MODEL, "the sea")
                .input(2, z);
        double[] alone = p.input(2, z);
        for (int i = 0; i < both.length; i++) {
            assertEquals(alone[i] + first[i], both[i], 1e-12);
        }
    }

    /**
     * One text is written on the heap and several on the engine where weights are packed; noise is one input for both.
     */
    @Test
    void noisyTextsAloneAreThoseOfABatch() {
        var arm = Disturbance.noise(0.5, 0.25, 2).on(MODEL, ControllerFactory.of(Controller.none()));
        var settings = Comparison.settings().tokens(6);
        var together = settings.write(MODEL, List.of(arm), OPENINGS, 0).get(0);
        for (int i = 0; i < OPENINGS.size(); i++) {
            var alone = settings.write(MODEL, List.of(arm), OPENINGS.subList(i, i + 1), 0)
                    .get(0)
                    .get(0);
            assertArrayEquals(together.get(i).tokens(), alone.tokens());
        }
        assertNotEquals(
                together.get(0).text(),
                settings.write(MODEL, List.of(ControllerFactory.of(Controller.none())), OPENINGS, 0)
                        .get(0)
                        .get(0)
                        .text());
    }

    /** With 3 bits the values are -3..3 times the scale max|x| / 3 of each group of 32; vectors stay. */
    @Test
    void roundedMatricesHaveFewValuesInEachGroup() throws IOException {
        float[] row = new float[40];
        Arrays.fill(row, 0.5f);
        row[0] = -3;
        row[1] = 1.4f;
        row[39] = 6;
        try (var rounded = new RoundedWeights(new Two(row), 3)) {
            float[] found = rounded.read("matrix");
            assertEquals(-3, found[0]);
            assertEquals(1, found[1]);
            assertEquals(1, found[2], "0.5 rounds up");
            assertEquals(6, found[39]);
            assertEquals(0, found[38], "the second group's scale is 2");
            assertArrayEquals(row, rounded.read("vector"));
            assertTrue(rounded.packed("matrix").isEmpty(), "a row is no whole number of groups");
        }
        assertRefused(() -> new RoundedWeights(new Two(row), 1), "1 bits", "2..8");
    }

    @Test
    void packedGroupsAreTheRoundedValuesToTheBit() throws IOException {
        assumeTrue(PackedMatrix.available(), "this processor has vectors below 256 bits");
        float[] row = new float[96];
        var random = new Random(3);
        for (int i = 0; i < 64; i++) { // the last group is 0
            row[i] = (float) random.nextGaussian();
        }
        for (int bits : new int[] {2, 4, 8}) {
            try (var rounded = new RoundedWeights(new Two(row), bits)) {
                var packed = rounded.packed("matrix").orElseThrow();
                float[] found = new float[row.length];
                var matrix = PackedMatrix.of(packed.type(), packed.bytes(), 1, row.length)
                        .orElseThrow();
                matrix.row(0, found);
                float[] wanted = rounded.read("matrix");
                for (int i = 0; i < row.length; i++) {
                    assertEquals(wanted[i], found[i], 0f, bits + " bits, value " + i); // -0 is 0
                }
                var x = new PackedInput(row.length);
                double dot = 0;
                for (int i = 0; i < row.length; i++) {
                    x.values()[i] = (float) random.nextGaussian();
                    dot += (double) wanted[i] * x.values()[i];
                }
                x.ready();
                float[] product = new float[1];
                matrix.times(x, product, 0);
                assertEquals(dot, product[0], 1e-4);
                assertTrue(rounded.packed("vector").isEmpty());
            }
        }
    }

    private record Two(float[] row) implements TensorSource {
        @Override
        public Set<String> names() {
            return Set.of("matrix", "vector");
        }

        @Override
        public long[] shape(String name) {
            return name.equals("matrix") ? new long[] {1, row.length} : new long[] {row.length};
        }

        @Override
        public void read(String name, long first, long count, FloatBuffer into) {
            into.put(row);
        }

        @Override
        public void close() {}
    }

    @Test
    void roundedModelsAreOtherModelsAndRefuseControllersOfTheUnrounded() throws IOException {
        var file = folder.resolve("tiny.gguf");
        Files.write(file, Tiny.LLAMA.gguf().bytes());
        try (var plain = LanguageModel.load(file.toString());
                var rounded = LanguageModel.loadRounded(file.toString(), 4)) {
            assertNotEquals(plain.sha256(), rounded.sha256());
            assertEquals(64, rounded.sha256().length());
            var features = Features.contrast(plain, new ContrastSet("sea", List.of("the sea"), List.of("a street")));
            var arm = ControllerFactory.of(Controller.actAdd(features.setpoint(1), 2));
            assertRefused(() -> arm.on(rounded, OPENINGS), "measured on", "forAnyPlant");
            Disturbance.rounded(4).on(plain, arm).on(rounded, OPENINGS).generate(OPENINGS, 2, Sampling.greedy());
            assertTrue(Math.abs(plain.logits(new int[] {5})[3] - rounded.logits(new int[] {5})[3]) > 1e-6);
        }
    }

    @Test
    void theFilesOfPromptsServeAllKinds() throws IOException {
        var openings = PromptSet.read(PROMPTS + "/openings.csv", "test").some(20);
        for (var kind : List.of("code", "law", "chat", "other-language")) {
            var prompts = Disturbance.prompts(PromptSet.read(PROMPTS + "/" + kind + ".csv"));
            assertEquals(kind, prompts.name());
            assertEquals(20, prompts.prompts().of("ocean", openings).size(), kind);
        }
        for (var split : List.of("on topic", "against")) {
            var prompts = Disturbance.topic(PROMPTS + "/topics.csv", split, concept -> "the " + concept);
            assertEquals(20, prompts.prompts().of("ocean", openings).size(), split);
            assertTrue(prompts.prompts().of("ocean", openings).stream().allMatch(text -> text.contains("the ocean")));
        }
        assertRefused(() -> Disturbance.topic(PROMPTS + "/openings.csv", "test", concept -> concept), "{topic}");
        var typed = Disturbance.typingErrors(0.5, 1);
        assertNotEquals(openings, typed.prompts().of("ocean", openings));
    }

    @Test
    void settingsChangeOnlyWhatTheDisturbanceNames() {
        var settings = Comparison.settings().tokens(40);
        assertEquals(settings, Disturbance.none().on(settings));
        assertEquals(300, Disturbance.longTexts(300).on(settings).tokens());
        assertEquals(
                1.2, Disturbance.temperature(1.2, 3).on(settings).sampling().temperature());
        var seeds = Disturbance.topP(1, 2, 3);
        assertEquals(3, seeds.size());
        assertEquals(0.9, seeds.get(2).on(settings).sampling().topP());
        assertEquals(3, seeds.get(2).on(settings).sampling().seed());
        assertRefused(() -> Disturbance.rounded(9), "9 bits");
        assertRefused(() -> Disturbance.noise(-1, 0.5, 1), "-1.0");
    }

    private static double norm(double[] x) {
        return Math.sqrt(Arrays.stream(x).map(v -> v * v).sum());
    }
}
