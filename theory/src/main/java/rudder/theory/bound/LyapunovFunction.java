package rudder.theory.bound;

import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import rudder.theory.Check;
import rudder.theory.DenseAlgebra;
import rudder.theory.Lanczos;
import rudder.theory.LinearSystem;
import rudder.theory.LqrSolution;
import rudder.theory.Recursion;
import rudder.theory.TransitionNorms;
import rudder.theory.Vectors;
import rudder.theory.control.Rollout;

/**
 * The Lyapunov function {@code |x|_{P_k}^2 = x' P_k x} of a system {@code dz_{k+1} = A_k dz_k}, usually a closed loop.
 * It sums the squared norms of the deviation x and its successors, {@code sum_{i >= k} |Phi(i, k) x|^2}. Backwards from
 * P_T = I,
 *
 * <pre>P_k = A_k' P_{k+1} A_k + I,</pre>
 *
 * <p>so each step contracts: {@code |A_k x|_{P_{k+1}}^2 = |x|_{P_k}^2 - |x|^2}. Source: the paper's section on
 * guarantees.
 */
public final class LyapunovFunction {
    private final LinearSystem system;
    private final DMatrixRMaj[] p;

    private LyapunovFunction(LinearSystem system, DMatrixRMaj[] p) {
        this.system = system;
        this.p = p;
    }

    /**
     * Returns the function of a system, for instance of {@link LqrSolution#closedLoop()}. Costs two products a block
     * and keeps T+1 matrices.
     *
     * @throws IllegalArgumentException naming the block where P_k is no longer finite: the system grows too fast for
     *     double precision
     */
    public static LyapunovFunction of(LinearSystem system) {
        int T = system.horizon();
        var p = new DMatrixRMaj[T + 1];
        p[T] = CommonOps_DDRM.identity(system.dimension());
        Recursion.backwards(system, p[T], (k, here, next) -> {
            var a = here.put(system.jacobian(k));
            var now = here.symmetric(1, here.multiplyTransposed(a, here.multiply(next, a)), 1); // P_k = A'PA + I
            p[k] = now.get();
            Check.finite("the Lyapunov matrix of block " + k, p[k]);
            return now;
        });
        return new LyapunovFunction(system, p);
    }

    /** Returns the system. */
    public LinearSystem system() {
        return system;
    }

    /** Returns T. */
    public int horizon() {
        return p.length - 1;
    }

    /** Returns P_k, d x d, symmetric, P_k >= I; k = 0..T. */
    public DMatrixRMaj matrix(int k) {
        Check.block(k, horizon());
        return p[k];
    }

    /** Returns |x|_{P_k}, which is at least |x|. */
    public double norm(int k, double[] x) {
        Check.length("the vector", x.length, system.dimension());
        return Math.sqrt(Math.max(0, Vectors.dot(x, Vectors.multiply(matrix(k), x))));
    }

    /** Returns |dz_k|_{P_k} along a run of deviations, k = 0..T. */
    public double[] norms(Rollout deviation) {
        Check.length("the deviation's horizon", deviation.horizon(), horizon());
        return IntStream.rangeClosed(0, horizon())
                .mapToDouble(k -> norm(k, deviation.states()[k]))
                .toArray();
    }

    /** Returns lambda_max(P_k), the most that a unit deviation at block k can cost from there on. */
    public double peak(int k) {
        try (var here = system.algebra().open()) {
            return largest(here.put(matrix(k)));
        }
    }

    /** Returns lambda_min(P_k) >= 1, the least that a unit deviation at block k can cost from there on. */
    public double floor(int k) {
        try (var here = system.algebra().open()) {
            return 1
                    / largest(
                            here.solveSpd(here.put(matrix(k)), here.put(CommonOps_DDRM.identity(system.dimension()))));
        }
    }

    private double largest(DenseAlgebra.Matrix symmetric) {
        return Lanczos.largest(
                1, system.dimension(), (runs, x) -> system.algebra().multiply(symmetric, x))[0];
    }

    /** Returns the norm of A_k from P_k to P_{k+1}, {@code sqrt(1 - 1 / lambda_max(P_k)) < 1}; k = 0..T-1. */
    public double contraction(int k) {
        Check.block(k, horizon() - 1);
        return Math.sqrt(1 - 1 / peak(k));
    }

    /**
     * Returns the same system in coordinates where every P_k is the identity. Let P_k = U_k'U_k and x~ = U_k x. The
     * Jacobians are
     *
     * <pre>N_k = U_{k+1} A_k U_k^-1.</pre>
     *
     * <p>Then the norm of a transition from P_j to P_k is the 2-norm of a product of N. Costs T factorisations and
     * keeps T more matrices.
     */
    public LinearSystem normalised() {
        var steps = new DMatrixRMaj[horizon()];
        Recursion.backwards(system, CommonOps_DDRM.identity(system.dimension()), (k, here, after) -> {
            var root = root(k);
            var inverse =
                    here.solveSpd(here.put(p[k]), here.put(CommonOps_DDRM.transpose(root, null))); // U^-1 = P^-1 U'
            steps[k] = here.multiply(here.multiply(after, here.put(system.jacobian(k))), inverse)
                    .get(); // N = U_{k+1} A U_k^-1
            return here.put(root);
        });
        return system.transformed(k -> steps[k], "normalised " + system);
    }

    /** Returns the norms of Phi(k, j) from P_j to P_k, for all {@code 0 <= j <= k <= T}. */
    public TransitionNorms transitionNorms() {
        return TransitionNorms.of(normalised());
    }

    /** Returns U_k, upper triangular, with U'U = P_k. It exists because P_k >= I. */
    private DMatrixRMaj root(int k) {
        var cholesky = DecompositionFactory_DDRM.chol(p[k].numRows, false);
        Check.that(cholesky.decompose(p[k].copy()), "the Lyapunov matrix of block %d has no Cholesky factor", k);
        return cholesky.getT(null);
    }

    @Override
    public String toString() {
        return "LyapunovFunction[trace P_0=" + (float) CommonOps_DDRM.trace(p[0]) + ", " + system + "]";
    }
}
