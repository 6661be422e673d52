package rudder.compare;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.steer.Baselines;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.HeadProbes;
import rudder.steer.Linearisation;
import rudder.theory.Differential;
import rudder.theory.FeedbackVectors;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.InputMatrix;

/**
 * All the controllers of a comparison, made for one feature: families of nine candidates each, so that a
 * {@link GridSearch} tries no family harder than another. Candidates of the same parameters have the same name whatever
 * the feature, so that what was tuned on one feature can be evaluated on others.
 *
 * <pre>{@code
 * var grid = ControllerGrid.of(features, system, 0.75, 1, 1.25);
 * GridSearch.search(model, calibration, settings, metrics, objective, grid.families("ActAdd", "A-LQR", "LQ tracker"))
 * }</pre>
 *
 * <p>Parameters are relative: blocks are T/3, 2T/3 and 5T/6 (of what acts from a block on, 0, T/3 and 2T/3), strengths
 * are in gaps, transports in fractions of the fitted one.
 */
public final class ControllerGrid {

    private static final double[] LAMBDAS = {0.75, 1.25, 1.75};
    private static final double[] FRACTIONS = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1};
    /** Gaps that what is spread over blocks has in all. */
    private static final double[] TOTALS = {1, 2, 3};

    private static final double[] INPUT_WEIGHTS = {1, 10, 100};
    /** Gaps below which on-off control is on. */
    private static final double HALF = 0.5;
    /** Trackers reach what they are asked for, so they are asked for this much of what the others are. */
    private static final double ASKED = 0.6;

    private final Features features;
    private final List<ControllerFamily> openLoop;
    private final List<ControllerFamily> closedLoop;

    private ControllerGrid(Features features, List<ControllerFamily> openLoop, List<ControllerFamily> closedLoop) {
        this.features = features;
        this.openLoop = openLoop;
        this.closedLoop = closedLoop;
    }

    /**
     * Fits and linearises all that the controllers of a feature need: features, mean Jacobians over the texts that show
     * it, transports, and head probes.
     *
     * @throws IOException if Jacobians that were kept cannot be read, or computed ones cannot be kept
     */
    public static ControllerGrid of(LanguageModel model, ContrastSet set) throws IOException {
        var some = of(Features.contrast(model, set), Linearisation.kept(model, set.positive()), LAMBDAS);
        var transports = Baselines.transports(model, set);
        var mean = transports.mean();
        var linear = transports.linear();
        var probes = HeadProbes.of(model, set);
        int heads = probes.probes().size();
        var fitted = Stream.of(
                ControllerFamily.of("Mean-AcT", FRACTIONS, mean::times),
                ControllerFamily.of("Linear-AcT", FRACTIONS, linear::times),
                ControllerFamily.of(
                        "ITI",
                        new double[] {heads / 20, heads / 10, heads / 4},
                        new double[] {3, 6, 12},
                        (count, alpha) -> probes.iti(count.intValue()).times(alpha)));
        return new ControllerGrid(
                some.features, Stream.concat(some.openLoop.stream(), fitted).toList(), some.closedLoop);
    }

    /**
     * The families that features and Jacobians suffice for: all but transports and attention heads.
     *
     * @param strengths three, in gaps, that families of a block or a gain are tried at
     * @throws IllegalArgumentException if features and system do not fit, or there are not three strengths
     */
    public static ControllerGrid of(Features features, LinearSystem system, double... strengths) {
        return of(List.of(features), system, strengths).get(features.name());
    }

    /** The same for several features by name, which share the recursions of one linearisation. */
    public static Map<String, ControllerGrid> of(List<Features> features, LinearSystem system, double... strengths) {
        if (strengths.length != 3) {
            throw new IllegalArgumentException(
                    strengths.length + " strengths, wanted three: families have nine candidates each");
        }
        var setpoints = features.stream().map(one -> one.setpoint(1)).toList();
        var feedback = new TreeMap<Double, List<FeedbackVectors>>(); // by r, by feature: w_k = K_k v_k
        for (double r : INPUT_WEIGHTS) {
            feedback.put(r, Lqr.feedback(system, new QuadraticCost(0.1, r, 1), setpoints));
        }
        var grid = new LinkedHashMap<String, ControllerGrid>();
        for (int i = 0; i < features.size(); i++) {
            int at = i;
            var one = features.get(i);
            grid.put(
                    one.name(),
                    of(
                            one,
                            system,
                            strengths,
                            (r, lambda) -> Controller.lqr(feedback.get(r).get(at), one.setpoint(lambda))));
        }
        return grid;
    }

    private static ControllerGrid of(
            Features features, LinearSystem system, double[] strengths, BiFunction<Double, Double, Controller> lqr) {
        int T = features.horizon();
        double[] blocks = {T / 3, 2 * T / 3, 5 * T / 6};
        double[] onward = {0, T / 3, 2 * T / 3};
        double[] weighted = {1, T / 2, 2 * T / 3}; // trackers weigh the blocks from here on
        double[] asked = Arrays.stream(strengths)
                .map(lambda -> Math.rint(1e6 * ASKED * lambda) / 1e6)
                .toArray(); // numbers that make names
        var plant = Differential.of(system);
        var nominal = features.negative().states();
        var along = InputMatrix.along(features.setpoint(1));
        return new ControllerGrid(
                features,
                List.of(
                        ControllerFamily.of(
                                "ActAdd",
                                blocks,
                                strengths,
                                (block, lambda) -> Controller.actAdd(features.setpoint(lambda), block.intValue())),
                        ControllerFamily.of(
                                "spread ActAdd",
                                onward,
                                TOTALS,
                                (from, total) -> Controller.spreadActAdd(features.setpoint(total), from.intValue())),
                        ControllerFamily.of(
                                "angular",
                                blocks,
                                new double[] {0.5, 1, 1.5},
                                (block, lambda) -> Baselines.angular(features, lambda, block.intValue())),
                        ControllerFamily.perPrompt(
                                "A-LQR frozen",
                                INPUT_WEIGHTS,
                                strengths,
                                (r, lambda) -> ControllerFactory.frozen(lqr.apply(r, lambda)))),
                List.of(
                        ControllerFamily.of(
                                "clamp",
                                blocks,
                                strengths,
                                (block, lambda) ->
                                        Controller.proportional(features.setpoint(lambda), 1, block.intValue())),
                        ControllerFamily.of(
                                "spread P",
                                onward,
                                TOTALS,
                                (from, total) -> Controller.proportionalFrom(
                                        features.setpoint(total), 1.0 / (T - from.intValue()), from.intValue())),
                        ControllerFamily.of("bang-bang", blocks, strengths, (block, lambda) -> Controller.actAdd(
                                        features.setpoint(lambda), block.intValue())
                                .onlyWhen(features.setpoint(1), Double.NEGATIVE_INFINITY, HALF)),
                        ControllerFamily.of(
                                "S-PID",
                                new double[] {0.03, 0.1, 0.3},
                                strengths,
                                (gain, lambda) -> Controller.pid(features.setpoint(lambda), gain, gain / 3, 0, 10)),
                        ControllerFamily.of("A-LQR", INPUT_WEIGHTS, strengths, lqr),
                        ControllerFamily.of(
                                "LQ tracker",
                                weighted,
                                asked,
                                (from, lambda) -> tracker(
                                        plant, nominal, features.setpoint(lambda), from, InputMatrix.everywhere())),
                        ControllerFamily.of(
                                "LQ tracker along v",
                                weighted,
                                asked,
                                (from, lambda) -> tracker(plant, nominal, features.setpoint(lambda), from, along)),
                        ControllerFamily.of(
                                "preview",
                                blocks,
                                asked,
                                (block, lambda) -> preview(
                                        plant,
                                        nominal,
                                        features.setpoint(lambda),
                                        along.onlyAtBlock(block.intValue())))));
    }

    /** Weights .1 from a block on, inputs at 10. */
    private static Controller tracker(
            Differential plant, double[][] nominal, Setpoint setpoint, double from, InputMatrix actuation) {
        double[] weights = new double[plant.horizon() + 1];
        Arrays.fill(weights, (int) from, weights.length, 0.1);
        return FeatureTracker.of(plant, nominal, setpoint, weights, 10, actuation);
    }

    /** The last state's strength alone matters, and inputs cost next to nothing. */
    private static Controller preview(
            Differential plant, double[][] nominal, Setpoint setpoint, InputMatrix actuation) {
        double[] weights = new double[plant.horizon() + 1];
        weights[plant.horizon()] = 1;
        return FeatureTracker.of(plant, nominal, setpoint, weights, 1e-3, actuation);
    }

    /** The feature they are made for. */
    public Features features() {
        return features;
    }

    /** Families without a setpoint to measure against: their input is fixed, or a fixed function of the state. */
    public List<ControllerFamily> openLoop() {
        return openLoop;
    }

    /** Families that measure the feature where they steer it. */
    public List<ControllerFamily> closedLoop() {
        return closedLoop;
    }

    /**
     * The families of these names, in this order; of no name, all, open loop first.
     *
     * @throws IllegalArgumentException if there is no family of a name
     */
    public ControllerFamily[] families(String... names) {
        var all = Stream.of(openLoop, closedLoop).flatMap(List::stream).toList();
        return names.length == 0
                ? all.toArray(ControllerFamily[]::new)
                : Stream.of(names)
                        .map(name -> all.stream()
                                .filter(family -> family.name().equals(name))
                                .findFirst()
                                .orElseThrow(() ->
                                        new IllegalArgumentException("there is no family '" + name + "' among " + all)))
                        .toArray(ControllerFamily[]::new);
    }

    /**
     * Families for prompts that have features of their own: at each prompt, a candidate is the one of its name among
     * that prompt's grid. What is tuned on several features at once is written side by side.
     *
     * @param of a prompt's grid, all of the same strengths
     * @param names of families; none for all
     */
    public ControllerFamily[] byPrompt(Function<String, ControllerGrid> of, String... names) {
        return Stream.of(families(names))
                .map(family -> new ControllerFamily(
                        family.name(),
                        family.candidates().stream()
                                .map(candidate ->
                                        new ControllerFactory(candidate.name(), (model, prompt) -> of.apply(prompt)
                                                .families(family.name())[0]
                                                .candidate(candidate.name())
                                                .controller()
                                                .apply(model, prompt)))
                                .toList()))
                .toArray(ControllerFamily[]::new);
    }

    /**
     * What a tuning chose of each of its families, made for this feature, under the family's name; behind the unsteered
     * model.
     *
     * @throws IllegalArgumentException if it was a tuning of other families
     */
    public ControllerFactory[] chosen(GridSearch tuning) {
        var tuned = Stream.of(families(tuning.arms().keySet().toArray(String[]::new)));
        return Stream.concat(Stream.of(ControllerFactory.of(Controller.none())), tuned.map(family -> family.candidate(
                                tuning.best(family.name()).name())
                        .named(family.name())))
                .toArray(ControllerFactory[]::new);
    }

    @Override
    public String toString() {
        return "ControllerGrid[" + features.name() + ", " + openLoop.size() + " open-loop and " + closedLoop.size()
                + " closed-loop families of " + openLoop.get(0).candidates().size() + "]";
    }
}
