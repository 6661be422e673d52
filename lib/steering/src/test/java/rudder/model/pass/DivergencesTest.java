package rudder.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.model.engine.Sampler;

class DivergencesTest {

    /** Fewer numbers than a vector holds, and more than one sum of single precision takes. */
    @ParameterizedTest
    @ValueSource(ints = {3, 50, 1301})
    void theDivergenceOfLogitsIsTheSumOfItsDefinition(int size) {
        var random = new Random(1);
        float[] logits = new float[2 * size];
        IntStream.range(0, logits.length).forEach(i -> logits[i] = (float) (8 * random.nextGaussian() + 100));
        assertEquals(defined(logits), divergence(logits), 1e-6 * defined(logits));
        float[] near = logits.clone();
        IntStream.range(0, size).forEach(i -> near[size + i] = (float) (near[i] + 0.03 * random.nextGaussian()));
        assertEquals(defined(near), divergence(near), 1e-6);
        float[] same = logits.clone();
        System.arraycopy(logits, 0, same, size, size);
        assertEquals(0, divergence(same), 1e-12);
        logits[2] = Float.NEGATIVE_INFINITY; // 0 ln 0 = 0
        assertEquals(defined(logits), divergence(logits), 1e-6 * defined(logits));
        logits[size + 2] = Float.NEGATIVE_INFINITY;
        assertEquals(defined(logits), divergence(logits), 1e-6 * defined(logits));
        logits[size] = Float.NEGATIVE_INFINITY;
        assertEquals(Double.POSITIVE_INFINITY, divergence(logits));
    }

    private static double divergence(float... logits) {
        return new HeapLogits(logits, 2).divergences(pair -> true)[0];
    }

    private static double defined(float... logits) {
        int size = logits.length / 2;
        double[] p = softmax(logits, 0, size);
        double[] q = softmax(logits, size, size);
        return IntStream.range(0, size)
                .filter(x -> p[x] > 0)
                .mapToDouble(x -> p[x] * Math.log(p[x] / q[x]))
                .sum();
    }

    private static double[] softmax(float[] logits, int from, int size) {
        double[] weights = IntStream.range(from, from + size)
                .mapToDouble(i -> Math.exp(logits[i] - 100.0))
                .toArray();
        double sum = Arrays.stream(weights).sum();
        return Arrays.stream(weights).map(weight -> weight / sum).toArray();
    }

    /** The row without a choice is refused where it is asked for, and changes no other. */
    @Test
    void rowsThatAreSoughtTogetherAreThoseOfEach() {
        float[] logits = {0, 3, 1, Float.NaN, 0, 0, 2, 0, 1};
        var samplers = IntStream.range(0, 3)
                .mapToObj(row -> new Sampler(0, 0, 1, 1, 0, row))
                .toList();
        var choices = new HeapLogits(logits, 3).choices(samplers, row -> true);
        assertEquals(1, choices.applyAsInt(0));
        assertThrows(IllegalArgumentException.class, () -> choices.applyAsInt(1));
        assertEquals(0, choices.applyAsInt(2));
    }

    /** Three texts and their shadows. The second ends with its first token; the third begins behind it. */
    @Test
    void aTextHasAsManyDivergencesAsTokensWheneverItBegins() {
        var divergences = new Divergences(3, 3);
        float[] apart = {0, 1, 1, 0, 0, 1, 1, 0};
        double expected = Math.tanh(0.5); // of the probabilities 1 / (1 + e) and e / (1 + e), exchanged
        divergences.add(pass(apart, 0, 1, 2, 3), false, false, true, true, false, false);
        divergences.add(pass(apart, 0, 1, 2, 3), true, true, true, true, false, false);
        divergences.add(pass(apart, 0, 1, 4, 5), true, true, true, true, false, false);
        divergences.add(pass(apart, 2, 3, 4, 5), true, true, true, true, true, true);
        assertArrayEquals(new double[] {expected, expected}, divergences.of(0, 2), 1e-12);
        assertArrayEquals(new double[] {expected}, divergences.of(1, 1), 1e-12);
        assertArrayEquals(new double[] {expected, 0, 0}, divergences.of(1, 3), 1e-12);
        assertArrayEquals(new double[] {expected, expected, 0}, divergences.of(2, 3), 1e-12);
    }

    private static Passes.Result pass(float[] logits, int... texts) {
        return new Passes.Result(texts, new HeapLogits(logits, texts.length), null);
    }
}
