package rudder.theory.bound;

import java.util.List;
import rudder.theory.Check;
import rudder.theory.control.Rollout;

/**
 * A bound on the tracking error |dz_k|_{P_k}, k = 0..T, of a plant held to a nominal trajectory. There are three kinds,
 * which promise different things: a {@link SampledBound} holds on the runs it was made from, a {@link ConformalBound}
 * on a new run with a stated probability, a {@link CertifiedBound} on every run from its start.
 */
public sealed interface TrackingBound permits SampledBound, ConformalBound, CertifiedBound {
    /** The P_k in which errors are measured. */
    LyapunovFunction lyapunov();

    /**
     * The bound for one run, T+1 numbers. Kinds differ in what they look at: sampled at every dz_i, certified at dz_0
     * alone, conformal at nothing.
     *
     * @param deviation z_k - nominal_k and its inputs, see {@link Rollout#minus}
     */
    double[] along(Rollout deviation);

    /** Whether |dz_k|_{P_k} is at most the bound at every block, to a relative 1e-9 for rounding. */
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

    /** The share of runs on which the bound holds at every block. */
    default double coverage(List<Rollout> deviations) {
        Check.that(!deviations.isEmpty(), "no runs to cover, wanted at least one");
        return (double) deviations.stream().filter(this::holds).count() / deviations.size();
    }
}
