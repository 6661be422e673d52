package rudder.theory;

import java.util.Optional;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * A linear system known only by what it does to vectors and covectors, so that no d x d matrix need exist. Both methods
 * take m rows at once and return as many.
 */
public interface Differential {
    /** T. */
    int horizon();

    /** d. */
    int dimension();

    /** {@code (A_k x)'} for each row x' of vectors, m x d to m x d. */
    DMatrixRMaj jvp(int k, DMatrixRMaj vectors);

    /** {@code y' A_k} for each row y' of covectors, m x d to m x d. */
    DMatrixRMaj vjp(int k, DMatrixRMaj covectors);

    /** Returns what identifies the plant that this is the derivative of; empty if nobody said. */
    default Optional<String> plant() {
        return Optional.empty();
    }

    /** The dense system, seen this way. */
    static Differential of(LinearSystem system) {
        return new Differential() {
            @Override
            public int horizon() {
                return system.horizon();
            }

            @Override
            public int dimension() {
                return system.dimension();
            }

            @Override
            public DMatrixRMaj jvp(int k, DMatrixRMaj vectors) {
                var columns = CommonOps_DDRM.transpose(vectors, null); // [d, m]
                return CommonOps_DDRM.transpose(
                        system.algebra().multiply(system.jacobian(k), columns), null); // (A X')'
            }

            @Override
            public DMatrixRMaj vjp(int k, DMatrixRMaj covectors) {
                return system.algebra().multiply(covectors, system.jacobian(k));
            }

            @Override
            public Optional<String> plant() {
                return system.plant();
            }

            @Override
            public String toString() {
                return "Differential[" + system + "]";
            }
        };
    }
}
