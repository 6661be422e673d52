package rudder.theory.control;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/**
 * Laws that feed back the error of a feature's strength without a model of the plant. The error is measured on the
 * state that enters a block and made good on the state that leaves it: {@code e_k = (alpha_k / mu_k) mu_{k+1} v_{k+1}}.
 */
final class ErrorFeedback {

    private ErrorFeedback() {}

    /** Returns the law {@code u_k = gain e_k} of block k. */
    static ControlLaw proportional(Setpoint setpoint, double gain, int k) {
        return ControlLaw.along(setpoint.direction(k), setpoint.target(k), Vectors.times(gain, perError(setpoint, k)));
    }

    /** Returns the laws of {@link Controller#pid}, one for each block. */
    static List<ControlLaw> pid(Setpoint setpoint, double kp, double ki, double kd, int reset) {
        var measured = new ArrayList<Measurement>();
        var laws = new ArrayList<ControlLaw>();
        for (int k = 0; k < setpoint.horizon(); k++) {
            var past = new LinkedHashMap<Measurement, DMatrixRMaj>();
            for (int i = k - k % reset; i < k; i++) {
                past.put(measured.get(i), Vectors.column(Vectors.times(ki, perError(setpoint, i))));
            }
            if (k > 0) {
                var last = past.computeIfAbsent(measured.get(k - 1), i -> new DMatrixRMaj(setpoint.dimension(), 1));
                CommonOps_DDRM.addEquals(last, -kd, Vectors.column(perError(setpoint, k - 1)));
            }
            double[] w = Vectors.times(kp + ki + (k > 0 ? kd : 0), perError(setpoint, k));
            measured.add(new Measurement(Vectors.row(setpoint.direction(k)), new double[] {setpoint.target(k)}));
            laws.add(new LinearFeedback(measured.get(k), Vectors.column(w), past));
        }
        return laws;
    }

    /** What makes good an error of 1 in z_k behind block k: mu_{k+1} v_{k+1} / mu_k, 0 where the feature is absent. */
    private static double[] perError(Setpoint setpoint, int k) {
        double gap = setpoint.gap(k);
        return Vectors.times(gap == 0 ? 0 : setpoint.gap(k + 1) / gap, setpoint.direction(k + 1));
    }
}
