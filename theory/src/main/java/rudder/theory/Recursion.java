package rudder.theory;

import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.DenseAlgebra.Matrix;
import rudder.theory.DenseAlgebra.Workspace;

/**
 * Runs a matrix recursion {@code X_k = f(k, X)} over the blocks on the algebra's device, such as the Riccati recursion
 * of {@link Lqr}. After each step only its result is kept; temporaries are freed.
 */
public final class Recursion {
    private Recursion() {}

    /** One step of a recursion. */
    public interface Step {
        /** Returns the matrix at block k from the matrix before; {@code here} is closed after the step. */
        Matrix at(int k, Workspace here, Matrix before);
    }

    /** Returns the last matrix, in Java's memory. */
    static DMatrixRMaj over(IntStream blocks, DenseAlgebra algebra, DMatrixRMaj start, Step step) {
        var kept = algebra.open();
        try {
            var x = kept.put(start);
            int[] order = blocks.toArray();
            for (int i = 0; i < order.length; i++) {
                Stop.ifInterrupted(i, order.length, "blocks");
                var before = kept;
                kept = algebra.open();
                try (before;
                        var here = algebra.open()) {
                    x = kept.keep(step.at(order[i], here, x));
                }
            }
            return x.get();
        } finally {
            kept.close();
        }
    }

    /** Runs the recursion over the blocks T-1..0 and returns the last matrix, in Java's memory. */
    public static DMatrixRMaj backwards(LinearSystem system, DMatrixRMaj start, Step step) {
        int last = system.horizon() - 1;
        return over(IntStream.rangeClosed(0, last).map(k -> last - k), system.algebra(), start, step);
    }
}
