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
import java.util.Collections;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import rudder.theory.control.Controller;

/** What a pass makes in the engine's memory goes with it. */
class MemoryTest {

    private static final Path SMAPS = Path.of("/proc/self/smaps");

    private final LanguageModel tiny = Tiny.LLAMA.model(DataType.FLOAT32);
    private final SteeredModel steered = tiny.steered(Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(1)));

    /** But for those that it keeps of prompts. */
    private static int arrays(LanguageModel model) {
        return model.transformer().manager.getManagedArrays().size()
                - model.prefixes().manager.getManagedArrays().size();
    }

    @Test
    void aModelHoldsItsWeightsAndNothingElse() {
        Tiny.useEngine(tiny);
        int weights = arrays(tiny);
        assertTrue(weights > 0);
        steered.generate(Tiny.TEXTS, 3, Sampling.paper());
        steered.atEveryToken().traces(Tiny.TEXTS);
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

    /**
     * Compilers and allocators settle, a leak never does: of one array a block and token, 8 rows lose 3 MB each time.
     */
    @Test
    void fiveHundredTokensLeaveResidentMemoryAsItWas() {
        var prompts = Collections.nCopies(8, "the sea");
        var growth = new ArrayList<Long>();
        do {
            assertTrue(growth.size() < 10, "bytes by which resident memory grew, each time: " + growth);
            long before = resident();
            steered.generate(prompts, 500, Sampling.greedy());
            growth.add(resident() - before);
        } while (Math.abs(growth.get(growth.size() - 1)) >= 1_000_000);
    }

    /** A token takes 46 kB for its keys and values: 30 blocks x 2 x 3 heads x 64 floats. */
    @Test
    @Tag("model")
    void fiveHundredTokensOfARealModelTakeTheirCacheAlone() throws IOException {
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            model.logits(new int[] {7});
            int weights = arrays(model);
            int[] heard = {0};
            var fifties = new ArrayList<Long>();
            var completion = model.steered(Controller.none())
                    .generate("Once upon a time", 500, Sampling.greedy(), text -> {
                        if (++heard[0] % 50 == 0) {
                            fifties.add(resident());
                        }
                    });
            assertEquals(500, completion.tokens().length);
            long[] growth = IntStream.range(1, 10)
                    .mapToLong(i -> fifties.get(i) - fifties.get(i - 1))
                    .sorted()
                    .toArray();
            assertTrue(growth[4] < 50 * 2 * 46_080, "bytes by which 50 tokens grew: " + Arrays.toString(growth));
            assertEquals(weights, arrays(model));
        }
    }

    /**
     * Resident bytes but for Java's heap, which lies below 64 GB, where compressed pointers reach; nothing else does.
     */
    private static long resident() {
        Assumptions.assumeTrue(Files.exists(SMAPS), "no /proc");
        long bytes = 0;
        boolean counts = false;
        try {
            for (String line : Files.readAllLines(SMAPS)) {
                if (line.matches("[0-9a-f]+-.*")) { // from-to permissions ...
                    counts = Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), 16) >= 1L << 36;
                } else if (counts && line.startsWith("Rss:")) { // Rss: 12 kB
                    bytes += 1024 * Long.parseLong(line.split("\\s+")[1]);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes;
    }
}
