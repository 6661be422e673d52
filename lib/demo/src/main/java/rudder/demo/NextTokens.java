package rudder.demo;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * A distribution of the next token, in double precision.
 *
 * @param logProbabilities ln p(x), [vocabulary]
 */
record NextTokens(double[] logProbabilities) {

    /** A token and its probability. */
    record Likely(int token, double probability) {}

    /** Returns the softmax of logits[offset .. offset + size). */
    static NextTokens of(float[] logits, int offset, int size) {
        double largest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < size; i++) {
            largest = Math.max(largest, logits[offset + i]);
        }
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sum += Math.exp(logits[offset + i] - largest);
        }
        double log = largest + Math.log(sum);
        var all = new double[size];
        for (int i = 0; i < size; i++) {
            all[i] = logits[offset + i] - log;
        }
        return new NextTokens(all);
    }

    /** Returns -ln p of a token, in nats. */
    double surprisal(int token) {
        return -logProbabilities[token];
    }

    /** Returns the KL divergence {@code sum_x p(x) ln(p(x) / q(x))} of this p from q, in nats. */
    double divergence(NextTokens q) {
        double sum = 0;
        for (int i = 0; i < logProbabilities.length; i++) {
            double p = Math.exp(logProbabilities[i]);
            if (p > 0) {
                sum += p * (logProbabilities[i] - q.logProbabilities[i]);
            }
        }
        return sum;
    }

    /** Returns the n likeliest tokens, the likeliest first; of equals, those with the lowest ids. */
    List<Likely> likeliest(int n) {
        Comparator<Integer> order =
                Comparator.<Integer>comparingDouble(i -> logProbabilities[i]).thenComparing(Comparator.reverseOrder());
        var kept = new PriorityQueue<>(order); // the least likely on top
        for (int i = 0; i < logProbabilities.length; i++) {
            if (kept.size() < n) {
                kept.add(i);
            } else if (logProbabilities[i] > logProbabilities[kept.peek()]) {
                kept.poll();
                kept.add(i);
            }
        }
        var likely = new ArrayList<Likely>();
        while (!kept.isEmpty()) {
            int token = kept.poll();
            likely.add(0, new Likely(token, Math.exp(logProbabilities[token])));
        }
        return likely;
    }
}
