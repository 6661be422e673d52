package rudder.theory;

import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * A linear time-varying system {@code dz_{k+1} = A_k dz_k + u_k}, k = 0..T-1: the linearisation of a {@link Plant}
 * about a nominal trajectory. Source: the paper's local linearity, with A_k = D phi_k at the nominal states.
 */
public interface LinearSystem {
    /** Returns T, the number of blocks. */
    int horizon();

    /** Returns d, the width of the state. */
    int dimension();

    /** Returns A_k, d x d, for k = 0..T-1; shared, so do not write to it. */
    DMatrixRMaj jacobian(int k);

    /** Returns the mark of the plant that was linearised; empty if none was given. */
    default Optional<String> plant() {
        return Optional.empty();
    }

    /** Returns the algebra that computes this system's large products. */
    default DenseAlgebra algebra() {
        return DenseAlgebra.ejml();
    }

    /**
     * Returns Phi(k, j) = A_{k-1} ... A_j, d x d, for {@code 0 <= j <= k <= T}; Phi(j, j) = I. Costs k - j - 1
     * products.
     */
    default DMatrixRMaj transition(int k, int j) {
        Check.block(k, horizon());
        Check.block(j, k);
        if (j == k) {
            return CommonOps_DDRM.identity(dimension());
        }
        return Recursion.over(
                IntStream.range(j + 1, k),
                algebra(),
                jacobian(j),
                (i, here, phi) -> here.multiply(here.put(jacobian(i)), phi)); // Phi(i+1, j) = A_i Phi(i, j)
    }

    /** Returns a system of the same shape, plant and algebra with other Jacobians, each computed on demand. */
    default LinearSystem transformed(IntFunction<DMatrixRMaj> jacobians, String description) {
        return new DenseSystem.View(this, jacobians, description);
    }

    /** Returns {@link #of(List, DenseAlgebra, String)} with EJML's algebra and no description. */
    static LinearSystem of(List<DMatrixRMaj> jacobians) {
        return of(jacobians, DenseAlgebra.ejml(), "");
    }

    /**
     * Returns the system of the given Jacobians.
     *
     * @param jacobians A_0..A_{T-1}, each d x d and finite.
     * @param algebra computes the large products.
     * @param description where the Jacobians come from, shown by toString; may be empty
     * @throws IllegalArgumentException naming the block whose Jacobian has another shape or a number that is not finite
     */
    static LinearSystem of(List<DMatrixRMaj> jacobians, DenseAlgebra algebra, String description) {
        return new DenseSystem(jacobians, algebra, description);
    }
}
