package rudder.theory.control;

import org.ejml.data.DMatrixRMaj;
import rudder.theory.Check;
import rudder.theory.Matrices;
import rudder.theory.Vectors;

/**
 * What feedback measures: the errors {@code y = b - C z}, m numbers of a state. Every reading is itself: what is
 * remembered of one is not confused with another of the same numbers.
 */
public final class Measurement {
    private final DMatrixRMaj C;
    private final double[] b;

    /**
     * @param C what is read, m x d; each row is a direction
     * @param b where those m numbers should be
     * @throws IllegalArgumentException if the shapes do not fit or a number is not finite
     */
    public Measurement(DMatrixRMaj C, double[] b) {
        Check.shape("C", C, b.length, C.numCols);
        Check.finite("C", C);
        Check.finite("b", b);
        this.C = C;
        this.b = b.clone();
    }

    /** C, m x d. */
    public DMatrixRMaj directions() {
        return C;
    }

    /** b, m numbers. */
    public double[] targets() {
        return b.clone();
    }

    /** m, how many numbers are read. */
    public int rank() {
        return b.length;
    }

    /** d. */
    public int dimension() {
        return C.numCols;
    }

    /** {@code y' = b' - z'C'} for each row z' of states. */
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
