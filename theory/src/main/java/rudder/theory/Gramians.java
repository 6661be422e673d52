package rudder.theory;

import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * What inputs can reach and what measurements can tell, for {@code dz_{k+1} = A_k dz_k + B_k u_k}, {@code y_k = C_k
 * dz_k}. Source: Callier and Desoer, <i>Linear System Theory</i>, chapters on controllability and observability.
 */
public final class Gramians {
    private Gramians() {}

    /**
     * The controllability Gramian {@code W = sum_{i<T} Phi(T, i+1) B_i B_i' Phi(T, i+1)'}, d x d. From dz_0 = 0 a state
     * x is reached at T with the least input energy {@code x' W^-1 x}; eigenvectors of small eigenvalues are dear.
     *
     * @param inputs B_k, d x any width
     */
    public static DMatrixRMaj controllability(LinearSystem system, IntFunction<DMatrixRMaj> inputs) {
        int d = system.dimension();
        return Recursion.over(
                IntStream.range(0, system.horizon()), system.algebra(), new DMatrixRMaj(d, d), (k, here, w) -> {
                    var b = inputs.apply(k);
                    Check.shape("the input matrix of block " + k, b, d, b.numCols);
                    var aT = here.put(CommonOps_DDRM.transpose(system.jacobian(k), null));
                    var bT = here.put(CommonOps_DDRM.transpose(b, null));
                    var reached = here.multiplyTransposed(aT, here.multiply(w, aT)); // A W A'
                    return here.symmetric(1, here.plus(reached, 1, here.multiplyTransposed(bT, bT)), 0); // + B B'
                });
    }

    /** {@link #controllability(LinearSystem, IntFunction)} where every coordinate can be pushed, B = I. */
    public static DMatrixRMaj controllability(LinearSystem system) {
        var identity = CommonOps_DDRM.identity(system.dimension());
        return controllability(system, k -> identity);
    }

    /**
     * The observability Gramian {@code O = sum_{k<=T} Phi(k, 0)' C_k' C_k Phi(k, 0)}, d x d: {@code x' O x} is the
     * energy of all that is measured of a deviation x at block 0. With C = I it is the Lyapunov matrix P_0.
     *
     * @param outputs C_k, any height x d, k = 0..T
     */
    public static DMatrixRMaj observability(LinearSystem system, IntFunction<DMatrixRMaj> outputs) {
        int d = system.dimension();
        var last = output(system.horizon(), d, outputs);
        return Recursion.backwards(system, CommonOps_DDRM.multTransA(last, last, null), (k, here, o) -> {
            var a = here.put(system.jacobian(k));
            var c = here.put(output(k, d, outputs));
            var seen = here.multiplyTransposed(a, here.multiply(o, a)); // A' O A
            return here.symmetric(1, here.plus(seen, 1, here.multiplyTransposed(c, c)), 0); // + C'C
        });
    }

    private static DMatrixRMaj output(int k, int d, IntFunction<DMatrixRMaj> outputs) {
        var c = outputs.apply(k);
        Check.shape("the output matrix of block " + k, c, c.numRows, d);
        return c;
    }

    /** {@link #observability(LinearSystem, IntFunction)} where only the feature's strength is measured, C_k = v_k'. */
    public static DMatrixRMaj observability(LinearSystem system, Setpoint setpoint) {
        Check.length("the setpoint's horizon", setpoint.horizon(), system.horizon());
        return observability(system, k -> Vectors.row(setpoint.direction(k)));
    }
}
