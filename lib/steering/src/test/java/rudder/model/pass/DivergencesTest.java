package rudder.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.model.engine.Sampler;

class DivergencesTest {

    @Test
    void theDivergenceOfLogitsIsTheSumOfItsDefinition() {
        var random = new Random(1);
        float[] logits = new float[2 * 50];
        IntStream.range(0, logits.length).forEach(i -> logits[i] = (float) (8 * random.nextGaussian() + 100));
        double[] p = softmax(logits, 0);
        double[] q = softmax(logits, 50);
        double sum = IntStream.range(0, 50)
                .mapToDouble(x -> p[x] * Math.log(p[x] / q[x]))
                .sum();
        assertEquals(sum, HeapLogits.divergence(logits, 0, 50, 50), 1e-10);
        logits[3] = Float.NEGATIVE_INFINITY; // 0 ln 0 = 0
        assertTrue(Double.isFinite(HeapLogits.divergence(logits, 0, 50, 50)));
    }

    private static double[] softmax(float[] logits, int from) {
        double[] weights = IntStream.range(from, from + 50)
                .mapToDouble(i -> Math.exp(logits[i] - 100.0))
                .toArray();
        double sum = Arrays.stream(weights).sum();
        return Arrays.stream(weights).map(weight -> weight / sum).toArray();
    }

    /** The row without a choice is refused where it is asked for, and changes no other. */
    @Test
    void rowsThatAreSoughtTogetherAreThoseOfEach() {
        float[] logits = {0, 3, 1, Float.NaN, 0, 0, 2, 0, 1};
        var samplers = IntStream.range(0, 5)
                .mapToObj(row -> new Sampler(0, 0, 1, 1, 0, row))
                .toList();
        var choices = new HeapLogits(logits, new int[] {0, 2, 4}, 5).choices(samplers, row -> true);
        assertEquals(1, choices.applyAsInt(0));
        assertThrows(IllegalArgumentException.class, () -> choices.applyAsInt(2));
        assertEquals(0, choices.applyAsInt(4));
    }

    /** Two texts and their shadows: the second text ends with its first token. */
    @Test
    void aTextThatEndedHasNoMoreDivergences() {
        var divergences = new Divergences(2, 3);
        float[] apart = {0, 1, 0, 1, 1, 0, 1, 0};
        var logits = new HeapLogits(apart, 4);
        double expected = HeapLogits.divergence(apart, 0, 4, 2);
        divergences.add(0, logits, false, true, false, true);
        divergences.add(1, logits, true, true, true, true);
        divergences.add(2, logits, true, true, true, true);
        assertTrue(expected > 0.1);
        assertArrayEquals(new double[] {expected, expected}, divergences.of(0, 2));
        assertArrayEquals(new double[] {expected}, divergences.of(1, 1));
        assertArrayEquals(new double[] {expected, 0, 0}, divergences.of(1, 3));
    }
}
