package rudder.model.pass;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.function.DoubleConsumer;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import rudder.model.engine.EngineAlgebra;
import rudder.model.engine.Sampler;
import rudder.model.transformer.Tensors;

/** Logits in the engine, until the next pass. Choosing a token brings few numbers to the host. */
final class EngineLogits implements Logits {

    private final NDArray logits; // [B, vocabulary], single precision
    private final EngineChoices choices;
    private final DoubleConsumer check;
    private NDArray squares; // null once checked, or where nothing is
    private float[] numbers; // null before they are read

    /**
     * @param logits [B, vocabulary], single precision
     * @param squares a sum that comes with the first numbers, [1]; null where there is none
     * @param check refuses the sum where it is not finite
     */
    EngineLogits(NDArray logits, EngineChoices choices, NDArray squares, DoubleConsumer check) {
        this.logits = logits;
        this.choices = choices;
        this.squares = squares;
        this.check = check;
    }

    @Override
    public float[] numbers() {
        if (numbers == null) {
            if (squares != null) {
                checked(EngineAlgebra.numbers(squares)[0]);
            }
            if (logits.isReleased()) {
                throw new IllegalStateException("the logits of a token that has passed: ask for them at that token");
            }
            numbers = logits.toFloatArray();
        }
        return numbers;
    }

    private void checked(double sum) {
        squares = null;
        check.accept(sum);
    }

    @Override
    public IntUnaryOperator choices(List<Sampler> rows, IntPredicate likely) {
        int vocabulary = Math.toIntExact(logits.getShape().get(1));
        int n = rows.get(0).candidates(vocabulary);
        if (n == 0) {
            return row -> choose(rows, row);
        }
        var candidates = choices.of(logits, rows, n, squares);
        if (squares != null) {
            checked(candidates.extra());
        }
        return row -> rows.get(row)
                .nextOf(candidates.ranked()[row], candidates.weights()[row])
                .orElseGet(() -> choose(rows, row));
    }

    private int choose(List<Sampler> rows, int row) {
        return new HeapLogits(numbers(), rows.size()).choose(row, rows.get(row));
    }

    @Override
    public double[] divergences(IntPredicate wanted) {
        try (NDManager within = logits.getManager().newSubManager()) {
            NDArray all = Tensors.within(within, logits).logSoftmax(-1); // [2 n, vocabulary]
            long n = all.getShape().get(0) / 2;
            NDArray pairs = all.reshape(n, 2, all.getShape().get(1));
            NDArray logP = pairs.get(":, 0");
            NDArray logQ = pairs.get(":, 1");
            return EngineAlgebra.numbers(divergences(logP, logQ));
        }
    }

    /** Returns sum_x p(x) (ln p(x) - ln q(x)) of each row of ln p and ln q [n, vocabulary]: [n]. */
    static NDArray divergences(NDArray logP, NDArray logQ) {
        return logP.exp().muli(logP.sub(logQ)).sum(new int[] {-1});
    }
}
