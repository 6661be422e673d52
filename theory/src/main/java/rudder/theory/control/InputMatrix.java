package rudder.theory.control;

import java.util.function.IntFunction;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.DenseAlgebra;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/**
 * Which inputs a tracker may use and how dearly: {@code z_{k+1} = phi_k(z_k) + B_k u_k}, where only the d x d product
 * B_k B_k' matters.
 */
@FunctionalInterface
public interface InputMatrix {
    /** {@code c' B_k B_k'} for each row c' of rows, m x d to m x d. */
    DMatrixRMaj weigh(int k, DMatrixRMaj rows);

    /** B = I: any input, all directions equally dear. */
    static InputMatrix everywhere() {
        return (k, rows) -> rows;
    }

    /** B_k = v_{k+1}: one number a block, always along the feature. Such inputs persist downstream. */
    static InputMatrix along(Setpoint setpoint) {
        return (k, rows) -> {
            var v = Vectors.column(setpoint.direction(k + 1));
            var algebra = DenseAlgebra.ejml();
            return algebra.multiply(algebra.multiply(rows, v), Vectors.row(v.data)); // (C v) v'
        };
    }

    /** These inputs at one block, none elsewhere: B_k = 0. */
    default InputMatrix onlyAtBlock(int block) {
        return (k, rows) -> k == block ? weigh(k, rows) : new DMatrixRMaj(rows.numRows, rows.numCols);
    }

    /**
     * B_k B_k' = the covariance of the states that leave block k, d x d: inputs that look like what the plant itself
     * produces are cheap.
     */
    static InputMatrix covariance(IntFunction<DMatrixRMaj> covariances) {
        return (k, rows) -> DenseAlgebra.ejml().multiply(rows, covariances.apply(k));
    }
}
