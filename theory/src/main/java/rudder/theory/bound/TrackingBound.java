package rudder.theory.bound;

import java.util.List;
import rudder.theory.Check;
import rudder.theory.control.Rollout;

/**
 * A bound on the tracking error |dz_k|_{P_k}, k = 0..T, of a plant held to a nominal trajectory. Three kinds promise
 * different things. A {@link SampledBound} holds on the runs it was made from. A {@link ConformalBound} holds on a new
 * run with a stated probability. A {@link CertifiedBound} holds on every run from its start. Each names its source.
 */
public sealed interface TrackingBound permits SampledBound, ConformalBound, CertifiedBound {
    /** Returns the Lyapunov function whose norms measure the errors. */
    LyapunovFunction lyapunov();

    /**
     * Returns the bound for one run, T+1 numbers. A sampled bound uses every dz_i of the run, a certified bound only
     * dz_0, a conformal bound nothing.
     *
     * @param deviation z_k - nominal_k and the inputs' differences, see {@link Rollout#minus}
     */
    double[] along(Rollout deviation);

    /** Returns whether |dz_k|_{P_k} is at most the bound at every block, up to a relative 1e-9 for rounding. */
    default boolean holds(Rollout deviation) {
        double[] errors = lyapunov().norms(deviation);
        double[] bound = along(deviation);
        for (int k = 0; k < errors.length; k++) {
            if (errors[k] > bound[k] * (1 + 1e-9)) {
                return false;
            }
        }
        return true;
    }

    /** Returns the share of runs on which the bound holds at every block. */
    default double coverage(List<Rollout> deviations) {
        Check.that(!deviations.isEmpty(), "no runs to cover, wanted at least one");
        return (double) deviations.stream().filter(this::holds).count() / deviations.size();
    }
}
