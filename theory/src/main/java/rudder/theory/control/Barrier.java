package rudder.theory.control;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.Check;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/**
 * Controllers that add the least input which keeps a feature above a bound. Let y be the output of block k before its
 * input, and c = v_{k+1}. Among all inputs B_k u with {@code c.(y + B_k u) >= beta*_{k+1}}, the one of least |u| is
 *
 * <pre>B_k u = max(0, beta*_{k+1} - c.y) B_k B_k' c / (c' B_k B_k' c).</pre>
 *
 * <p>The setpoint's target is the bound. Above the bound nothing is added. So this is {@link Controller#proportional}
 * of gain 1 behind a gate, but it measures the block's output, and therefore holds the bound whatever the block does.
 *
 * <p>Source: the quadratic program of control barrier functions (Ames et al., arXiv 1903.11199). This is its solution
 * for one linear constraint, in discrete time without decay. BarrierSteer (Tran et al., arXiv 2602.20102) puts learned
 * barriers on the states of language models.
 */
public final class Barrier {
    private Barrier() {}

    /**
     * Returns the barrier behind one block.
     *
     * @param bound v_{k+1}, and the targets as bounds.
     * @param inputs the input matrix B_k
     * @throws IllegalArgumentException if there is no such block, the feature is absent behind it, or no input moves it
     */
    public static Controller atBlock(Setpoint bound, InputMatrix inputs, int block) {
        Check.block(block, bound.horizon() - 1);
        Check.that(
                bound.gap(block + 1) > 0,
                "the feature is absent behind block %d: a bound on it holds nowhere, choose another block",
                block);
        var law = law(bound, inputs, block);
        Check.that(
                law.isPresent(),
                "no input of block %d moves the feature behind it: choose another input matrix",
                block);
        return controller(bound, " behind block " + block, Map.of(block, law.orElseThrow()));
    }

    /**
     * Returns the barrier behind every block from {@code from} on, without the blocks where the feature is absent or no
     * input moves it.
     *
     * @throws IllegalArgumentException if there is no such block, or no barrier remains
     */
    public static Controller from(Setpoint bound, InputMatrix inputs, int from) {
        Check.block(from, bound.horizon() - 1);
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = from; k < bound.horizon(); k++) {
            if (bound.gap(k + 1) > 0) {
                int block = k;
                law(bound, inputs, k).ifPresent(law -> laws.put(block, law));
            }
        }
        Check.that(!laws.isEmpty(), "no input of a block from %d on moves the feature behind it", from);
        return controller(bound, " behind blocks from " + from, laws);
    }

    private static Controller controller(Setpoint bound, String where, Map<Integer, ControlLaw> laws) {
        return Controller.of("barrier " + bound.lambda() + " mu_k" + where, HookPoint.RESID_POST, laws, bound);
    }

    /** Returns the law of a block; empty if c' B B' c = 0. */
    private static Optional<ControlLaw> law(Setpoint bound, InputMatrix inputs, int k) {
        double[] c = bound.direction(k + 1);
        double target = bound.target(k + 1);
        DMatrixRMaj answer = inputs.weigh(k, Vectors.row(c.clone())); // c' B B'
        Check.shape("the input matrix's answer to one row at block " + k, answer, 1, c.length);
        double[] w = Arrays.copyOf(answer.data, c.length);
        double moved = Vectors.dot(c, w); // c' B B' c
        return moved > 0
                ? Optional.of(ControlLaw.along(c, target, Vectors.times(1 / moved, w))
                        .where(c, Double.NEGATIVE_INFINITY, target))
                : Optional.empty();
    }
}
