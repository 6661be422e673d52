package rudder.model.pass;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import rudder.model.engine.Sampler;

/** Logits on the heap. */
final class HeapLogits implements Logits {

    private static final int NONE = -1;

    private final float[] read;
    private final int[] texts;
    private final int rows;
    private final int vocabulary;
    private float[] numbers; // null before they are asked for

    /**
     * @param read [texts vocabulary]
     * @param texts the rows that were read, in their order
     * @param rows B
     */
    HeapLogits(float[] read, int[] texts, int rows) {
        this.read = read;
        this.texts = texts.clone();
        this.rows = rows;
        vocabulary = read.length / texts.length;
    }

    /** @param numbers of all rows, [B vocabulary] */
    HeapLogits(float[] numbers, int rows) {
        this(numbers, IntStream.range(0, rows).toArray(), rows);
    }

    /** {@inheritDoc} Those of rows that were not read are 0. */
    @Override
    public float[] numbers() {
        if (numbers == null) {
            numbers = texts.length == rows ? read : spread();
        }
        return numbers;
    }

    private float[] spread() {
        float[] all = new float[rows * vocabulary];
        for (int i = 0; i < texts.length; i++) {
            System.arraycopy(read, i * vocabulary, all, texts[i] * vocabulary, vocabulary);
        }
        return all;
    }

    /** {@inheritDoc} The pool seeks the tokens of likely rows; their own samplers draw as if one followed another. */
    @Override
    public IntUnaryOperator choices(List<Sampler> samplers, IntPredicate likely) {
        int[] some = IntStream.of(texts).filter(likely).toArray();
        if (some.length < 2) {
            return row -> choose(row, samplers.get(row));
        }
        var proposed = new int[rows];
        Arrays.fill(proposed, NONE);
        IntStream.of(some).parallel().forEach(row -> proposed[row] = proposed(row, samplers.get(row)));
        return row -> proposed[row] == NONE
                ? choose(row, samplers.get(row))
                : samplers.get(row).take(proposed[row]);
    }

    /** Returns {@link #NONE} where no token can be chosen: then whoever asks for the row meets the error. */
    private int proposed(int row, Sampler sampler) {
        try {
            return sampler.proposed(read, first(row), vocabulary);
        } catch (IllegalArgumentException e) {
            return NONE;
        }
    }

    /** Chooses the next token of a row that was read. */
    int choose(int row, Sampler sampler) {
        return sampler.next(read, first(row), vocabulary);
    }

    /** Returns where the logits of a row that was read begin. */
    private int first(int row) {
        return Arrays.binarySearch(texts, row) * vocabulary;
    }

    @Override
    public double[] divergences(IntPredicate wanted) {
        int n = rows / 2;
        var all = new double[n];
        IntStream.range(0, n)
                .parallel()
                .filter(wanted)
                .forEach(i -> all[i] = divergence(read, first(i), first(n + i), vocabulary));
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
