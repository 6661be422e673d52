package rudder.experiment;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.DoubleFunction;
import rudder.experiment.statistics.Difference;
import rudder.experiment.statistics.DifferenceTests;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.natural.NaturalGradient;
import rudder.theory.Check;
import rudder.theory.Differential;
import rudder.theory.FeedbackVectors;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.InputMatrix;

/**
 * The same actuator with and without measurement. A difference between the sides at one dose is the effect of measuring
 * while the text is written, against what the open side knows beforehand. A frozen plan knows the prompt's unsteered
 * trace: it reads each prompt once, also a disturbed one, and does not know what its own earlier inputs did.
 *
 * @param name shown in tables
 * @param open the arm without measurement, at a strength
 * @param closed the arm with measurement, at a strength
 */
public record Twin(String name, DoubleFunction<? extends Arm> open, DoubleFunction<? extends Arm> closed) {

    private static final QuadraticCost COST = new QuadraticCost(0.1, 10, 1);

    /** The two sides of a twin. */
    public enum Side {
        OPEN,
        CLOSED;

        /** Returns the side's name in tables: open or closed. */
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public Twin {
        Check.given("the twin's name", name);
        Check.given("the open loop of " + name, open);
        Check.given("the closed loop of " + name, closed);
    }

    /** Returns one side's arm at a strength. */
    public Arm arm(Side side, double strength) {
        return (side == Side.OPEN ? open : closed).apply(strength);
    }

    /**
     * Returns the four standard twins: ActAdd and P at block 2T/3; spread ActAdd and spread P from T/3 on; A-LQR (input
     * weight 10) frozen along the prompt's unsteered trace and A-LQR; the tracker (weights from T/2 on) likewise. Add
     * pairs of your own to the list.
     *
     * @param system linearised at prompts that show the feature
     */
    public static List<Twin> standard(Features features, LinearSystem system) {
        return standard(List.of(features), system).get(features.name());
    }

    /**
     * Returns the standard twins of several features of one linear system, by the features' names. One Riccati
     * recursion serves all of them.
     *
     * @throws IllegalArgumentException if two features have one name
     */
    public static Map<String, List<Twin>> standard(List<Features> features, LinearSystem system) {
        var feedback = Lqr.feedback(
                system, COST, features.stream().map(one -> one.setpoint(1)).toList());
        var twins = new LinkedHashMap<String, List<Twin>>();
        for (int i = 0; i < feedback.size(); i++) {
            var name = features.get(i).name();
            var before = twins.put(name, standard(features.get(i), system, feedback.get(i)));
            Check.that(before == null, "two features have the name '%s'", name);
        }
        return twins;
    }

    private static List<Twin> standard(Features features, LinearSystem system, FeedbackVectors feedback) {
        int T = features.horizon();
        int block = 2 * T / 3;
        int from = T / 3;
        var lqr = lqr(features, feedback);
        var tracker = tracker(features, system);
        return List.of(
                new Twin(
                        "ActAdd / P",
                        lambda -> Controller.actAdd(features.setpoint(lambda), block),
                        lambda -> Controller.proportional(features.setpoint(lambda), 1, block)),
                new Twin(
                        "spread ActAdd / spread P",
                        lambda -> Controller.spreadActAdd(features.setpoint(lambda), from),
                        lambda -> Controller.proportionalFrom(features.setpoint(lambda), 1.0 / (T - from), from)),
                new Twin("A-LQR frozen / A-LQR", lambda -> ControllerFactory.frozen(lqr.apply(lambda)), lqr),
                new Twin(
                        "LQ tracker frozen / LQ tracker",
                        lambda -> ControllerFactory.frozen(tracker.apply(lambda)),
                        tracker));
    }

    private static DoubleFunction<Controller> lqr(Features features, FeedbackVectors feedback) {
        return lambda -> Controller.lqr(feedback, features.setpoint(lambda));
    }

