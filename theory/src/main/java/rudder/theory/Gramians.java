package rudder.theory;

import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * Gramians of {@code dz_{k+1} = A_k dz_k + B_k u_k}, {@code y_k = C_k dz_k}: which states the inputs can reach, and
 * which states the measurements can see. Source: Callier and Desoer, <i>Linear System Theory</i>, chapters on
 * controllability and observability.
 */
public final class Gramians {
    private Gramians() {}

    /**
     * Returns the controllability Gramian {@code W = sum_{i<T} Phi(T, i+1) B_i B_i' Phi(T, i+1)'}, d x d. Reaching a
     * state x at T from dz_0 = 0 costs at least the input energy {@code x' W^-1 x}. Eigenvectors of small eigenvalues
     * are expensive to reach.
     *
     * @param inputs B_k, d x any width
     * @throws IllegalArgumentException naming the block whose B_k does not have d rows
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

    /** Returns {@link #controllability(LinearSystem, IntFunction)} for inputs on every coordinate, B = I. */
    public static DMatrixRMaj controllability(LinearSystem system) {
        var identity = CommonOps_DDRM.identity(system.dimension());
        return controllability(system, k -> identity);
    }

    /**
     * Returns the observability Gramian {@code O = sum_{k<=T} Phi(k, 0)' C_k' C_k Phi(k, 0)}, d x d. The value
     * {@code x' O x} is the energy of all measurements that follow a deviation x at block 0. With C = I it is the
     * Lyapunov matrix P_0.
     *
     * @param outputs C_k, any height x d, k = 0..T
     * @throws IllegalArgumentException naming the block whose C_k does not have d columns
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

    /** Returns {@link #observability(LinearSystem, IntFunction)} of the feature's strength alone, C_k = v_k'. */
    public static DMatrixRMaj observability(LinearSystem system, Setpoint setpoint) {
        Check.length("the setpoint's horizon", setpoint.horizon(), system.horizon());
        return observability(system, k -> Vectors.row(setpoint.direction(k)));
    }
}
