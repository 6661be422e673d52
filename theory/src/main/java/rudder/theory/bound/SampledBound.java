package rudder.theory.bound;

import java.util.List;
import rudder.theory.Check;
import rudder.theory.TransitionNorms;
import rudder.theory.Vectors;
import rudder.theory.control.Rollout;

/**
 * The paper's bound: {@link BoundTerms} with the largest curvature L_i that the given runs show,
 *
 * <pre>L_i = max 2 |r_i|_{P_{i+1}} / |dz_i|_{P_i}^2,   r_i = dz_{i+1} - Ahat_i dz_i.</pre>
 *
 * <p>The bound holds on these runs by construction and promises nothing on other runs. Source: the paper's section on
 * guarantees.
 */
public final class SampledBound implements TrackingBound {
    private final LyapunovFunction lyapunov;
    private final TransitionNorms norms;
    private final double[] curvatures;
    private final int runs;

    private SampledBound(LyapunovFunction lyapunov, TransitionNorms norms, double[] curvatures, int runs) {
        this.lyapunov = lyapunov;
        this.norms = norms;
        this.curvatures = curvatures;
        this.runs = runs;
    }

    /**
     * Estimates the curvatures L_i from runs.
     *
     * @param lyapunov of the closed loop, whose Jacobians are the Ahat_i.
     * @param norms its transition norms, {@link LyapunovFunction#transitionNorms()}.
     * @param deviations the runs, as deviations from the nominal run.
     * @throws IllegalArgumentException if there is no run, or a run does not deviate at some block
     */
    public static SampledBound of(LyapunovFunction lyapunov, TransitionNorms norms, List<Rollout> deviations) {
        Check.that(!deviations.isEmpty(), "no runs to estimate curvatures from, wanted at least one");
        var curvatures = new double[lyapunov.horizon()];
        for (int i = 0; i < curvatures.length; i++) {
            var closed = lyapunov.system().jacobian(i);
            for (var deviation : deviations) {
                Check.length("a deviation's horizon", deviation.horizon(), curvatures.length);
                double[] dz = deviation.states()[i];
                double size = lyapunov.norm(i, dz);
                double[] residual = Vectors.minus(
                        deviation.states()[i + 1], Vectors.multiply(closed, dz)); // r = dz_{i+1} - Ahat dz
                Check.that(
                        size > 0,
                        "a run does not deviate at block %d; wanted runs from other starts than the nominal one",
                        i);
                curvatures[i] = Math.max(curvatures[i], 2 * lyapunov.norm(i + 1, residual) / (size * size));
            }
        }
        return new SampledBound(lyapunov, norms, curvatures, deviations.size());
    }

    @Override
    public LyapunovFunction lyapunov() {
        return lyapunov;
    }

    /** Returns L_i, i = 0..T-1, in 1 / units of |.|_P. */
    public double[] curvatures() {
        return curvatures.clone();
    }

    /** Returns both parts of the bound along a run. */
    public BoundTerms terms(Rollout deviation) {
        double[] errors = lyapunov.norms(deviation);
        var linear = new double[errors.length];
        var curved = new double[errors.length];
        for (int k = 0; k < errors.length; k++) {
            linear[k] = norms.norm(k, 0) * errors[0];
            curved[k] = BoundTerms.curved(k, norms, curvatures, errors);
        }
        return new BoundTerms(linear, curved);
    }

    @Override
    public double[] along(Rollout deviation) {
        return terms(deviation).total();
    }

    @Override
    public String toString() {
        return "TrackingBound[sampled: holds on the " + runs + " runs it was made from, T=" + curvatures.length + "]";
    }
}
