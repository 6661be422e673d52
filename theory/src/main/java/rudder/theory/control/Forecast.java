package rudder.theory.control;

import java.util.stream.IntStream;
import rudder.theory.Check;
import rudder.theory.LinearSystem;
import rudder.theory.Plant;
import rudder.theory.Vectors;

/**
 * The prediction of a linear model for a controlled plant, beside the plant's own run. The model is
 *
 * <pre>zhat_{k+1} = zbar_{k+1} + M_k (zhat_k - zbar_k) + u_k,   zhat_0 = z_0,</pre>
 *
 * <p>where M_k are the Jacobians of a linear system and zbar is the nominal run. Under feedback the model measures its
 * own states zhat_k. So the prediction of T steps uses the nominal run and no other state of the plant. Source: the
 * paper's local linearity, measured in closed loop by Rudder.
 *
 * @param nominal zbar, a run of the plant without inputs.
 * @param actual the plant's run under the controller.
 * @param predicted the model's run under the controller, from the same first state
 */
public record Forecast(Rollout nominal, Rollout actual, Rollout predicted) {
    /** A smaller distance from the nominal run, relative to its norm, is the rounding error of single precision. */
    private static final double STILL = 1e-6;

    /**
     * Runs the plant and its model under the controller.
     *
     * @throws IllegalArgumentException if plant, model, nominal run and controller do not fit each other
     */
    public static Forecast of(Plant plant, LinearSystem model, Rollout nominal, Controller controller, double[] z0) {
        Check.length("the model's horizon", model.horizon(), plant.horizon());
        Check.length("the model's dimension", model.dimension(), plant.dimension());
        Check.length("the nominal run's horizon", nominal.horizon(), plant.horizon());
        return new Forecast(
                nominal, Rollout.of(plant, controller, z0), Rollout.of(about(nominal, model), controller, z0));
    }

    /** Returns the plant {@code phi_k(z) = zbar_{k+1} + M_k (z - zbar_k)}. */
    private static Plant about(Rollout nominal, LinearSystem model) {
        return new Plant() {
            @Override
            public int horizon() {
                return model.horizon();
            }

            @Override
            public int dimension() {
                return model.dimension();
            }

            @Override
            public double[] next(int k, double[] z) {
                var dz = Vectors.minus(z, nominal.states()[k]);
                return Vectors.plus(nominal.states()[k + 1], 1, Vectors.multiply(model.jacobian(k), dz));
            }
        };
    }

    /**
     * Returns the error of all steps so far, {@code |z_k - zhat_k| / |z_k - zbar_k|}, k = 0..T; NaN where the plant is
     * on its nominal run.
     */
    public double[] errors() {
        return IntStream.rangeClosed(0, nominal.horizon())
                .mapToDouble(k -> still(k)
                        ? Double.NaN
                        : Vectors.distance(actual.states()[k], predicted.states()[k]) / moved(k))
                .toArray();
    }

    /**
     * Returns the error of one step from the plant's own state, k = 0..T-1: {@code |phi_k(z_k) - zbar_{k+1} - M_k (z_k
     * - zbar_k)| / |phi_k(z_k) - zbar_{k+1}|}; NaN where the plant is on its nominal run.
     *
     * @param model the model of this forecast
     */
    public double[] stepErrors(LinearSystem model) {
        var about = about(nominal, model);
        return IntStream.range(0, nominal.horizon())
                .mapToDouble(k -> {
                    double[] next = Vectors.minus(actual.states()[k + 1], actual.inputs()[k]); // phi_k(z_k)
                    return still(k)
                            ? Double.NaN
                            : Vectors.distance(next, about.next(k, actual.states()[k]))
                                    / Vectors.distance(next, nominal.states()[k + 1]);
                })
                .toArray();
    }

    private boolean still(int k) {
        return moved(k) <= STILL * Vectors.norm(nominal.states()[k]);
    }

    private double moved(int k) {
        return Vectors.distance(actual.states()[k], nominal.states()[k]);
    }

    @Override
    public String toString() {
        return "Forecast[T=" + nominal.horizon() + ", error at the end " + (float) errors()[nominal.horizon()] + "]";
    }
}
