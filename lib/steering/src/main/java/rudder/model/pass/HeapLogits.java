package rudder.model.pass;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import rudder.model.engine.Sampler;

/**
 * Logits on the heap.
 *
 * @param numbers [B vocabulary]
 * @param rows B
 */
record HeapLogits(float[] numbers, int rows) implements Logits {

    @Override
    public IntUnaryOperator choices(List<Sampler> samplers) {
        return row -> choose(row, samplers.get(row));
    }

    /** Chooses the next token of a row. */
    int choose(int row, Sampler sampler) {
        return sampler.next(numbers, row * vocabulary(), vocabulary());
    }

    private int vocabulary() {
        return numbers.length / rows;
    }

    @Override
    public double[] divergences(IntPredicate wanted) {
        int n = rows / 2;
        var all = new double[n];
        IntStream.range(0, n)
                .parallel()
                .filter(wanted)
                .forEach(i -> all[i] = divergence(numbers, i * vocabulary(), (n + i) * vocabulary(), vocabulary()));
        return all;
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
