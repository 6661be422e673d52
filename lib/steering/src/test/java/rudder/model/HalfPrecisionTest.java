package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.checkpoint.Golden;
import rudder.checkpoint.store.ModelStore;
import rudder.model.engine.Devices;
import rudder.model.transformer.Norm;

/**
 * Weights in float16, as far as a CPU can tell: its products are slower there, and accumulate as a GPU's do only by and
 * large.
 */
class HalfPrecisionTest {

    /**
     * A weight and a unit vector's entry are rounded by at most 2^-11, .0005; a dozen products in a row, some of them
     * sharpened by a softmax, add up.
     */
    private static final double CLOSE = 5e-3;

    private static void assertClose(double[] found, double[] wanted, String what) {
        double error = Golden.relative(found, wanted);
        assertTrue(error > 0 && error < CLOSE, what + ": " + error); // 0: nothing was stored in half precision
    }

    private static void assertNearlyTheSame(LanguageModel half, LanguageModel single, int[] tokens) {
        assertClose(Golden.doubles(half.logits(tokens)), Golden.doubles(single.logits(tokens)), half + ", logits");
        var wanted = single.plant(tokens);
        var found = half.plant(tokens);
        for (int k = 0; k < single.horizon(); k++) {
            assertClose(found.nominal().state(k + 1), wanted.nominal().state(k + 1), half + ", state " + (k + 1));
            assertClose(found.jacobian(k).data, wanted.jacobian(k).data, half + ", Jacobian " + k);
        }
    }

    @ParameterizedTest
    @EnumSource
    void tinyModelsAreNearlyTheSame(Tiny tiny) {
        assertNearlyTheSame(tiny.model(DataType.FLOAT16), tiny.model(DataType.FLOAT32), Tiny.tokens(9, 3));
    }

    @ParameterizedTest
    @MethodSource("rudder.model.TinyCheckpointTest#checkpoints")
    void soAreCheckpointsOfEveryArchitecture(Path checkpoint) throws IOException {
        var file = ModelStore.fetch(checkpoint.toString());
        try (var half = new ModelLoader(DataType.FLOAT16, null).load(file);
                var single = new ModelLoader(DataType.FLOAT32, null).load(file)) {
            assertNearlyTheSame(half, single, new int[] {5, 17, 40, 3, 99, 21, 8, 60, 31, 7, 12});
        }
    }

    @ParameterizedTest
    @EnumSource
    void derivativesAreThoseOfTheRoundedWeightsInSinglePrecision(Tiny tiny) {
        var plant = tiny.model(DataType.FLOAT16).plant(Tiny.tokens(7, 1));
        for (int k = 0; k < tiny.horizon; k++) {
            var a = plant.jacobian(k);
            var rows = new DMatrixRMaj(
                    2, Tiny.D, true, new Random(k).doubles(2L * Tiny.D, -1, 1).toArray());
            var wanted = CommonOps_DDRM.mult(rows, a, null);
            assertEquals(
                    0,
                    Golden.relative(plant.vjp(k, rows).data, wanted.data),
                    1e-3); // the point at which they are taken is half precision's
        }
    }

    @Test
    void matricesTakeHalfTheMemoryAndVectorsStayWhole() {
        var half = Tiny.QWEN2.model(DataType.FLOAT16);
        half.logits(Tiny.tokens(3, 1));
        long bytes = (long) Short.BYTES * Tiny.VOCABULARY * Tiny.D; // the embedding stays in its file
        for (NDArray array : half.transformer().manager.getManagedArrays()) {
            boolean matrix = array.getShape().dimension() == 2
                    && array.getShape().get(1) > Tiny.QWEN2.width; // wider than the quarter turn
            assertEquals(
                    matrix ? DataType.FLOAT16 : DataType.FLOAT32,
                    array.getDataType(),
                    array.getShape().toString());
            bytes += array.size() * array.getDataType().getNumOfBytes();
        }
        assertEquals(half.plan(1, 1, 1).weights(), bytes, .1 * bytes);
        assertEquals("float16", half.precision());
        assertTrue(half.toString().contains(", float16, "), half.toString());
    }

    @Test
    void aSteeredTextIsWrittenInHalfPrecision() {
        var half = Tiny.LLAMA.model(DataType.FLOAT16);
        var setpoint = Tiny.LLAMA.setpoint(1);
        var controller = Tiny.LLAMA.lqr(setpoint);
        var found = half.steered(controller).measuring(setpoint).generate("the sea", 4, Sampling.greedy());
        var wanted = Tiny.LLAMA
                .model(DataType.FLOAT32)
                .steered(controller)
                .measuring(setpoint)
                .generate("the sea", 4, Sampling.greedy());
        assertClose(found.strengths()[0], wanted.strengths()[0], "strengths of the first token");
    }

    /** 1e6 is beyond half precision, as are the states of Gemma. */
    @Test
    void statesBeyondHalfPrecisionsRangeAreMultipliedAll() {
        try (NDManager manager =
                Tiny.LLAMA.model(DataType.FLOAT16).transformer().manager.newSubManager()) {
            NDArray x = manager.create(new float[] {1e6f, -2e6f, 3, 0, 0, 0}, new Shape(2, 3));
            NDArray w = manager.create(new float[] {.5f, .25f, 1, -1, 1, 0}, new Shape(2, 3));
            var norm = new Norm(manager.create(new float[] {1e-5f}));
            float[] wanted = norm.linear(x, w).toFloatArray();
            float[] found = norm.linear(x, w.toType(DataType.FLOAT16, false)).toFloatArray();
            assertEquals(List.of(0f, 0f), List.of(found[2], found[3])); // a row of zeros
            assertEquals(wanted[1], found[1], 1e-3 * 3e6);
            assertEquals(wanted[0], found[0], 1e-3 * 3e6);
        }
    }

    @Test
    void weightsBeyondItAndOtherPrecisionsAreRefused() {
        var tensors = Tiny.LLAMA.tensors();
        tensors.get("blk.1.ffn_up.weight").values()[3] = 60_000;
        assertRefused(
                () -> Tiny.LLAMA.load(DataType.FLOAT16, tensors, file -> {}),
                "blk.1.ffn_up.weight",
                "at element 3",
                "65504",
                "RUDDER_DTYPE=float32");
        assertRefused(() -> Devices.precisionNamed("bfloat16"), "RUDDER_DTYPE is 'bfloat16'", "float32 or float16");
        assertEquals(DataType.FLOAT16, Devices.precisionNamed("float16"));
    }
}
