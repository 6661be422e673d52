package rudder.theory.bound;

import java.util.stream.IntStream;
import rudder.theory.Check;
import rudder.theory.SmoothPlant;
import rudder.theory.TransitionNorms;
import rudder.theory.control.Rollout;

/**
 * A bound for every run from a given start, known before the run. It needs a bound H_i on the plant's curvature in a
 * ball:
 *
 * <pre>
 * L_i = sqrt(lambda_max(P_{i+1})) H_i / lambda_min(P_i),
 * |D^2 phi_i| &lt;= H_i   wherever   |dz_i| &lt;= b_i / sqrt(lambda_min(P_i)).
 * </pre>
 *
 * <p>This follows from {@code |r|_{P_{i+1}} <= sqrt(lambda_max(P_{i+1})) |r|}, {@code |r| <= H_i/2 |dz_i|^2} and
 * {@code |dz_i|^2 <= |dz_i|_{P_i}^2 / lambda_min(P_i)}. The bound b_i of each block gives the ball for the next block.
 * The bound holds up to rounding. Where it overflows there is no certificate.
 *
 * <p>Source: the paper's performance bound, with L_i from the curvature instead of samples; that part is Rudder's.
 */
public final class CertifiedBound implements TrackingBound {
    private final LyapunovFunction lyapunov;
    private final TransitionNorms norms;
    private final Curvature curvature;
    private final double[] peaks;
    private final double[] floors;

    /** An upper bound on |D^2 phi_k| in a ball about the nominal state of block k. */
    @FunctionalInterface
    public interface Curvature {
        /** Returns H_k for a ball of this radius, in 2-norm. */
        double within(int k, double radius);

        /** Returns the plant's own curvature about a nominal trajectory, see {@link SmoothPlant#curvature}. */
        static Curvature of(SmoothPlant plant, double[][] nominal) {
            return (k, radius) -> plant.curvature(k, nominal[k], radius);
        }
    }

    private CertifiedBound(LyapunovFunction lyapunov, TransitionNorms norms, Curvature curvature) {
        this.lyapunov = lyapunov;
        this.norms = norms;
        this.curvature = curvature;
        int T = lyapunov.horizon();
        peaks = IntStream.range(0, T).mapToDouble(i -> lyapunov.peak(i + 1)).toArray();
        floors = IntStream.range(0, T).mapToDouble(lyapunov::floor).toArray();
    }

    /**
     * Returns the certified bound of a closed loop. The controller is linear and adds no curvature.
     *
     * @param lyapunov of the closed loop A_k - K_k, where A_k must be the exact Jacobian at the nominal state.
     * @param norms its transition norms, {@link LyapunovFunction#transitionNorms()}.
     * @param curvature of the plant without its controller
     */
    public static CertifiedBound of(LyapunovFunction lyapunov, TransitionNorms norms, Curvature curvature) {
        return new CertifiedBound(lyapunov, norms, curvature);
    }

    /** Returns L_k in the ball {@code |dz_k|_{P_k} <= size}. */
    public double curvature(int k, double size) {
        return Math.sqrt(peaks[k]) * curvature.within(k, size / Math.sqrt(floors[k])) / floors[k];
    }

    /** Returns the bound for every run with {@code |dz_0|_{P_0} <= start}, T+1 numbers. */
    public double[] from(double start) {
        Check.that(
                start >= 0 && Double.isFinite(start),
                "the first deviation's norm is %s, wanted a finite number >= 0",
                start);
        var bound = new double[lyapunov.horizon() + 1];
        var curvatures = new double[lyapunov.horizon()];
        bound[0] = start;
        for (int k = 1; k < bound.length; k++) {
            curvatures[k - 1] = curvature(k - 1, bound[k - 1]);
            bound[k] = norms.norm(k, 0) * start + BoundTerms.curved(k, norms, curvatures, bound);
        }
        return bound;
    }

    @Override
    public LyapunovFunction lyapunov() {
        return lyapunov;
    }

    @Override
    public double[] along(Rollout deviation) {
        return from(lyapunov.norm(0, deviation.states()[0]));
    }

    @Override
    public String toString() {
        return "TrackingBound[certified: holds on every run, T=" + lyapunov.horizon() + "]";
    }
}
