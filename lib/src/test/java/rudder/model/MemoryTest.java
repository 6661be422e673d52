package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import rudder.theory.Controller;

/** What a pass makes in the engine's memory goes with it. */
class MemoryTest {

    private static final Path STATM = Path.of("/proc/self/statm");
    private static final int PAGE = 4096;
    private static volatile byte[] garbage;

    private final LanguageModel tiny = Tiny.LLAMA.model(DataType.FLOAT32);
    private final SteeredModel steered = tiny.steered(Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(1)));

    private static int arrays(LanguageModel model) {
        return model.transformer().manager.getManagedArrays().size();
    }

    @Test
    void aModelHoldsItsWeightsAndNothingElse() {
        int weights = arrays(tiny);
        assertTrue(weights > 0);
        steered.generate(Tiny.TEXTS, 3, Sampling.paper());
        steered.atEveryToken().traces(Tiny.TEXTS);
        tiny.logits(Tiny.tokens(5, 1));
        tiny.perplexity("the sea");
        tiny.meanJacobians(Tiny.TEXTS);
        var plant = tiny.plant("the sea");
        plant.jvp(1, plant.vjp(1, new DMatrixRMaj(plant.nominal().rollout().states())));
        plant.jacobian(1, plant.next(0, plant.nominal().state(0)));
        assertEquals(weights, arrays(tiny));
    }

    @Test
    void arraysInUseAreAsManyAtTheFiveHundredthTokenAsAtTheFifth() {
        var counts = new ArrayList<Integer>();
        steered.generate("the sea", 500, Sampling.greedy(), text -> counts.add(arrays(tiny)));
        assertEquals(counts.get(4), counts.get(499));
    }

    /** Java's heap and the engine settle after some completions; a leak never does. */
    @Test
    void aCompletionOfFiveHundredTokensLeavesResidentMemoryAsItWas() {
        for (int i = 0; i < 1 << 14; i++) {
            garbage = new byte[1 << 16]; // so that the young heap is resident before one looks
        }
        var history = new ArrayList<Long>();
        long growth;
        do {
            assertTrue(history.size() < 20, "bytes by which 500 tokens grew, each time: " + history);
            long before = resident();
            steered.generate("the sea", 500, Sampling.greedy());
            growth = resident() - before;
            history.add(growth);
        } while (Math.abs(growth) >= 1_000_000);
    }

    /** A token takes 46 kB for its keys and values, 30 blocks x 2 x 3 heads x 64 floats; the median is deaf to a heap that grows now and then. */
    @Test
    @Tag("model")
    void fiveHundredTokensOfARealModelTakeTheirCacheAlone() throws IOException {
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            int weights = arrays(model);
            var resident = new ArrayList<Long>();
            var completion = model.steered(Controller.none()).generate("Once upon a time", 500, Sampling.greedy(), text -> resident.add(resident()));
            assertEquals(500, completion.tokens().length);
            long[] growth = IntStream.range(2, 10).mapToLong(i -> resident.get(50 * i + 49) - resident.get(50 * i)).sorted().toArray();
            assertTrue(growth[4] < 49 * 2 * 46_080, "bytes by which 50 tokens grew: " + Arrays.toString(growth));
            assertEquals(weights, arrays(model));
        }
    }

    private static long resident() {
        Assumptions.assumeTrue(Files.exists(STATM), "no /proc");
        try {
            return PAGE * Long.parseLong(Files.readString(STATM).split(" ")[1]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
