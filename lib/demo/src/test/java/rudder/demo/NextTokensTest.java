package rudder.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NextTokensTest {

    private static final int SIZE = 50;
    private static final float[] LOGITS = logits();

    private static float[] logits() {
        var random = new Random(1);
        var logits = new float[2 * SIZE];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (300 + 3 * random.nextGaussian()); // exp(300) overflows a float
        }
        return logits;
    }

    private static double probability(int first, int i) {
        double sum = IntStream.range(first, first + SIZE)
                .mapToDouble(j -> Math.exp(LOGITS[j] - (double) LOGITS[first + i]))
                .sum();
        return 1 / sum;
    }

    @Test
    void probabilitiesAreTheSoftmaxOfTheirPartOfTheLogits() {
        var second = NextTokens.of(LOGITS, SIZE, SIZE);
        for (int i = 0; i < SIZE; i++) {
            assertEquals(-Math.log(probability(SIZE, i)), second.surprisal(i), 1e-12);
        }
    }

    @Test
    void divergenceIsItsDefinition() {
        var p = NextTokens.of(LOGITS, 0, SIZE);
        var q = NextTokens.of(LOGITS, SIZE, SIZE);
        double wanted = IntStream.range(0, SIZE)
                .mapToDouble(i -> probability(0, i) * Math.log(probability(0, i) / probability(SIZE, i)))
                .sum();
        assertEquals(wanted, p.divergence(q), 1e-12);
        assertEquals(0, p.divergence(p));
    }

    @Test
    void aTokenThatCannotComeCountsNothing() {
        var p = NextTokens.of(new float[] {0, Float.NEGATIVE_INFINITY, 0}, 0, 3);
        var q = NextTokens.of(new float[] {0, 0, 0}, 0, 3);
        assertEquals(Math.log(1.5), p.divergence(q), 1e-12);
    }

    @Test
    void theLikeliestComeFirstAndOfEqualsTheLowestId() {
        float[] logits = {1, 5, 3, 5, 0, 3, 3};
        var likely = NextTokens.of(logits, 0, logits.length).likeliest(5);
        assertEquals(
                List.of(1, 3, 2, 5, 6),
                likely.stream().map(NextTokens.Likely::token).toList());
        double sum = IntStream.range(0, logits.length)
                .mapToDouble(i -> Math.exp(logits[i]))
                .sum();
        assertEquals(Math.exp(5) / sum, likely.get(0).probability(), 1e-12);
        assertEquals(7, NextTokens.of(logits, 0, logits.length).likeliest(9).size());
    }
}
