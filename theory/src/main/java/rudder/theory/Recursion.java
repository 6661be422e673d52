package rudder.theory;

import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.DenseAlgebra.Matrix;
import rudder.theory.DenseAlgebra.Workspace;

/** A matrix carried from block to block where the products are made: of a step, only what it hands on outlives it. */
public final class Recursion {
    private Recursion() {}

    public interface Step {
        /** The matrix at block k from the one before; {@code here} is freed after the step. */
        Matrix at(int k, Workspace here, Matrix before);
    }

    /** The last matrix, in Java's memory. */
    static DMatrixRMaj over(IntStream blocks, DenseAlgebra algebra, DMatrixRMaj start, Step step) {
        var kept = algebra.open();
        try {
            var x = kept.put(start);
            for (int k : blocks.toArray()) {
                var before = kept;
                kept = algebra.open();
                try (before;
                        var here = algebra.open()) {
                    x = kept.keep(step.at(k, here, x));
                }
            }
            return x.get();
        } finally {
            kept.close();
        }
    }

    /** {@link #over} blocks T-1..0. */
    public static DMatrixRMaj backwards(LinearSystem system, DMatrixRMaj start, Step step) {
        int last = system.horizon() - 1;
        return over(IntStream.rangeClosed(0, last).map(k -> last - k), system.algebra(), start, step);
    }
}
