package rudder.theory;

import java.util.Optional;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * A linear system without matrices: it only multiplies vectors and covectors by its Jacobians A_k. Both products take m
 * rows at once and return m rows. Source: forward and reverse mode differentiation.
 */
public interface Differential {
    /** Returns T, the number of blocks. */
    int horizon();

    /** Returns d, the width of the state. */
    int dimension();

    /** Returns {@code (A_k x)'} for each row x' of vectors, m x d to m x d; k = 0..T-1. */
    DMatrixRMaj jvp(int k, DMatrixRMaj vectors);

    /** Returns {@code y' A_k} for each row y' of covectors, m x d to m x d; k = 0..T-1. */
    DMatrixRMaj vjp(int k, DMatrixRMaj covectors);

    /** Returns the mark of the plant that was linearised; empty if none was given. */
    default Optional<String> plant() {
        return Optional.empty();
    }

    /** Returns the products of a dense system. */
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
