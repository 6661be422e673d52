package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.types.DataType;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.checkpoint.Golden;
import rudder.checkpoint.store.ModelStore;
import rudder.theory.control.Controller;

/**
 * Small random checkpoints as transformers 5 saves them, against what it computes from them in double precision, and
 * other values of their configurations' fields. Their 26 tokens are more than their windows of 8.
 */
class Transformers5Test {

    private static final double TOLERANCE = 1e-5;

    @TempDir
    private Path temp;

    private static Path resource(String name) {
        try {
            return Path.of(Transformers5Test.class.getResource("/tiny5/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Golden golden(Path file) {
        try {
            return new Golden(file.toString(), JsonParser.parseString(Files.readString(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<Path> folders() throws IOException {
        return Files.list(resource("variants.json").getParent())
                .filter(Files::isDirectory)
                .sorted();
    }

    static List<Golden> variants() {
        return golden(resource("variants.json")).list();
    }

    private static void assertLogits(LanguageModel model, int[] ids, double[] wanted, Object what) {
        float[] logits = model.logits(ids);
        double[] found =
                IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).toArray();
        assertEquals(0, Golden.relative(found, wanted), TOLERANCE, what + ", logits");
    }

    @ParameterizedTest
    @MethodSource("folders")
    void logitsAndStatesAreTransformers(Path folder) throws IOException {
        var golden = golden(folder.resolve("golden.json"));
        int[] ids = golden.at("ids").ints();
        double[][] states = golden.at("residual").rows();
        for (var type : List.of(DataType.FLOAT32, DataType.FLOAT64)) {
            try (var model = new ModelLoader(type, null).load(ModelStore.fetch(folder.toString()))) {
                assertLogits(model, ids, golden.at("logits_last").numbers(), folder);
                var trace = model.steered(Controller.none())
                        .tracesOfTokens(List.of(ids))
                        .get(0);
                assertEquals(model.horizon() + 1, states.length);
                for (int k = 0; k < states.length; k++) {
                    assertEquals(
                            0,
                            Golden.relative(trace.state(k), states[k]),
                            TOLERANCE,
                            folder + ", " + type + ", z_" + k);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void aFieldIsReadAsTransformersReadsIt(Golden variant) throws IOException {
        try (var model = load(variant)) {
            assertLogits(model, variant.at("ids").ints(), variant.at("logits").numbers(), variant.at("fields"));
        }
    }

    private LanguageModel load(Golden variant) throws IOException {
        Path from = resource(variant.at("folder").text());
        JsonObject config = JsonParser.parseString(Files.readString(from.resolve("config.json")))
                .getAsJsonObject();
        variant.at("fields").json().getAsJsonObject().entrySet().forEach(field -> {
            if (field.getValue().isJsonNull()) {
                config.remove(field.getKey());
            } else {
                config.add(field.getKey(), field.getValue());
            }
        });
        Files.copy(from.resolve("model.safetensors"), temp.resolve("model.safetensors"));
        Files.writeString(temp.resolve("config.json"), config.toString());
        return new ModelLoader(DataType.FLOAT64, null).load(ModelStore.fetch(temp.toString()));
    }

    @Test
    void theAmplitudeOfYarnIsInTheDerivativeOfABlock() throws IOException {
        Golden stretched = variants().stream()
                .filter(variant -> variant.at("fields").json().toString().contains("\"attention_factor\":1.7"))
                .findFirst()
                .orElseThrow();
        try (var model = load(stretched)) {
            var plant = model.plant(stretched.at("ids").ints());
            double[] x = new Random(3).doubles(model.dimension(), -1, 1).toArray();
            double h = 1e-5;
            for (int k = 0; k < model.horizon(); k++) {
                double[] z = plant.nominal().state(k);
                double[] above = z.clone();
                double[] below = z.clone();
                for (int i = 0; i < x.length; i++) {
                    above[i] += h * x[i];
                    below[i] -= h * x[i];
                }
                double[] up = plant.next(k, above);
                double[] down = plant.next(k, below);
                double[] slope = IntStream.range(0, x.length)
                        .mapToDouble(i -> (up[i] - down[i]) / (2 * h))
                        .toArray();
                double[] ax = plant.jvp(k, DMatrixRMaj.wrap(1, x.length, x)).data;
                assertEquals(0, Golden.relative(ax, slope), 1e-6, "block " + k);
            }
        }
    }
}
