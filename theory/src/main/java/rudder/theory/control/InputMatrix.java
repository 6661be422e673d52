package rudder.theory.control;

import java.util.function.IntFunction;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.DenseAlgebra;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/**
 * The input matrices B_k of a plant {@code z_{k+1} = phi_k(z_k) + B_k u_k}: which inputs the {@link FeatureTracker} may
 * use, and at which cost. Only the d x d product B_k B_k' matters. Source: Rudder's.
 */
@FunctionalInterface
public interface InputMatrix {
    /** Returns {@code c' B_k B_k'} for each row c' of rows, m x d to m x d. */
    DMatrixRMaj weigh(int k, DMatrixRMaj rows);

    /** Returns B = I: every input is possible and all directions cost the same. */
    static InputMatrix everywhere() {
        return (k, rows) -> rows;
    }

    /** Returns B_k = v_{k+1}: one number a block, always along the feature. Later blocks keep such inputs. */
    static InputMatrix along(Setpoint setpoint) {
        return (k, rows) -> {
            var v = Vectors.column(setpoint.direction(k + 1));
            var algebra = DenseAlgebra.ejml();
            return algebra.multiply(algebra.multiply(rows, v), Vectors.row(v.data)); // (C v) v'
        };
    }

    /** Returns these inputs at one block, and B_k = 0 at all others. */
    default InputMatrix onlyAtBlock(int block) {
        return (k, rows) -> k == block ? weigh(k, rows) : new DMatrixRMaj(rows.numRows, rows.numCols);
    }

    /**
     * Returns B_k with B_k B_k' = the covariance of the states that leave block k, d x d. Inputs along directions in
     * which the plant's own states vary are cheap.
     */
    static InputMatrix covariance(IntFunction<DMatrixRMaj> covariances) {
        return (k, rows) -> DenseAlgebra.ejml().multiply(rows, covariances.apply(k));
    }
}
