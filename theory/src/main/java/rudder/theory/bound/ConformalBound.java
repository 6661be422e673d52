package rudder.theory.bound;

import java.util.List;
import rudder.theory.control.Rollout;

/**
 * A {@link ConformalEnvelope} of the errors |dz_k|_{P_k} of calibration runs. It is the same for every run. A new run,
 * exchangeable with the calibration runs, stays below it with a stated probability. Source: that of the envelope.
 */
public final class ConformalBound implements TrackingBound {
    private final LyapunovFunction lyapunov;
    private final ConformalEnvelope envelope;

    private ConformalBound(LyapunovFunction lyapunov, ConformalEnvelope envelope) {
        this.lyapunov = lyapunov;
        this.envelope = envelope;
    }

    /** Returns the bound that holds at any one block, see {@link ConformalEnvelope#perBlock}. */
    public static ConformalBound perBlock(LyapunovFunction lyapunov, List<Rollout> calibration, double delta) {
        return new ConformalBound(lyapunov, ConformalEnvelope.perBlock(errors(lyapunov, calibration), delta));
    }

    /** Returns the bound that holds at all blocks at once, see {@link ConformalEnvelope#simultaneous}. */
    public static ConformalBound simultaneous(
            LyapunovFunction lyapunov, List<Rollout> calibration, double[] scale, double delta) {
        return new ConformalBound(
                lyapunov, ConformalEnvelope.simultaneous(errors(lyapunov, calibration), scale, delta));
    }

    private static double[][] errors(LyapunovFunction lyapunov, List<Rollout> deviations) {
        return deviations.stream().map(lyapunov::norms).toArray(double[][]::new);
    }

    /** Returns the calibrated envelope. */
    public ConformalEnvelope envelope() {
        return envelope;
    }

    @Override
    public LyapunovFunction lyapunov() {
        return lyapunov;
    }

    @Override
    public double[] along(Rollout deviation) {
        return envelope.envelope();
    }

    @Override
    public String toString() {
        return "TrackingBound[conformal: " + envelope + "]";
    }
}