    private static DoubleFunction<Controller> tracker(Features features, LinearSystem system) {
        double[] weights = new double[features.horizon() + 1];
        Arrays.fill(weights, Math.max(1, features.horizon() / 2), weights.length, 0.1);
        var plant = Differential.of(system);
        return lambda -> FeatureTracker.of(
                plant, features.negative().states(), features.setpoint(lambda), weights, 10, InputMatrix.everywhere());
    }

    /**
     * Returns {@link #standard}'s regulators against better plans: A-LQR and the tracker, each planned along the
     * prompt's own steered trace and in closed loop. Such a plan knows what its own inputs do at the prompt's last
     * token, and repeats them at the tokens behind it.
     *
     * @param system linearised at prompts that show the feature
     */
    public static List<Twin> planned(Features features, LinearSystem system) {
        var lqr = lqr(features, Lqr.feedback(system, COST, features.setpoint(1)));
        var tracker = tracker(features, system);
        return List.of(
                new Twin("A-LQR planned / A-LQR", lambda -> ControllerFactory.planned(lqr.apply(lambda)), lqr),
                new Twin(
                        "LQ tracker planned / LQ tracker",
                        lambda -> ControllerFactory.planned(tracker.apply(lambda)),
                        tracker));
    }

    /**
     * Returns the twin of a natural gradient: {@link NaturalGradient#spread} from T/3 on, and its
     * {@link NaturalGradient#closedLoop} of gain 1.
     */
    public static Twin natural(NaturalGradient gradient) {
        int from = gradient.horizon() / 3;
        return new Twin(
                "natural gradient / its P",
                lambda -> gradient.spread(lambda, from),
                lambda -> gradient.closedLoop(lambda, 1, from));
    }

    /**
     * Returns the families of both sides of all twins, by the sides' names: those of "ActAdd / P" are "ActAdd" and "P".
     *
     * @throws IllegalArgumentException if a twin's name has not two sides, or a side's name is used twice
     */
    public static Map<String, DoubleFunction<? extends Arm>> families(List<Twin> twins) {
        var families = new LinkedHashMap<String, DoubleFunction<? extends Arm>>();
        for (var twin : twins) {
            var sides = twin.name.split(" / ", -1);
            Check.that(sides.length == 2, "the twin '%s', wanted a name such as 'open / closed'", twin.name);
            for (var side : Side.values()) {
                var before = families.put(sides[side.ordinal()], side == Side.OPEN ? twin.open : twin.closed);
                Check.that(before == null, "two arms have the name '%s'", sides[side.ordinal()]);
            }
        }
        return families;
    }

    /**
     * Returns closed loop less open loop of each twin, by the twins' names. Leaves out twins of which a side was not
     * compared, such as one that does not reach the dose.
     *
     * @param compared names of the arms that were compared, as {@link #families} has them
     * @param difference maps closed and open arm to their difference
     */
    public static <T> Map<String, T> differences(
            List<Twin> twins, List<String> compared, BiFunction<String, String, T> difference) {
        var pairs = new LinkedHashMap<String, T>();
        for (var twin : twins) {
            var sides = List.copyOf(families(List.of(twin)).keySet());
            if (compared.containsAll(sides)) {
                pairs.put(twin.name, difference.apply(sides.get(1), sides.get(0)));
            }
        }
        return pairs;
    }

    /**
     * Tests closed loop less open loop of all twins of which both sides were compared.
     *
     * @param margin largest difference that does not matter; 0 if equivalence is not asked for
     */
    public static DifferenceTests tests(
            List<Twin> twins, List<String> compared, BiFunction<String, String, Difference> difference, double margin) {
        var pairs = differences(twins, compared, difference);
        return DifferenceTests.of(List.copyOf(pairs.keySet()), pairs::get, margin);
    }

    @Override
    public String toString() {
        return "Twin[" + name + "]";
    }
}
