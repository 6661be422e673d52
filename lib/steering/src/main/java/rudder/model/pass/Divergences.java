package rudder.model.pass;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Collects how far steering moves texts while they are written. Each text has a shadow in the same batch: an unsteered
 * text that takes the same tokens. So a text's two distributions come from one pass, whose products serve all rows.
 *
 * <p>The rows 0..n-1 of the batch are the texts, and row n + i is the shadow of row i.
 */
public final class Divergences {

    private final double[][] divergences; // [text][token]
    private final int[] lengths;

    public Divergences(int texts, int maxTokens) {
        divergences = new double[texts][maxTokens];
        lengths = new int[texts];
    }

    /**
     * Adds a token of every text that goes on.
     *
     * @param index the token's number among the generated ones
     * @param logits that it was chosen from, [2n vocabulary]
     * @param ended whether each row ends with this token, or ended before
     */
    public void add(int index, float[] logits, boolean... ended) {
        int n = lengths.length;
        int vocabulary = logits.length / (2 * n);
        // a GPU runs one large batch, whose logits keep several cores busy
        IntStream.range(0, n).parallel().filter(i -> lengths[i] == index).forEach(i -> {
            divergences[i][index] = divergence(logits, i * vocabulary, (n + i) * vocabulary, vocabulary);
            lengths[i] += ended[i] ? 0 : 1;
        });
    }

    /** Returns those of a text's first tokens, in nats. */
    public double[] of(int text, int tokens) {
        return Arrays.copyOf(divergences[text], tokens);
    }

    /**
     * Returns sum_x p(x) ln(p(x) / q(x)) of the softmax p of the logits a and q of the logits b: {@code sum_x p(x)
     * (a(x) - b(x)) - lse(a) + lse(b)} with {@code lse(a) = ln sum_x exp(a(x))}.
     */
    static double divergence(float[] logits, int a, int b, int size) {
        float largestA = Float.NEGATIVE_INFINITY;
        float largestB = Float.NEGATIVE_INFINITY;
        for (int x = 0; x < size; x++) {
            largestA = Math.max(largestA, logits[a + x]);
            largestB = Math.max(largestB, logits[b + x]);
        }
        double sumA = 0;
        double sumB = 0;
        double difference = 0;
        for (int x = 0; x < size; x++) {
            double ofA = (double) logits[a + x] - largestA;
            double ofB = (double) logits[b + x] - largestB;
            double weight = Math.exp(ofA);
            sumA += weight;
            sumB += Math.exp(ofB);
            difference += weight == 0 ? 0 : weight * (ofA - ofB);
        }
        return difference / sumA - Math.log(sumA) + Math.log(sumB);
    }
}
