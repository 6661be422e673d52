package rudder.theory.control;

import rudder.theory.Check;
import rudder.theory.Plant;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/**
 * One run of a plant under a controller: {@code z_{k+1} = phi_k(z_k) + u_k}.
 *
 * @param states z_0..z_T, [T+1][d]
 * @param inputs u_0..u_{T-1}, [T][d]
 */
public record Rollout(double[][] states, double[][] inputs) {
    /** @throws IllegalArgumentException unless there is exactly one state more than inputs */
    public Rollout {
        Check.length("states", states.length, inputs.length + 1);
    }

    /**
     * Runs the closed loop from z_0. Laws at {@link HookPoint#RESID_PRE} measure z_k, laws at
     * {@link HookPoint#RESID_POST} measure phi_k(z_k). Both add to the block's output.
     *
     * @throws IllegalArgumentException if the controller or the state does not fit the plant
     */
    public static Rollout of(Plant plant, Controller controller, double[] z0) {
        controller.requireFits(plant.horizon(), plant.dimension());
        Check.length("the first state", z0.length, plant.dimension());
        int T = plant.horizon();
        var states = new double[T + 1][];
        var inputs = new double[T][];
        var memory = new MeasurementMemory();
        states[0] = z0.clone();
        for (int k = 0; k < T; k++) {
            double[] output = plant.next(k, states[k]);
            inputs[k] = Vectors.plus(
                    controller.input(HookPoint.RESID_PRE, k, states[k], memory),
                    1,
                    controller.input(HookPoint.RESID_POST, k, output, memory));
            states[k + 1] = Vectors.plus(output, 1, inputs[k]); // z_{k+1} = phi_k(z_k) + u_k
        }
        return new Rollout(states, inputs);
    }

    /** Returns T. */
    public int horizon() {
        return inputs.length;
    }

    /** Returns d. */
    public int dimension() {
        return states[0].length;
    }

    /**
     * Returns coordinate i of the states z_0..z_T.
     *
     * @throws IllegalArgumentException unless i is in 0..d-1
     */
    public double[] coordinate(int i) {
        Check.that(i >= 0 && i < dimension(), "coordinate %s, wanted 0..%s", i, dimension() - 1);
        var coordinate = new double[states.length];
        for (int k = 0; k < coordinate.length; k++) {
            coordinate[k] = states[k][i];
        }
        return coordinate;
    }

    /** Returns the strengths beta_k = v_k.z_k, k = 0..T. */
    public double[] strengths(Setpoint setpoint) {
        Check.length("the setpoint's horizon", setpoint.horizon(), horizon());
        var strengths = new double[states.length];
        for (int k = 0; k < strengths.length; k++) {
            strengths[k] = setpoint.strength(k, states[k]);
        }
        return strengths;
    }

    /** Returns the errors alpha_k = beta*_k - v_k.z_k, k = 0..T. */
    public double[] errors(Setpoint setpoint) {
        var errors = strengths(setpoint);
        for (int k = 0; k < errors.length; k++) {
            errors[k] = setpoint.target(k) - errors[k];
        }
        return errors;
    }

    /** Returns |u_k|^2, k = 0..T-1. */
    public double[] energies() {
        var energies = new double[inputs.length];
        for (int k = 0; k < energies.length; k++) {
            energies[k] = Vectors.dot(inputs[k], inputs[k]);
        }
        return energies;
    }

    /** Returns the input energy sum_k |u_k|^2. */
    public double energy() {
        double sum = 0;
        for (double energy : energies()) {
            sum += energy;
        }
        return sum;
    }

    /**
     * Returns the cost {@code sum_{k<T} (q |z_k|^2 + r |u_k|^2) + qf |z_T|^2} of these states. For the cost of
     * deviations call {@link #minus} first.
     */
    public double cost(QuadraticCost cost) {
        double[] last = states[horizon()];
        double sum = cost.r() * energy() + cost.qf() * Vectors.dot(last, last);
        for (int k = 0; k < horizon(); k++) {
            sum += cost.q() * Vectors.dot(states[k], states[k]);
        }
        return sum;
    }

    /** Returns the deviations dz_k and du_k from another run of the same horizon. */
    public Rollout minus(Rollout nominal) {
        return new Rollout(difference(states, nominal.states), difference(inputs, nominal.inputs));
    }

    private static double[][] difference(double[][] a, double[][] b) {
        Check.length("the other run", b.length, a.length);
        var difference = new double[a.length][];
        for (int k = 0; k < a.length; k++) {
            difference[k] = Vectors.minus(a[k], b[k]);
        }
        return difference;
    }

    @Override
    public String toString() {
        return "Rollout[T=" + horizon() + ", d=" + dimension() + ", input energy " + (float) energy() + "]";
    }
}
