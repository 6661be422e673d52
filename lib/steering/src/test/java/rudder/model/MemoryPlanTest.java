package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.ModelShape;
import rudder.model.memory.MemoryPlan;
import rudder.model.memory.MemoryPlan.Route;

class MemoryPlanTest {

    /** As the models' own pages count them. */
    private static final Map<String, Long> PUBLISHED = Map.of(
            "Llama-3.2-1B",
            1_235_814_400L,
            "Gemma-2-2B",
            2_614_341_888L,
            "Qwen2.5-3B",
            3_085_938_688L,
            "Llama-3-8B",
            8_030_261_248L,
            "Gemma-2-9B",
            9_241_705_984L,
            "Qwen2.5-14B",
            14_770_033_664L,
            "Qwen2.5-32B",
            32_763_876_352L,
            "Llama-3.1-70B",
            70_553_706_496L);

    private static final long GIB = 1L << 30;

    private static MemoryPlan plan(String name) {
        var shape = ModelShape.paper().stream()
                .filter(one -> one.name().equals(name))
                .findFirst()
                .orElseThrow();
        return MemoryPlan.of(shape, 24, 20, 1);
    }

    /**
     * Bytes of the arrays that the engine holds for a model once it has made logits, and of an embedding that is
     * another matrix than the head.
     */
    private static long writing(LanguageModel model) {
        Tiny.useEngine(model);
        var config = model.transformer().config;
        return held(model) + (config.tiedHead() ? 0 : (long) Float.BYTES * config.vocabulary() * config.dimension());
    }

    /** Bytes of the arrays that the engine holds for a model, but for what it keeps of prompts. */
    private static long held(LanguageModel model) {
        return held(model.transformer().manager) - held(model.prefixes().manager);
    }

    private static long held(NDManager manager) {
        return manager.getManagedArrays().stream()
                .mapToLong(array -> array.size() * array.getDataType().getNumOfBytes())
                .sum();
    }

    @Test
    void thePapersModelsHaveAsManyParametersAsPublished() {
        assertEquals(PUBLISHED.size(), ModelShape.paper().size());
        for (var shape : ModelShape.paper()) {
            assertEquals(PUBLISHED.get(shape.name()), shape.parameters(), shape.name());
        }
    }

    @Test
    void weightsAreEstimatedToATenthOfWhatTheEngineHolds() {
        for (var tiny : Tiny.values()) {
            var model = tiny.model(DataType.FLOAT32);
            assertEquals(writing(model), model.plan(1, 1, 1).weights(), .1 * held(model), tiny.name());
        }
    }

    @Test
    @Tag("model")
    void soAreThoseOfARealModel() throws IOException {
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            var plan = model.plan(24, 20, 1);
            assertEquals(134_515_008, plan.parameters());
            assertEquals(writing(model), plan.weights(), .1 * held(model));
            assertEquals(30L * 576 * 576 * 8, plan.jacobians());
            assertEquals(Route.DENSE, plan.route(2 * GIB));
        }
    }

    @Test
    void theCacheIsWhatTheEngineHoldsForIt() {
        var model = Tiny.QWEN2.model(DataType.FLOAT32);
        long before = held(model);
        try (var cache = model.transformer().cache(new int[3], 40)) {
            assertEquals(model.plan(1, 40, 3).cache(), held(model) - before, cache.toString());
        }
    }

    @Test
    void lessMemoryLeavesShorterRoutes() {
        var gemma = plan("Gemma-2-2B");
        assertEquals(Route.DENSE, gemma.route(gemma.bytes(Route.DENSE)));
        assertEquals(Route.STREAMED, gemma.route(gemma.bytes(Route.DENSE) - 1));
        assertEquals(Route.MATRIX_FREE, gemma.route(gemma.bytes(Route.STREAMED) - 1));
        assertEquals(Route.NONE, gemma.route(gemma.bytes(Route.MATRIX_FREE) - 1));
        assertEquals(Route.DENSE, plan("Llama-3-8B").route(80 * GIB, 64 * GIB));
        assertEquals(Route.NONE, plan("Qwen2.5-32B").route(80 * GIB, 64 * GIB));
    }

    @Test
    void loadedWeightsLeaveTheRouteToTheHeapAndTheRest() {
        var gemma = plan("Gemma-2-2B");
        long dense = gemma.bytes(Route.DENSE) - gemma.weights();
        long streamed = gemma.bytes(Route.STREAMED) - gemma.weights();
        long free = gemma.bytes(Route.MATRIX_FREE) - gemma.weights();
        assertEquals(Route.DENSE, gemma.routeBesideWeights(gemma.heap(Route.DENSE), dense));
        assertEquals(Route.STREAMED, gemma.routeBesideWeights(gemma.heap(Route.DENSE) - 1, dense));
        assertEquals(Route.STREAMED, gemma.routeBesideWeights(80 * GIB, dense - 1));
        assertEquals(Route.MATRIX_FREE, gemma.routeBesideWeights(80 * GIB, streamed - 1));
        assertEquals(Route.MATRIX_FREE, gemma.routeBesideWeights(gemma.heap(Route.STREAMED) - 1, dense));
        assertEquals(Route.NONE, gemma.routeBesideWeights(80 * GIB, free - 1));
    }

    @Test
    void halfPrecisionHalvesTheWeights() {
        var gemma = plan("Gemma-2-9B");
        assertEquals(gemma.weights(), 2 * gemma.inFloat16().weights());
        assertEquals(
                gemma.device(Route.MATRIX_FREE) - gemma.weights() / 2,
                gemma.inFloat16().device(Route.MATRIX_FREE));
        assertEquals(Route.NONE, gemma.route(24 * GIB, 64 * GIB));
        assertEquals(Route.DENSE, gemma.inFloat16().route(24 * GIB, 64 * GIB));
        var half = Tiny.QWEN2.model(DataType.FLOAT16).plan(1, 1, 1);
        assertEquals(Tiny.QWEN2.model(DataType.FLOAT32).plan(1, 1, 1).inFloat16(), half);
    }

    @Test
    void whatCannotFitIsRefusedBeforeItBegins() {
        assertRefused(
                () -> plan("Llama-3.1-70B").requireLoadable(24 * GIB),
                "Llama-3.1-70B",
                "70.6 billion",
                "282.2 GB",
                "25.8 GB are available");
        assertRefused(
                () -> plan("Gemma-2-2B").requireDense(GIB, 24 * GIB),
                "1.10 GB",
                "gains as much",
                "1.07 GB",
                "RUDDER_HEAP",
                "Regulator.feedback",
                "FeatureTracker");
        assertRefused(
                () -> plan("Gemma-2-2B").requireDense(2 * GIB, 24 * GIB), "2.15 GB"); // the Jacobians alone would fit
        assertRefused(() -> plan("Gemma-2-2B").requireDense(8 * GIB, GIB), "1.07 GB are available");
        plan("Gemma-2-2B").requireLoadable(24 * GIB);
        plan("Gemma-2-2B").requireDense(8 * GIB, 24 * GIB);
        assertRefused(() -> MemoryPlan.of(ModelShape.paper().get(0), 0, 1, 1), "0 prompts", "at least one");
        assertTrue(MemoryPlan.available() > 0);
    }
}
