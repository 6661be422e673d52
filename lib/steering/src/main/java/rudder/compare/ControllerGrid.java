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
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.steer.rival.Baselines;
import rudder.steer.rival.HeadProbes;
import rudder.theory.Check;
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
 * Makes the controllers of a comparison for one feature: families of nine candidates each, so that a {@link GridSearch}
 * tunes no family more than another. A candidate's name depends on its parameters, not on the feature. So candidates
 * tuned on one feature can be evaluated on others.
 *
 * <pre>{@code
 * var grid = ControllerGrid.of(features, system, 0.75, 1, 1.25);
 * GridSearch.search(model, calibration, settings, metrics, objective, grid.families("ActAdd", "A-LQR", "LQ tracker"))
 * }</pre>
 *
 * <p>The grid scales with the model. Single-block controllers try blocks T/3, 2T/3 and 5T/6; controllers that start at
 * a block try 0, T/3 and 2T/3. Strengths are in gaps; transports are scaled by a fraction of the fitted transport.
 */
public final class ControllerGrid {

    private static final double[] LAMBDAS = {0.75, 1.25, 1.75};
    private static final double[] FRACTIONS = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1};
    /** Total strengths, in gaps, of controllers spread over blocks. */
    private static final double[] TOTALS = {1, 2, 3};

    private static final double[] INPUT_WEIGHTS = {1, 10, 100};
    /** Strength, in gaps, below which bang-bang control is on. */
    private static final double HALF = 0.5;
    /** Trackers reach their setpoint, so their strengths are this fraction of the others' strengths. */
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
     * Returns the grid of all families, at strengths 0.75, 1.25 and 1.75. Measures features, the mean Jacobians over
     * the positive texts ({@link Linearisation#kept}), transports, and head probes.
     *
     * @throws IOException if the file of the Jacobians cannot be read or written
     */
    public static ControllerGrid of(LanguageModel model, ContrastSet set) throws IOException {
        var some = of(Features.contrast(model, set), Linearisation.kept(model, set.positive()), LAMBDAS);
        var transports = Baselines.acT(model, set);
        var probes = HeadProbes.of(model, set);
        int heads = probes.probes().size();
        var fitted = List.of(
                ControllerFamily.of("Mean-AcT", FRACTIONS, transports.mean()::times),
                ControllerFamily.of("Linear-AcT", FRACTIONS, transports.linear()::times),
                ControllerFamily.of(
                        "ITI",
                        new double[] {heads / 20, heads / 10, heads / 4},
                        new double[] {3, 6, 12},
                        (count, alpha) -> probes.iti(count.intValue()).times(alpha)));
        return new ControllerGrid(some.features, joined(some.openLoop, fitted), some.closedLoop);
    }

    /**
     * Returns the grid of the families that need features and Jacobians only: all but transports and attention heads.
     *
     * @param strengths three strengths, in gaps, for the families of a block or a gain
     * @throws IllegalArgumentException if features and system have different shapes, or there are not three strengths
     */
    public static ControllerGrid of(Features features, LinearSystem system, double... strengths) {
        return of(List.of(features), system, strengths).get(features.name());
    }

    /** Returns a grid for each of several features, by name. They share the recursions of one linearisation. */
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
        return new ControllerGrid(
                features,
                joined(
                        withoutTarget(features, strengths),
                        List.of(ControllerFamily.perPrompt(
                                "A-LQR frozen",
                                INPUT_WEIGHTS,
                                strengths,
                                (r, lambda) -> ControllerFactory.frozen(lqr.apply(r, lambda))))),
                joined(
                        withTarget(features, strengths),
                        joined(
                                List.of(ControllerFamily.of("A-LQR", INPUT_WEIGHTS, strengths, lqr)),
                                trackers(features, system, strengths))));
    }

    /** The blocks of controllers that steer at one. */
    private static double[] blocks(int T) {
        return new double[] {T / 3, 2 * T / 3, 5 * T / 6};
    }

    /** The first blocks of controllers that steer at several. */
    private static double[] onward(int T) {
        return new double[] {0, T / 3, 2 * T / 3};
    }

    private static List<ControllerFamily> withoutTarget(Features features, double[] strengths) {
        int T = features.horizon();
        return List.of(
                ControllerFamily.of(
                        "ActAdd",
                        blocks(T),
                        strengths,
                        (block, lambda) -> Controller.actAdd(features.setpoint(lambda), block.intValue())),
                ControllerFamily.of(
                        "spread ActAdd",
                        onward(T),
                        TOTALS,
                        (from, total) -> Controller.spreadActAdd(features.setpoint(total), from.intValue())),
                ControllerFamily.of(
                        "angular",
                        blocks(T),
                        new double[] {0.5, 1, 1.5},
                        (block, lambda) -> Baselines.angular(features, lambda, block.intValue())));
    }

    private static List<ControllerFamily> withTarget(Features features, double[] strengths) {
        int T = features.horizon();
        return List.of(
                ControllerFamily.of(
                        "clamp",
                        blocks(T),
                        strengths,
                        (block, lambda) -> Controller.proportional(features.setpoint(lambda), 1, block.intValue())),
                ControllerFamily.of(
                        "spread P",
                        onward(T),
                        TOTALS,
                        (from, total) -> Controller.proportionalFrom(
                                features.setpoint(total), 1.0 / (T - from.intValue()), from.intValue())),
                ControllerFamily.of("bang-bang", blocks(T), strengths, (block, lambda) -> Controller.actAdd(
                                features.setpoint(lambda), block.intValue())
                        .onlyWhen(features.setpoint(1), Double.NEGATIVE_INFINITY, HALF)),
                ControllerFamily.of(
                        "S-PID",
                        new double[] {0.03, 0.1, 0.3},
                        strengths,
                        (gain, lambda) -> Controller.pid(features.setpoint(lambda), gain, gain / 3, 0, 10)));
    }

    private static List<ControllerFamily> trackers(Features features, LinearSystem system, double[] strengths) {
        int T = features.horizon();
        double[] weighted = {1, T / 2, 2 * T / 3}; // the blocks from here on
        double[] asked = Arrays.stream(strengths)
                .map(lambda -> Math.rint(1e6 * ASKED * lambda) / 1e6)
                .toArray(); // numbers that make names
        var plant = Differential.of(system);
        var nominal = features.negative().states();
        var along = InputMatrix.along(features.setpoint(1));
        return List.of(
                ControllerFamily.of(
                        "LQ tracker",
                        weighted,
                        asked,
                        (from, lambda) ->
                                tracker(plant, nominal, features.setpoint(lambda), from, InputMatrix.everywhere())),
                ControllerFamily.of(
                        "LQ tracker along v",
                        weighted,
                        asked,
                        (from, lambda) -> tracker(plant, nominal, features.setpoint(lambda), from, along)),
                ControllerFamily.of(
                        "preview",
                        blocks(T),
                        asked,
                        (block, lambda) -> preview(
                                plant, nominal, features.setpoint(lambda), along.onlyAtBlock(block.intValue()))));
    }

    /** Weight 0.1 on the strength from a block on, weight 10 on the inputs. */
    private static Controller tracker(
            Differential plant, double[][] nominal, Setpoint setpoint, double from, InputMatrix actuation) {
        double[] weights = new double[plant.horizon() + 1];
        Arrays.fill(weights, (int) from, weights.length, 0.1);
        return FeatureTracker.of(plant, nominal, setpoint, weights, 10, actuation);
    }

    /** Weight 1 on the last state's strength alone; inputs cost almost nothing. */
    private static Controller preview(
            Differential plant, double[][] nominal, Setpoint setpoint, InputMatrix actuation) {
        double[] weights = new double[plant.horizon() + 1];
        weights[plant.horizon()] = 1;
        return FeatureTracker.of(plant, nominal, setpoint, weights, 1e-3, actuation);
    }

    /**
     * Returns this grid with other families of the same feature behind its own, open loop and closed loop apart.
     *
     * @throws IllegalArgumentException if two families have one name
     */
    public ControllerGrid with(RivalFamilies rivals) {
        var both = new ControllerGrid(
                features, joined(openLoop, rivals.openLoop()), joined(closedLoop, rivals.closedLoop()));
        var names = both.all().map(ControllerFamily::name).toList();
        Check.that(
                names.stream().distinct().count() == names.size(),
                "two families have one name among %s: add the rivals once",
                names);
        return both;
    }

    private static List<ControllerFamily> joined(List<ControllerFamily> first, List<ControllerFamily> second) {
        return Stream.of(first, second).flatMap(List::stream).toList();
    }

    /** Returns the features that the controllers are made for. */
    public Features features() {
        return features;
    }

    /**
     * Returns the families without a target to measure against: the input is fixed, or a fixed function of the state.
     */
    public List<ControllerFamily> openLoop() {
        return openLoop;
    }

    /** Returns the families that measure the feature where they steer. */
    public List<ControllerFamily> closedLoop() {
        return closedLoop;
    }

    /**
     * Returns the families of these names, in this order; without names all families, open loop first.
     *
     * @throws IllegalArgumentException if there is no family of a name
     */
    public ControllerFamily[] families(String... names) {
        var all = all().toList();
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
     * Returns {@link #families(String...)} with the first {@code perFamily} candidates of each: fewer for a smoke run.
     *
     * @throws IllegalArgumentException if there is no family of a name, or perFamily is not in 1..9
     */
    public ControllerFamily[] families(int perFamily, String... names) {
        return Stream.of(families(names)).map(family -> family.first(perFamily)).toArray(ControllerFamily[]::new);
    }

    /**
     * Returns {@link #families(int, String...)} for prompts that have features of their own. At each prompt, a
     * candidate is the candidate of the same name in that prompt's grid. So one search tunes on several features.
     *
     * @param grids maps a prompt to its grid; all grids have the same strengths
     * @throws IllegalArgumentException if there is no family of a name, or perFamily is not in 1..9
     */
    public ControllerFamily[] byPrompt(int perFamily, Function<String, ControllerGrid> grids, String... names) {
        return Stream.of(families(perFamily, names))
                .map(family -> new ControllerFamily(
                        family.name(),
                        family.candidates().stream()
                                .map(candidate -> byPrompt(candidate.name(), grids))
                                .toList()))
                .toArray(ControllerFamily[]::new);
    }

    private static ControllerFactory byPrompt(String candidate, Function<String, ControllerGrid> grids) {
        return new ControllerFactory(
                candidate,
                (model, prompt) ->
                        grids.apply(prompt).candidate(candidate).controller().apply(model, prompt),
                (model, message) ->
                        grids.apply(message).candidate(candidate).inChat().apply(model, message),
                prompt -> grids.apply(prompt).candidate(candidate).asked().apply(prompt));
    }

    /**
     * Returns the candidate of a name, whichever family it belongs to.
     *
     * @throws IllegalArgumentException if there is none
     */
    public ControllerFactory candidate(String name) {
        return all().flatMap(family -> family.candidates().stream())
                .filter(candidate -> candidate.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no candidate '" + name + "' in " + this));
    }

    private Stream<ControllerFamily> all() {
        return Stream.of(openLoop, closedLoop).flatMap(List::stream);
    }

    /**
     * Returns the arms that a search chose, made for this grid's feature: the unsteered model, then one candidate of
     * each family under the family's name. If the search was made with this grid, {@link GridSearch#arms} is the same.
     *
     * @throws IllegalArgumentException if this grid lacks a family or candidate of the search
     */
    public ControllerFactory[] chosen(GridSearch search) {
        return ControllerFamily.chosen(
                family -> family.candidate(search.best(family.name()).name()),
                families(search.candidates().keySet().toArray(String[]::new)));
    }

    @Override
    public String toString() {
        return "ControllerGrid[" + features.name() + ", " + openLoop.size() + " open-loop and " + closedLoop.size()
                + " closed-loop families of " + openLoop.get(0).candidates().size() + "]";
    }
}
