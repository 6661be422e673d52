package rudder.model.pass;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import rudder.kernel.Floats;
import rudder.model.engine.Sampler;

/** Logits on the heap. */
final class HeapLogits implements Logits {

    private static final int NONE = -1;

    private final float[] numbers;
    private final int rows;
    private final int vocabulary;

    /** @param numbers of all rows, [B vocabulary] */
    HeapLogits(float[] numbers, int rows) {
        this.numbers = numbers;
        this.rows = rows;
        vocabulary = numbers.length / rows;
    }

    @Override
    public float[] numbers() {
        return numbers;
    }

    /** {@inheritDoc} The pool seeks the tokens of likely rows; their own samplers draw as if one followed another. */
    @Override
    public IntUnaryOperator choices(List<Sampler> samplers, IntPredicate likely) {
        int[] some = IntStream.range(0, rows).filter(likely).toArray();
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
            return sampler.proposed(numbers, row * vocabulary, vocabulary);
        } catch (IllegalArgumentException e) {
            return NONE;
        }
    }

    /** Chooses the next token of a row. */
    int choose(int row, Sampler sampler) {
        return sampler.next(numbers, row * vocabulary, vocabulary);
    }

    @Override
    public double[] divergences(IntPredicate wanted) {
        int n = rows / 2;
        var all = new double[n];
        IntStream.range(0, n)
                .parallel()
                .filter(wanted)
                .forEach(i ->
                        all[i] = Floats.divergence(numbers, 2 * i * vocabulary, (2 * i + 1) * vocabulary, vocabulary));
        return all;
    }
}
