package rudder;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.theory.Actuation;
import rudder.theory.Controller;
import rudder.theory.Differential;
import rudder.theory.FeatureTracker;
import rudder.theory.Lqr;
import rudder.theory.LqrSolution;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;

/**
 * All the controllers of a comparison, made for one feature: families of nine candidates each, so that a {@link Tuning} tries no family harder than another.
 * Candidates of the same parameters have the same name whatever the feature, so that what was tuned on one feature can be evaluated on others.
 *
 * <p>Parameters are relative: blocks are T/3, 2T/3 and 5T/6, strengths are in gaps, transports in fractions of the fitted one.
 */
public final class Contenders {

    private static final double[] LAMBDAS = {0.75, 1, 1.25};
    private static final double[] FRACTIONS = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1};
    private static final double[] TOTALS = {0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3};
    private static final double[] ASKED = {0.9, 1.15, 1.4};
    private static final double[] INPUT_WEIGHTS = {1, 10, 100};

    private final String feature;
    private final List<Family> openLoop;
    private final List<Family> closedLoop;

    private Contenders(String feature, List<Family> openLoop, List<Family> closedLoop) {
        this.feature = feature;
        this.openLoop = openLoop;
        this.closedLoop = closedLoop;
    }

    /**
     * Fits and linearises all that the controllers of a feature need: features, mean Jacobians over the texts that show it, transports, and head probes.
     *
     * @throws IOException if Jacobians that were kept cannot be read, or computed ones cannot be kept
     */
    public static Contenders of(LanguageModel model, ContrastSet set) throws IOException {
        var features = Features.contrast(model, set);
        int T = model.horizon();
        double[] blocks = {T / 3, 2 * T / 3, 5 * T / 6};
        var system = Linearization.kept(model, set.positive());
        var regulators = new HashMap<Double, LqrSolution>();
        for (double r : INPUT_WEIGHTS) {
            regulators.put(r, Lqr.solve(system, new QuadraticCost(0.1, r, 1)));
        }
        BiFunction<Double, Double, Controller> lqr = (r, lambda) -> Controller.lqr(regulators.get(r), features.setpoint(lambda));
        var transports = Baselines.transports(model, set);
        var mean = transports.mean();
        var linear = transports.linear();
        var probes = HeadProbes.of(model, set);
        int heads = probes.probes().size();
        double[] weighted = {1, T / 2, 2 * T / 3};              // trackers weigh the blocks from here on
        var nominal = features.positive().states();
        return new Contenders(set.name(), List.of(
                Family.of("addition", blocks, LAMBDAS, (block, lambda) -> Controller.openLoop(features.setpoint(lambda), block.intValue())),
                Family.of("spread", TOTALS, lambda -> Controller.openLoop(features.setpoint(lambda / T))),
                Family.of("rotation", blocks, new double[] {0.5, 1, 1.5}, (block, lambda) -> Baselines.rotation(features, lambda, block.intValue())),
                Family.of("Mean-AcT", FRACTIONS, mean::times),
                Family.of("Linear-AcT", FRACTIONS, linear::times),
                Family.of("ITI", new double[] {heads / 20, heads / 10, heads / 4}, new double[] {3, 6, 12},
                        (count, alpha) -> probes.shift(count.intValue()).times(alpha)),
                Family.perPrompt("A-LQR frozen", INPUT_WEIGHTS, LAMBDAS, (r, lambda) -> Steering.frozen(lqr.apply(r, lambda)))),
                List.of(Family.of("P", blocks, LAMBDAS, (block, lambda) -> Controller.proportional(features.setpoint(lambda), 1, block.intValue())),
                Family.of("S-PID", new double[] {0.03, 0.1, 0.3}, LAMBDAS, (gain, lambda) -> Controller.pid(features.setpoint(lambda), gain, gain / 3, 0, 10)),
                Family.of("A-LQR", INPUT_WEIGHTS, LAMBDAS, lqr),
                Family.of("tracker", weighted, ASKED, (from, lambda) -> tracker(Differential.of(system), nominal, features.setpoint(lambda), from,
                        Actuation.everywhere())),
                Family.of("tracker along v", weighted, ASKED, (from, lambda) -> tracker(Differential.of(system), nominal, features.setpoint(lambda), from,
                        Actuation.along(features.setpoint(1)))),
                Family.perPrompt("tracker at prompt", weighted, ASKED, (from, lambda) -> Steering.atPrompt("tracker", plant -> tracker(plant,
                        plant.nominal().rollout().states(), features.setpoint(lambda), from, Actuation.everywhere())))));
    }

    /** Weights .1 from a block on, inputs at 10. */
    private static Controller tracker(Differential plant, double[][] nominal, Setpoint setpoint, double from, Actuation actuation) {
        double[] weights = new double[plant.horizon() + 1];
        Arrays.fill(weights, (int) from, weights.length, 0.1);
        return FeatureTracker.of(plant, nominal, setpoint, weights, 10, actuation);
    }

    /** Families without a setpoint to measure against: their input is fixed, or a fixed function of the state. */
    public List<Family> openLoop() {
        return openLoop;
    }

    /** Families that measure the feature where they steer it. */
    public List<Family> closedLoop() {
        return closedLoop;
    }

    /** All families, open loop first. */
    public Family[] families() {
        return Stream.of(openLoop, closedLoop).flatMap(List::stream).toArray(Family[]::new);
    }

    /**
     * What a tuning chose of each family, made for this feature, under the family's name; behind the unsteered model.
     *
     * @throws NoSuchElementException if it was a tuning of other families
     */
    public Steering[] chosen(Tuning tuning) {
        return Stream.concat(Stream.of(Steering.of(Controller.none())), Stream.of(families()).map(family -> family.candidates().stream()
                .filter(candidate -> candidate.name().equals(tuning.best(family.name()).name())).findFirst().orElseThrow().named(family.name()))).toArray(Steering[]::new);
    }

    @Override
    public String toString() {
        return "Contenders[" + feature + ", " + openLoop.size() + " open-loop and " + closedLoop.size() + " closed-loop families of "
                + openLoop.get(0).candidates().size() + "]";
    }
}
