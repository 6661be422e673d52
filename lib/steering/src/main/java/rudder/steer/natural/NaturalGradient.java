package rudder.steer.natural;

import java.util.Arrays;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.steer.Features;
import rudder.theory.Check;
import rudder.theory.Differential;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.HookPoint;
import rudder.theory.control.InputMatrix;

/**
 * Natural-gradient directions of a feature and their controllers. Let v = v_{k+1} be the feature's direction in the
 * state that leaves block k, h = h_k and R = R_k. Then
 *
 * <pre>w_k = (R + epsilon tr(R)/d I)^-1 (v/|v|_R + h/|h|_R),   scaled to |w_k|_R = 1,   |x|_R = sqrt(x'R x).</pre>
 *
 * <p>The first factor prefers directions that change texts little, the second those that show the concept. The dose of
 * one gap at block k is {@code kappa_k = mu_{k+1} |v_{k+1}|_R}: by R an input {@code kappa_k w_k} disturbs texts as
 * much as the addition of one gap there. On fresh texts it disturbs them more, since R^-1 prefers what the texts behind
 * R hardly feel.
 *
 * <pre>{@code
 * var fisher = Fisher.kept(model, openings.some(96), 16, 0);
 * var natural = NaturalGradient.of(fisher, LikelihoodGradient.of(model, ocean), features);
 * model.steered(natural.spread(1, model.horizon() / 3)).generate("Once upon a time", 40)
 * }</pre>
 *
 * <p>Source: Rudder's. The nearest work pulls a Fisher matrix back to one block and one token (FishBack, arXiv
 * 2605.17231).
 */
public final class NaturalGradient {

    private final Fisher fisher;
    private final Features features;
    private final double epsilon;
    private final double[][] directions;
    private final double[] doses;

    private NaturalGradient(Fisher fisher, Features features, double epsilon, double[][] directions, double[] doses) {
        this.fisher = fisher;
        this.features = features;
        this.epsilon = epsilon;
        this.directions = directions;
        this.doses = doses;
    }

    /** Returns {@link #of(Fisher, LikelihoodGradient, Features, double)} with epsilon = 1. */
    public static NaturalGradient of(Fisher fisher, LikelihoodGradient likelihood, Features features) {
        return of(fisher, likelihood, features, 1);
    }

    /**
     * Returns the directions at all blocks.
     *
     * @param epsilon how much of the mean eigenvalue is added to all eigenvalues of R; above 0
     * @throws IllegalArgumentException if the parts were measured on different models, a Fisher matrix is 0, or epsilon
     *     is not positive and finite
     */
    public static NaturalGradient of(Fisher fisher, LikelihoodGradient likelihood, Features features, double epsilon) {
        Check.that(
                fisher.plant().equals(likelihood.plant())
                        && features.plant().map(fisher.plant()::equals).orElse(true),
                "Fisher matrices, likelihood gradients and features were measured on different models: "
                        + "measure all on one model");
        Check.length("the likelihood gradients", likelihood.horizon(), fisher.horizon());
        features.setpoint(1).requireFits(fisher.horizon(), fisher.dimension());
        var directions = new double[fisher.horizon()][];
        var doses = new double[directions.length];
        for (int k = 0; k < directions.length; k++) {
            double[] v = features.direction(k + 1);
            double[] wanted = Vectors.plus(scaled(fisher, k, v), 1, scaled(fisher, k, likelihood.at(k)));
            double[] w = fisher.solve(k, epsilon, Vectors.row(wanted)).data;
            directions[k] = scaled(fisher, k, w);
            doses[k] = features.gap(k + 1) * fisher.norm(k, v);
        }
        return new NaturalGradient(fisher, features, epsilon, directions, doses);
    }

    /** Returns x/|x|_R; 0 where no text feels x. */
    private static double[] scaled(Fisher fisher, int k, double[] x) {
        double norm = fisher.norm(k, x);
        return norm == 0 ? new double[x.length] : Vectors.times(1 / norm, x);
    }

    /** Returns T. */
    public int horizon() {
        return directions.length;
    }

    /** Returns w_k with |w_k|_R = 1, d numbers, for inputs behind block k = 0..T-1. */
    public double[] direction(int k) {
        Check.block(k, horizon() - 1);
        return directions[k].clone();
    }

