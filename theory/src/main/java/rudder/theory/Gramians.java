package rudder.theory;

import java.util.function.IntFunction;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * What inputs can reach and what measurements can tell, for {@code dz_{k+1} = A_k dz_k + B_k u_k}, {@code y_k = C_k dz_k}. Source: Callier and Desoer,
 * <i>Linear System Theory</i>, chapters on controllability and observability.
 */
public final class Gramians {
    private Gramians() {}

    /**
     * The controllability Gramian {@code W = sum_{i<T} Phi(T, i+1) B_i B_i' Phi(T, i+1)'}, d x d. From dz_0 = 0 a state x is reached at T with the least
     * input energy {@code x' W^-1 x}; eigenvectors of small eigenvalues are dear.
     *
     * @param inputs B_k, d x any width
     */
    public static DMatrixRMaj controllability(LinearSystem system, IntFunction<DMatrixRMaj> inputs) {
        int d = system.dimension();
        var w = new DMatrixRMaj(d, d);
        for (int k = 0; k < system.horizon(); k++) {
            var a = system.jacobian(k);
            var b = inputs.apply(k);
            Check.shape("the input matrix of block " + k, b, d, b.numCols);
            w = system.algebra().multiply(a, system.algebra().multiplyTransposed(w, CommonOps_DDRM.transpose(a, null)));   // A W A', W = W'
            CommonOps_DDRM.multAddTransB(b, b, w);                                                                         // + B B'
            Matrices.symmetrised(w);
        }
        return w;
    }

    /** {@link #controllability(LinearSystem, IntFunction)} where every coordinate can be pushed, B = I. */
    public static DMatrixRMaj controllability(LinearSystem system) {
        var identity = CommonOps_DDRM.identity(system.dimension());
        return controllability(system, k -> identity);
    }

    /**
     * The observability Gramian {@code O = sum_{k<=T} Phi(k, 0)' C_k' C_k Phi(k, 0)}, d x d: {@code x' O x} is the energy of all that is measured of a
     * deviation x at block 0. With C = I it is the Lyapunov matrix P_0.
     *
     * @param outputs C_k, any height x d, k = 0..T
     */
    public static DMatrixRMaj observability(LinearSystem system, IntFunction<DMatrixRMaj> outputs) {
        int d = system.dimension();
        var o = new DMatrixRMaj(d, d);
        for (int k = system.horizon(); k >= 0; k--) {
            if (k < system.horizon()) {
                var a = system.jacobian(k);
                o = system.algebra().multiplyTransposed(a, system.algebra().multiply(o, a));   // A' O A
            }
            var c = outputs.apply(k);
            Check.shape("the output matrix of block " + k, c, c.numRows, d);
            CommonOps_DDRM.multAddTransA(c, c, o);                                             // + C'C
            Matrices.symmetrised(o);
        }
        return o;
    }

    /** {@link #observability(LinearSystem, IntFunction)} where only the feature's strength is measured, C_k = v_k'. */
    public static DMatrixRMaj observability(LinearSystem system, Setpoint setpoint) {
        Check.length("the setpoint's horizon", setpoint.horizon(), system.horizon());
        return observability(system, k -> Vectors.row(setpoint.direction(k)));
    }
}
