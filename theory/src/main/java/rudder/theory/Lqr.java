package rudder.theory;

import java.util.ArrayList;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.DenseAlgebra.Matrix;
import rudder.theory.DenseAlgebra.Workspace;

/**
 * The finite-horizon, time-varying linear quadratic regulator. It minimises
 *
 * <pre>sum_{k&lt;T} (q |dz_k|^2 + r |u_k|^2) + qf |dz_T|^2   subject to   dz_{k+1} = A_k dz_k + u_k.</pre>
 *
 * <p>The minimiser is {@code u_k = -K_k dz_k}. The minimum from block k on is {@code dz_k' S_k dz_k}. Backwards from
 * {@code S_T = qf I},
 *
 * <pre>K_k = (S_{k+1} + R)^-1 S_{k+1} A_k,   S_k = Q + A_k' S_{k+1} A_k - A_k' S_{k+1} K_k.</pre>
 *
 * <p>Source: Bertsekas, <i>Dynamic Programming and Optimal Control</i>, vol. I, "Linear systems and quadratic cost";
 * the paper's A-LQR.
 */
public final class Lqr {
    private Lqr() {}

    /**
     * One block of the recursion.
     *
     * @param costToGo S_k, d x d, symmetric
     * @param gain K_k, d x d
     */
    public record Step(DMatrixRMaj costToGo, DMatrixRMaj gain) {
        @Override
        public String toString() {
            return "Step[d=" + gain.numRows + "]";
        }
    }

    /**
     * Computes S_k and K_k from S_{k+1}, with one factorisation and two products.
     *
     * <p>Let R = rI and G = (S + rI)^-1, where S is S_{k+1}. Then G S = I - r G, since G (S + rI) = I. Hence
     *
     * <pre>K = G S A = A - r G A,   A - K = r G A,   S_k = qI + A'S (A - K) = qI + r A'S G A = qI + r A'K.</pre>
     *
     * <p>The last step uses that S and G commute.
     *
     * @param a A_k, d x d.
     * @param next S_{k+1}, d x d, symmetric positive semidefinite
     */
    public static Step step(DMatrixRMaj a, DMatrixRMaj next, QuadraticCost cost, DenseAlgebra algebra) {
        try (var here = algebra.open()) {
            var block = here.put(a);
            var gain = gain(here, block, here.put(next), cost);
            return new Step(costToGo(here, block, gain, cost).get(), gain.get());
        }
    }

    private static Matrix gain(Workspace here, Matrix a, Matrix next, QuadraticCost cost) {
        var ga = here.solveSpd(here.symmetric(1, next, cost.r()), a); // G A, G = (S + rI)^-1
        return here.plus(a, -cost.r(), ga); // K = A - r G A
    }

    /** Returns S_k, symmetrised: rounding would let its asymmetry grow from block to block. */
    private static Matrix costToGo(Workspace here, Matrix a, Matrix gain, QuadraticCost cost) {
        return here.symmetric(cost.r(), here.multiplyTransposed(a, gain), cost.q()); // S = qI + r A'K
    }

    /**
     * Computes the gains of a whole system, in O(T d^3).
     *
     * @throws IllegalArgumentException naming the block whose Jacobian is not d x d or not finite, or whose cost to go
     *     is no longer finite
     */
    public static LqrSolution solve(LinearSystem system, QuadraticCost cost) {
        var gains = new DMatrixRMaj[system.horizon()];
        backwards(system, cost, (k, here, gain) -> gains[k] = gain.get());
        return new LqrSolution(system, cost, gains);
    }

    /**
     * Computes {@code w_k = K_k v_k}, k = 0..T-1, for {@link rudder.theory.control.Controller#lqr(FeedbackVectors,
     * Setpoint)}. Keeps one gain in memory at a time, and as many Jacobians as the system holds.
     * {@link MatrixFreeLqr#feedback} computes the same vectors without any matrix.
     *
     * <p>Where the gains fit in memory, {@link #solve} is simpler and serves several concepts:
     * {@code Controller.lqr(solution, ocean).plus(Controller.lqr(solution, joy))}.
     *
     * @throws IllegalArgumentException as {@link #solve}, or if the setpoint does not fit the system
     */
    public static FeedbackVectors feedback(LinearSystem system, QuadraticCost cost, Setpoint setpoint) {
        return feedback(system, cost, List.of(setpoint)).get(0);
    }

    /**
     * Computes {@link #feedback} for several setpoints in one recursion, since the gains do not depend on the feature.
     * Returns them in the order of the setpoints.
     */
    public static List<FeedbackVectors> feedback(LinearSystem system, QuadraticCost cost, List<Setpoint> setpoints) {
        var feedback = new ArrayList<double[][]>();
        for (var setpoint : setpoints) {
            setpoint.requireFits(system.horizon(), system.dimension());
            feedback.add(new double[system.horizon()][]);
        }
        backwards(system, cost, (k, here, gain) -> {
            for (int i = 0; i < setpoints.size(); i++) {
                feedback.get(i)[k] = here.multiply(
                                gain, here.put(Vectors.column(setpoints.get(i).direction(k))))
                        .get()
                        .data;
            }
        });
        return feedback.stream()
                .map(vectors -> FeedbackVectors.of(vectors, system.plant()))
                .toList();
    }

    private interface Gains {
        void accept(int k, Workspace here, Matrix gain);
    }

    private static void backwards(LinearSystem system, QuadraticCost cost, Gains gains) {
        int d = system.dimension();
        Recursion.backwards(system, terminal(d, cost), (k, here, next) -> {
            var jacobian = system.jacobian(k);
            Check.shape("the Jacobian of block " + k, jacobian, d, d);
            Check.finite("the Jacobian of block " + k, jacobian);
            var a = here.put(jacobian);
            var gain = gain(here, a, next, cost);
            var costToGo = costToGo(here, a, gain, cost);
            Check.that(
                    here.isFinite(costToGo),
                    "the cost to go of block %d is no longer finite: the system grows too fast for double precision",
                    k);
            gains.accept(k, here, gain);
            return costToGo;
        });
    }

    /** Returns S_k = qI + r A_k' K_k. */
    static DMatrixRMaj costToGo(DMatrixRMaj a, DMatrixRMaj gain, QuadraticCost cost, DenseAlgebra algebra) {
        try (var here = algebra.open()) {
            return costToGo(here, here.put(a), here.put(gain), cost).get();
        }
    }

    /** Returns S_T = qf I. */
    static DMatrixRMaj terminal(int d, QuadraticCost cost) {
        return Matrices.addToDiagonal(new DMatrixRMaj(d, d), cost.qf());
    }
}
