package rudder.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import rudder.model.engine.Sampler;

/** The engine chooses the tokens that the host chooses of the same logits, and brings few numbers there. */
class EngineLogitsTest {

    private static final NDManager MANAGER = NDManager.newBaseManager("PyTorch");
    private static final int ROWS = 6;
    private static final int VOCABULARY = 5000;
    private static final DoubleConsumer NO_CHECK = sum -> {};

    @AfterAll
    static void close() {
        MANAGER.close();
    }

    private static float[] logits(Random random, double spread) {
        var logits = new float[ROWS * VOCABULARY];
        IntStream.range(0, logits.length).forEach(i -> logits[i] = (float) (spread * random.nextGaussian()));
        return logits;
    }

    private static EngineLogits inEngine(NDManager scope, float... logits) {
        return new EngineLogits(
                scope.create(logits, new Shape(logits.length / VOCABULARY, VOCABULARY)),
                new EngineChoices(scope),
                null,
                NO_CHECK);
    }

    private static List<Sampler> samplers(double temperature, int topK, double topP, double penalty) {
        return IntStream.range(0, ROWS)
                .mapToObj(row -> new Sampler(temperature, topK, topP, penalty, 7, row, 3 * row, 17, 400 + row))
                .toList();
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 1, 1, 2", // greedy
        "0, 0, 1, 1.2, 2",
        "0, 0, 1, 0.8, 2",
        "1, 0, 0.3, 1.2, 2", // the paper's
        "0.7, 0, 0.9, 1, 4",
        "1.5, 0, 0.95, 1.1, 0.5", // flat: most nuclei hold more tokens than come first
        "0.8, 40, 1, 1.3, 2",
        "1, 40, 0.9, 1.3, 2",
        "1, 1, 1, 1, 2",
        "1, 0, 1, 1.2, 2", // no cut: all logits come
        "1, 6000, 0.5, 1, 2"
    })
    void tokensAreThoseOfTheHost(double temperature, int topK, double topP, double penalty, double spread) {
        var random = new Random(1);
        var here = samplers(temperature, topK, topP, penalty);
        var there = samplers(temperature, topK, topP, penalty);
        try (var scope = MANAGER.newSubManager()) {
            for (int token = 0; token < 40; token++) { // tokens seen before are penalised
                float[] logits = logits(random, spread);
                var host = new HeapLogits(logits, ROWS).choices(here, row -> row % 3 != 1);
                var engine = inEngine(scope, logits).choices(there, row -> true);
                for (int row = 0; row < ROWS; row++) {
                    if (row != token % ROWS) { // a row that is not asked draws nothing
                        assertEquals(host.applyAsInt(row), engine.applyAsInt(row), "token " + token + ", row " + row);
                    }
                }
            }
        }
    }

    @Test
    void logitsThatAreNotFiniteAreRefusedAsOnTheHost() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            float[] logits = logits(new Random(1), 1);
            logits[2 * VOCABULARY + 99] = bad;
            for (double temperature : new double[] {0, 1}) {
                try (var scope = MANAGER.newSubManager()) {
                    var choices = inEngine(scope, logits).choices(samplers(temperature, 0, 0.5, 1.2), row -> true);
                    choices.applyAsInt(0);
                    var thrown = assertThrows(IllegalArgumentException.class, () -> choices.applyAsInt(2));
                    assertTrue(thrown.getMessage().contains("token 99 is " + bad), thrown.getMessage());
                }
            }
        }
    }

    @Test
    void aSumThatOverflowedIsRefusedWithTheFirstNumbers() {
        try (var scope = MANAGER.newSubManager()) {
            NDArray array = scope.create(logits(new Random(1), 1), new Shape(ROWS, VOCABULARY));
            NDArray sum = scope.create(new float[] {Float.POSITIVE_INFINITY});
            DoubleConsumer refuse = found -> {
                throw new ArithmeticException("" + found);
            };
            for (int topK : new int[] {0, 5}) { // with all logits, and with the candidates
                var logits = new EngineLogits(array, new EngineChoices(scope), sum, refuse);
                var samplers = samplers(1, topK, 1, 1);
                assertThrows(ArithmeticException.class, () -> logits.choices(samplers, row -> true)
                        .applyAsInt(0));
            }
        }
    }

    @Test
    void divergencesAreThoseOfTheHost() {
        float[] logits = logits(new Random(2), 3);
        try (var scope = MANAGER.newSubManager()) {
            double[] wanted = new HeapLogits(logits, ROWS).divergences(i -> true);
            double[] found = inEngine(scope, logits).divergences(i -> true);
            assertArrayEquals(wanted, found, 1e-5);
            assertTrue(Arrays.stream(wanted).allMatch(x -> x > 1));
        }
    }

    @Test
    void logitsOfAPassThatIsOverSaySo() {
        EngineLogits logits;
        EngineLogits read;
        float[] numbers = logits(new Random(3), 1);
        try (var scope = MANAGER.newSubManager()) {
            logits = inEngine(scope, numbers);
            read = inEngine(scope, numbers);
            read.numbers();
        }
        assertArrayEquals(numbers, read.numbers());
        var thrown = assertThrows(IllegalStateException.class, logits::numbers);
        assertTrue(thrown.getMessage().contains("at that token"), thrown.getMessage());
    }

    @Test
    void readingsThatWaitComeTogether() {
        var readings = new Readings(MANAGER);
        var kept = Stream.of(new float[] {1, 2, 3, 4}, new float[] {5, 6})
                .map(x -> {
                    try (var array = MANAGER.create(x, new Shape(2, x.length / 2))) {
                        return readings.keep(array);
                    }
                })
                .toList();
        assertArrayEquals(new double[] {5, 6}, kept.get(1).numbers());
        var late = readings.keep(MANAGER.create(new float[] {7}));
        readings.close();
        assertArrayEquals(new double[] {1, 2, 3, 4}, kept.get(0).numbers());
        assertThrows(IllegalStateException.class, late::numbers);
    }
}
