package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.checkpoint.Golden;
import rudder.checkpoint.store.ModelStore;
import rudder.theory.control.Controller;

/**
 * Small random checkpoints in Hugging Face's layout, one an architecture, against what transformers computes from them
 * in double precision. Their 21 tokens are more than their windows of 8.
 */
public class TinyCheckpointTest {

    /** Folders with the same files, of other seeds for instance, may be tested in place of the packed ones. */
    public static Stream<Path> checkpoints() throws IOException, URISyntaxException {
        String other = System.getProperty("rudder.tiny");
        Path folder = other == null
                ? Path.of(TinyCheckpointTest.class.getResource("/tiny").toURI())
                : Path.of(other);
        return Files.list(folder).sorted();
    }

    private static void forBothTypes(Path checkpoint, BiConsumer<LanguageModel, Double> law) throws IOException {
        for (var type : List.of(DataType.FLOAT32, DataType.FLOAT64)) {
            try (var model = new ModelLoader(type, null).load(ModelStore.fetch(checkpoint.toString()))) {
                law.accept(
                        model, type == DataType.FLOAT32 ? 1.0 : .02); // the goldens' own norms and angles are float32's
            }
        }
    }

    private static Golden golden(Path checkpoint) {
        try {
            return new Golden(
                    checkpoint.getFileName().toString(),
                    JsonParser.parseString(Files.readString(checkpoint.resolve("golden.json"))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An array [T, d, d] of little-endian float64 in numpy's format: magic, version, header length, header, values. */
    private static DMatrixRMaj[] jacobians(Path checkpoint, int horizon, int dimension) {
        try {
            var bytes = ByteBuffer.wrap(Files.readAllBytes(checkpoint.resolve("jacobians.npy")))
                    .order(ByteOrder.LITTLE_ENDIAN);
            int start = 10 + bytes.getShort(8);
            String header = new String(bytes.array(), 10, start - 10, java.nio.charset.StandardCharsets.US_ASCII);
            assertTrue(
                    header.contains("'descr': '<f8', 'fortran_order': False, 'shape': (" + horizon + ", " + dimension
                            + ", " + dimension + ")"),
                    header);
            var jacobians = new DMatrixRMaj[horizon];
            bytes.position(start);
            for (int k = 0; k < horizon; k++) {
                jacobians[k] = new DMatrixRMaj(dimension, dimension);
                bytes.asDoubleBuffer().get(jacobians[k].data);
                bytes.position(bytes.position() + jacobians[k].data.length * Double.BYTES);
            }
            return jacobians;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void logitsAndStatesAreTransformers(Path checkpoint) throws IOException {
        var golden = golden(checkpoint);
        int[] ids = golden.at("ids").ints();
        forBothTypes(checkpoint, (model, tightness) -> {
            float[] logits = model.logits(ids);
            double[] found = new double[logits.length];
            Arrays.setAll(found, i -> logits[i]);
            assertEquals(
                    0,
                    Golden.relative(found, golden.at("logits_last").numbers()),
                    1e-4 * tightness,
                    model + ", logits");
            var trace = model.steered(Controller.none())
                    .tracesOfTokens(List.of(ids))
                    .get(0);
            double[][] residual = golden.at("residual").rows();
            assertEquals(model.horizon() + 1, residual.length);
            for (int k = 0; k < residual.length; k++) {
                assertEquals(0, Golden.relative(trace.state(k), residual[k]), 1e-4 * tightness, model + ", z_" + k);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void jacobiansAndTheirProductsAreAutograds(Path checkpoint) throws IOException {
        int[] ids = golden(checkpoint).at("ids").ints();
        forBothTypes(checkpoint, (model, tightness) -> {
            var plant = model.plant(ids);
            int d = model.dimension();
            var random = new Random(1);
            var rows = new DMatrixRMaj(5, d, true, random.doubles(5L * d, -1, 1).toArray());
            var wanted = jacobians(checkpoint, model.horizon(), d);
            for (int k = 0; k < model.horizon(); k++) {
                String block = model + ", block " + k;
                DMatrixRMaj a = plant.jacobian(k);
                assertEquals(0, Golden.relative(a.data, wanted[k].data), 1e-4 * tightness, block);
                var xa = new DMatrixRMaj(5, d);
                CommonOps_DDRM.multTransB(rows, a, xa); // rows A x
                assertEquals(0, Golden.relative(plant.jvp(k, rows).data, xa.data), 1e-5 * tightness, block + ", A x");
                CommonOps_DDRM.mult(rows, a, xa); // rows x'A
                assertEquals(0, Golden.relative(plant.vjp(k, rows).data, xa.data), 1e-5 * tightness, block + ", x'A");
            }
        });
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void theBlockIsTheLastTokensOwn(Path checkpoint) throws IOException {
        int[] ids = golden(checkpoint).at("ids").ints();
        forBothTypes(checkpoint, (model, tightness) -> {
            var plant = model.plant(ids);
            for (int k = 0; k < model.horizon(); k++) {
                assertEquals(
                        0,
                        Golden.relative(
                                plant.next(k, plant.nominal().state(k)),
                                plant.nominal().state(k + 1)),
                        1e-5 * tightness,
                        model + ", z_" + (k + 1));
            }
        });
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void twelveGreedyTokensAreTransformersAloneAndInABatch(Path checkpoint) throws IOException {
        var golden = golden(checkpoint);
        int[] ids = golden.at("ids").ints();
        int[] all = golden.at("greedy12").ints();
        forBothTypes(checkpoint, (model, tightness) -> {
            var stops = model.tokenizer().stopTokens(); // where ours ends a text; the golden goes on
            int[] wanted = Arrays.copyOf(
                    all,
                    1
                            + IntStream.range(0, all.length)
                                    .filter(i -> stops.contains(all[i]))
                                    .findFirst()
                                    .orElse(all.length - 1));
            var alone = model.steered(Controller.none())
                    .generateOfTokens(List.of(ids), wanted.length, Sampling.greedy())
                    .get(0);
            assertArrayEquals(wanted, alone.tokens(), model.toString());
            int[] shorter =
                    Arrays.copyOfRange(ids, 9, ids.length); // padded on the left, and still longer than the window
            var batch = model.steered(Controller.none())
                    .generateOfTokens(List.of(shorter, ids, shorter, ids), wanted.length, Sampling.greedy());
            assertArrayEquals(wanted, batch.get(1).tokens(), model.toString());
            assertArrayEquals(
                    model.steered(Controller.none())
                            .generateOfTokens(List.of(shorter), wanted.length, Sampling.greedy())
                            .get(0)
                            .tokens(),
                    batch.get(0).tokens(),
                    model.toString());
        });
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void withoutATokenizerOnlyTextIsRefused(Path checkpoint) throws IOException {
        try (var model = LanguageModel.load(checkpoint.toString())) {
            assertTrue(assertThrows(IllegalStateException.class, () -> model.trace("text"))
                    .getMessage()
                    .contains("tokenizer.json"));
            assertEquals("<7><198>", model.decode(new int[] {7, 198}));
        }
    }
}
