package rudder.theory.control;

import org.ejml.data.DMatrixRMaj;
import rudder.theory.Check;
import rudder.theory.Matrices;

/**
 * A measurement of a state: the errors {@code y = b - C z}, m numbers. Measurements are compared by identity. Two of
 * them with the same numbers at different blocks are not confused when a law remembers one.
 */
public final class Measurement {
    private final DMatrixRMaj C;
    private final double[] b;

    /**
     * @param C the measured directions as rows, m x d.
     * @param b the targets of the m numbers
     * @throws IllegalArgumentException if the shapes do not fit or a number is not finite
     */
    public Measurement(DMatrixRMaj C, double[] b) {
        Check.shape("C", C, b.length, C.numCols);
        Check.finite("C", C);
        Check.finite("b", b);
        this.C = C;
        this.b = b.clone();
    }

    /** Returns C, m x d. */
    public DMatrixRMaj directions() {
        return C;
    }

    /** Returns b, m numbers. */
    public double[] targets() {
        return b.clone();
    }

    /** Returns m, the number of measured numbers. */
    public int rank() {
        return b.length;
    }

    /** Returns d. */
    public int dimension() {
        return C.numCols;
    }

    /** Returns {@code y' = b' - z'C'} for each row z' of states, and keeps it in the memory. */
    <X> ControlLaw.Input<X> on(Arithmetic<X> arithmetic) {
        X minusC = arithmetic.matrix(Matrices.negative(C));
        X targets = arithmetic.row(b);
        return (states, memory) -> {
            X errors = arithmetic.linear(states, minusC, targets);
            memory.keep(this, errors);
            return errors;
        };
    }

    @Override
    public String toString() {
        return "Measurement[m=" + rank() + ", d=" + dimension() + "]";
    }
}