    /** Returns kappa_k, the dose of one gap behind block k = 0..T-1, as {@link Fisher#norm} measures it. */
    public double dose(int k) {
        Check.block(k, horizon() - 1);
        return doses[k];
    }

    /**
     * Adds {@code strength kappa_k w_k} behind one block, whatever the state.
     *
     * @param strength in gaps: 1 has the dose of the addition of one gap at this block
     * @throws IllegalArgumentException if there is no such block, or the strength is not finite
     */
    public Controller atBlock(double strength, int block) {
        Check.block(block, horizon() - 1);
        return open("natural gradient " + strength + " at block " + block, strength, block, block + 1);
    }

    /**
     * Adds equal shares {@code strength kappa_k w_k / n} behind each of the n blocks from {@code from} on, whatever the
     * state.
     *
     * @throws IllegalArgumentException if there is no such block, or the strength is not finite
     */
    public Controller spread(double strength, int from) {
        Check.block(from, horizon() - 1);
        return open("natural gradient " + strength + ", spread from block " + from, strength, from, horizon());
    }

    private Controller open(String name, double strength, int from, int end) {
        return Controller.of(
                name, laws(from, end, k -> ControlLaw.constant(share(k, strength, end - from))), setpoint(strength));
    }

    /**
     * Adds {@code gain (beta*_{k+1} - v_{k+1}.z) kappa_k w_k / (mu_{k+1} n)} behind each of the n blocks from
     * {@code from} on. Here z is the block's output before the input. This is the closed loop of {@link #spread}: where
     * the feature has the strength of the negative texts, gain 1 gives the same input. An error of 0 gives none.
     *
     * @param strength lambda of the centred setpoint, in gaps
     * @throws IllegalArgumentException if there is no such block, or a number is not finite
     */
    public Controller closedLoop(double strength, double gain, int from) {
        Check.block(from, horizon() - 1);
        Check.that(Double.isFinite(gain), "the gain is %s, wanted a finite number", gain);
        var setpoint = setpoint(strength);
        return Controller.of(
                "natural gradient P " + gain + ", " + strength + " from block " + from,
                HookPoint.RESID_POST,
                laws(
                        from,
                        horizon(),
                        k -> ControlLaw.along(
                                setpoint.direction(k + 1),
                                setpoint.target(k + 1),
                                share(k, gain / setpoint.gap(k + 1), horizon() - from))),
                setpoint);
    }

    /**
     * Returns the input matrices of {@code B_k B_k' = a (R_k + a I)^-1}, a = epsilon tr(R_k)/d. Inputs that change
     * texts little are cheap. For a large epsilon, B is the identity.
     */
    public InputMatrix inputs() {
        return (k, rows) -> {
            var weighed = fisher.solve(k, epsilon, rows);
            CommonOps_DDRM.scale(fisher.shift(k, epsilon), weighed);
            return weighed;
        };
    }

    /**
     * Returns the {@link FeatureTracker} about the mean run of the negative texts, with the {@link #inputs} of this
     * Fisher matrix.
     *
     * @param plant A_k, such as {@code Differential.of(Linearisation.kept(..))}
     * @param strength lambda of the centred setpoint, in gaps
     * @param from the first state whose strength has a weight, 1..T
     * @param q the weight
     * @param r weight of the inputs
     * @throws IllegalArgumentException as {@link FeatureTracker#of}
     */
    public Controller tracker(Differential plant, double strength, int from, double q, double r) {
        var weights = new double[horizon() + 1];
        Check.block(from, horizon());
        Arrays.fill(weights, from, weights.length, q);
        return FeatureTracker.of(plant, features.negative().states(), setpoint(strength), weights, r, inputs())
                .named("natural gradient tracker " + strength + " from state " + from);
    }

    private TreeMap<Integer, ControlLaw> laws(int from, int end, IntFunction<ControlLaw> law) {
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = from; k < end; k++) {
            if (doses[k] > 0) { // elsewhere the feature is absent
                laws.put(k, law.apply(k));
            }
        }
        return laws;
    }

    private double[] share(int k, double strength, int n) {
        return Vectors.times(strength * doses[k] / n, directions[k]);
    }

    private Setpoint setpoint(double strength) {
        return features.setpoint(strength);
    }

    @Override
    public String toString() {
        return "NaturalGradient[" + features.name() + ", epsilon " + epsilon + ", " + fisher + "]";
    }
}
