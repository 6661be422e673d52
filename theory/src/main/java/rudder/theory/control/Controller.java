package rudder.theory.control;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.theory.Check;
import rudder.theory.LinearSystem;
import rudder.theory.LqrSolution;
import rudder.theory.MatrixFreeLqr;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/**
 * A controller is data: {@link ControlLaw}s for the blocks that have some. At block k a law measures the state z_k that
 * enters the block and adds {@code u_k} to what leaves it, {@code z_{k+1} = phi_k(z_k) + u_k}, or acts at another
 * {@link HookPoint}. Whatever runs a plant, a {@link Rollout} or a language model on a GPU, interprets the same data.
 */
public final class Controller implements Arm {
    private static final SortedMap<Integer, List<ControlLaw>> NO_LAWS = Collections.emptySortedMap();
    private static final Controller NONE = new Controller("none", Map.of(), null, null);

    private final String name;
    private final Map<HookPoint, SortedMap<Integer, List<ControlLaw>>> laws;
    private final Setpoint setpoint;
    private final String plant; // null where any will do

    private Controller(
            String name, Map<HookPoint, SortedMap<Integer, List<ControlLaw>>> laws, Setpoint setpoint, String plant) {
        this.name = name;
        this.laws = laws;
        this.setpoint = setpoint;
        this.plant = plant;
    }

    /** {@link #of(String, HookPoint, Map, Setpoint)} that measures the states and adds to what leaves the blocks. */
    public static Controller of(String name, Map<Integer, ? extends ControlLaw> laws, Setpoint setpoint) {
        return of(name, HookPoint.RESID_PRE, laws, setpoint);
    }

    /**
     * A controller of the given laws.
     *
     * @param name what tables and charts call it
     * @param place where they act
     * @param laws by block; a block that is missing gets no input
     * @param setpoint what it drives to, or null
     * @throws IllegalArgumentException if a block is negative, two laws read different widths, or a law remembers what
     *     no earlier one reads
     */
    public static Controller of(
            String name, HookPoint point, Map<Integer, ? extends ControlLaw> laws, Setpoint setpoint) {
        var lists = new TreeMap<Integer, List<ControlLaw>>();
        laws.forEach((k, law) -> lists.put(k, List.of(law)));
        return ofHookPoints(name, Map.of(point, lists), setpoint);
    }

    /**
     * {@link #of(String, HookPoint, Map, Setpoint)} at several places, with any number of laws for each block, whose
     * inputs add up.
     */
    public static Controller ofHookPoints(
            String name, Map<HookPoint, ? extends Map<Integer, List<ControlLaw>>> laws, Setpoint setpoint) {
        var sorted = new EnumMap<HookPoint, SortedMap<Integer, List<ControlLaw>>>(HookPoint.class);
        laws.forEach((point, byBlock) -> {
            var some = new TreeMap<Integer, List<ControlLaw>>();
            byBlock.forEach((k, here) -> some.put(k, List.copyOf(here)));
            some.values().removeIf(List::isEmpty);
            check(some);
            if (!some.isEmpty()) {
                sorted.put(point, some);
            }
        });
        return new Controller(
                name,
                sorted,
                setpoint,
                setpoint == null ? null : setpoint.plant().orElse(null));
    }

    private static void check(SortedMap<Integer, List<ControlLaw>> byBlock) {
        var read = new HashSet<Measurement>();
        byBlock.forEach((k, here) -> {
            Check.that(k >= 0, "a law for block %d, wanted blocks 0, 1, 2, ...", k);
            for (var law : here) {
                Check.length(
                        "what the law of block " + k + " reads",
                        law.dimension(),
                        byBlock.get(byBlock.firstKey()).get(0).dimension());
                law.feedback().ifPresent(feedback -> feedback.past()
                        .keySet()
                        .forEach(earlier -> Check.that(
                                read.contains(earlier),
                                "the law of block %d remembers a %s that no law of an earlier block makes",
                                k,
                                earlier)));
            }
            here.forEach(law -> law.feedback().ifPresent(feedback -> read.add(feedback.reading())));
        });
    }

    /** Adds nothing anywhere. */
    public static Controller none() {
        return NONE;
    }

    /**
     * Adds the same vector at one block, whatever the state: {@code u_k = lambda mu_k v_k}, 0 elsewhere. With features
     * from a contrast set this is both ActAdd and CAA, since mu_k v_k is the difference of the two sides' means. Usual
     * blocks are T/2 to 2T/3.
     *
     * <p>Source: ActAdd, Turner et al., arXiv 2308.10248; CAA, Rimsky et al., arXiv 2312.06681.
     *
     * @throws IllegalArgumentException if the setpoint has no such block
     */
    public static Controller actAdd(Setpoint setpoint, int block) {
        Check.block(block, setpoint.horizon() - 1);
        return of(
                "ActAdd " + strength(setpoint) + " at block " + block,
                Map.of(block, ControlLaw.constant(setpoint.shift(block))),
                setpoint);
    }

    /**
     * Adds equal shares at every block from one on, whatever the state: {@code u_k = lambda mu_k v_k / (T - from)} for
     * k = from..T-1. Together the shares have the strength that {@link #actAdd} has at one block.
     *
     * @throws IllegalArgumentException if the setpoint has no such block
     */
    public static Controller spreadActAdd(Setpoint setpoint, int from) {
        Check.block(from, setpoint.horizon() - 1);
        var share = setpoint.withStrength(setpoint.lambda() / (setpoint.horizon() - from));
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = from; k < setpoint.horizon(); k++) {
            laws.put(k, ControlLaw.constant(share.shift(k)));
        }
        return of("spread ActAdd " + strength(setpoint) + " from block " + from, laws, setpoint);
    }

    /**
     * A-LQR: {@code u_k = alpha_k K_k v_k}. The regulator's law {@code -K_k (z_k - z')} for the closest state z' = z_k
     * + alpha_k v_k that has the target strength; only the vectors K_k v_k are kept. Source: the paper, Theorem 4.1 and
     * section 4.
     *
     * @throws IllegalArgumentException if gains and setpoint have different horizons or widths
     */
    public static Controller lqr(LqrSolution solution, Setpoint setpoint) {
        Check.length("the setpoint's horizon", setpoint.horizon(), solution.horizon());
        Check.length("the setpoint's direction", setpoint.dimension(), solution.dimension());
        return measured(
                solution.system(),
                lqr(
                        IntStream.range(0, solution.horizon())
                                .mapToObj(k -> solution.feedback(k, setpoint.direction(k)))
                                .toArray(double[][]::new),
                        setpoint));
    }

    /** A-LQR from the vectors w_k = K_k v_k alone, T of them, however computed; see {@link MatrixFreeLqr}. */
    public static Controller lqr(double[][] feedback, Setpoint setpoint) {
        Check.length("the vectors K_k v_k", feedback.length, setpoint.horizon());
        return everywhere(
                "A-LQR " + strength(setpoint),
                setpoint.horizon(),
                setpoint,
                k -> ControlLaw.along(setpoint.direction(k), setpoint.target(k), feedback[k]));
    }

    /**
     * The regulator about a nominal trajectory: {@code u_k = -K_k (z_k - nominal_k)}, on the whole state, so W = K_k is
     * d x d.
     *
     * @param nominal z_0..z_{T-1}, or more
     */
    public static Controller tracking(LqrSolution solution, double[][] nominal) {
        Check.that(
                nominal.length >= solution.horizon(),
                "%d nominal states, wanted one for each of %d blocks",
                nominal.length,
                solution.horizon());
        var identity = CommonOps_DDRM.identity(solution.dimension());
        return measured(
                solution.system(),
                everywhere(
                        "LQR about a trajectory",
                        solution.horizon(),
                        null,
                        k -> new LinearFeedback(identity, nominal[k], solution.gain(k))));
    }

    /**
     * Proportional feedback without a model at one block: {@code u_k = gain alpha_k v_k}. Gain 1 clamps the feature: it
     * is {@link #actAdd} with the shift measured instead of assumed.
     *
     * @throws IllegalArgumentException if the setpoint has no such block
     */
    public static Controller proportional(Setpoint setpoint, double gain, int block) {
        Check.block(block, setpoint.horizon() - 1);
        return of(
                "P " + gain + ", " + strength(setpoint) + " at block " + block,
                Map.of(block, proportionalLaw(setpoint, gain, block)),
                setpoint);
    }

    /**
     * {@link #proportional} feedback at every block from one on, with the same gain at each. The closed-loop twin of
     * {@link #spreadActAdd} has the gain 1 / (T - from).
     *
     * @throws IllegalArgumentException if the setpoint has no such block
     */
    public static Controller proportionalFrom(Setpoint setpoint, double gain, int from) {
        Check.block(from, setpoint.horizon() - 1);
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = from; k < setpoint.horizon(); k++) {
            laws.put(k, proportionalLaw(setpoint, gain, k));
        }
        return of("P " + gain + ", " + strength(setpoint) + " from block " + from, laws, setpoint);
    }

    private static ControlLaw proportionalLaw(Setpoint setpoint, double gain, int k) {
        double[] v = setpoint.direction(k);
        return ControlLaw.along(v, setpoint.target(k), Vectors.times(gain, v));
    }

    /**
     * PID feedback over the blocks: with e_k = alpha_k v_k,
     *
     * <pre>u_k = kp e_k + ki (e_s + ... + e_k) + kd (e_k - e_{k-1}),</pre>
     *
     * <p>where the sum starts anew every {@code reset} blocks, s = k - k mod reset, and block 0 has no difference.
     * Source: S-PID, one of the paper's baselines, which resets every 10 blocks.
     */
    public static Controller pid(Setpoint setpoint, double kp, double ki, double kd, int reset) {
        Check.that(reset > 0, "the sum starts anew every %d blocks, wanted at least 1", reset);
        var memory = new ArrayList<Measurement>();
        return everywhere(
                "PID " + kp + " " + ki + " " + kd + ", " + strength(setpoint), setpoint.horizon(), setpoint, k -> {
                    var past = new LinkedHashMap<Measurement, DMatrixRMaj>();
                    for (int i = k - k % reset; i < k; i++) {
                        past.put(memory.get(i), Vectors.column(Vectors.times(ki, setpoint.direction(i))));
                    }
                    if (k > 0) {
                        var last =
                                past.computeIfAbsent(memory.get(k - 1), i -> new DMatrixRMaj(setpoint.dimension(), 1));
                        CommonOps_DDRM.addEquals(last, -kd, Vectors.column(setpoint.direction(k - 1)));
                    }
                    double[] w = Vectors.times(kp + ki + (k > 0 ? kd : 0), setpoint.direction(k));
                    memory.add(new Measurement(Vectors.row(setpoint.direction(k)), new double[] {setpoint.target(k)}));
                    return new LinearFeedback(memory.get(k), Vectors.column(w), past);
                });
    }

    @Override
    public String name() {
        return name;
    }

    /** The laws of block k at a place; their inputs add up. */
    public List<ControlLaw> laws(HookPoint point, int k) {
        return laws.getOrDefault(point, NO_LAWS).getOrDefault(k, List.of());
    }

    /** The blocks that have a law at a place, in order. */
    public Set<Integer> blocks(HookPoint point) {
        return Collections.unmodifiableSet(laws.getOrDefault(point, NO_LAWS).keySet());
    }

    /** What it drives to; of a sum, the first summand's that has one. */
    public Optional<Setpoint> setpoint() {
        return Optional.ofNullable(setpoint);
    }

    /**
     * u_k for the state z that enters block k: d numbers, zeros where block k has no law on its state.
     *
     * @throws IllegalArgumentException if a law remembers: then it needs the earlier states too
     */
    public double[] input(int k, double[] z) {
        return input(HookPoint.RESID_PRE, k, z, new MeasurementMemory());
    }

    /** u_k for the states z_0..z_k, or more, of a run. */
    public double[] input(int k, double[][] states) {
        Check.that(
                k < states.length, "%d states, none for block %d: wanted one for each block so far", states.length, k);
        var memory = new MeasurementMemory();
        for (int i : blocks(HookPoint.RESID_PRE)) {
            if (i < k) {
                input(HookPoint.RESID_PRE, i, states[i], memory);
            }
        }
        return input(HookPoint.RESID_PRE, k, states[k], memory);
    }

    /** What the laws at a place of block k add for what they read. */
    double[] input(HookPoint point, int k, double[] read, MeasurementMemory memory) {
        double[] u = new double[read.length];
        for (var law : laws(point, k)) {
            Check.length("the state", read.length, law.dimension());
            u = Vectors.plus(u, 1, law.on(Arithmetic.heap()).of(Vectors.row(read), memory).data);
        }
        return u;
    }

    /** Adds both inputs, at every place of every block. */
    public Controller plus(Controller other) {
        if (laws.isEmpty()) {
            return other;
        }
        if (other.laws.isEmpty()) {
            return this;
        }
        var sum = new EnumMap<HookPoint, SortedMap<Integer, List<ControlLaw>>>(HookPoint.class);
        for (var point : HookPoint.values()) {
            var both = new TreeMap<>(laws.getOrDefault(point, NO_LAWS));
            other.laws
                    .getOrDefault(point, NO_LAWS)
                    .forEach((k, some) -> both.merge(k, some, (a, b) -> Stream.of(a, b)
                            .flatMap(List::stream)
                            .toList()));
            Check.that(
                    both.values().stream()
                                    .flatMap(List::stream)
                                    .mapToInt(ControlLaw::dimension)
                                    .distinct()
                                    .count()
                            <= 1,
                    "controllers '%s' and '%s' act on states of different widths, wanted the same",
                    name,
                    other.name);
            if (!both.isEmpty()) {
                sum.put(point, both);
            }
        }
        return new Controller(
                name + " + " + other.name,
                sum,
                setpoint == null ? other.setpoint : setpoint,
                samePlant(plant, other.plant));
    }

    /**
     * Every input times a factor: 0 adds nothing, 1 is this controller. What is measured, and where it should be, stays
     * as it is.
     */
    public Controller times(double factor) {
        Check.that(Double.isFinite(factor), "the factor is %s, wanted a finite number", factor);
        return each(factor + " x " + name, (point, k, law) -> law.times(factor));
    }

    /**
     * This controller where the strength of a feature, measured at the same place, lies within bounds; elsewhere
     * nothing is added. With a centred setpoint {@code onlyWhen(harm, 0.5, infinity)} steers what is more than half way
     * from the texts without harm to those with it.
     *
     * @param feature the feature that decides; a block that enters with z_k looks at v_k, one whose output is read at
     *     v_{k+1}
     * @param low least strength at which it steers, in gaps
     * @param high largest strength at which it does, in gaps; may be infinite
     * @throws IllegalArgumentException if this controller acts on attention heads, where no strength is known
     */
    public Controller onlyWhen(Setpoint feature, double low, double high) {
        requireFits(feature.horizon(), feature.dimension());
        return each(name + " when " + low + " to " + high, (point, k, law) -> {
            int at = point == HookPoint.RESID_PRE ? k : k + 1;
            return law.where(feature.direction(at), feature.ofGaps(at, low), feature.ofGaps(at, high));
        });
    }

    private interface Change {
        ControlLaw of(HookPoint point, int k, ControlLaw law);
    }

    private Controller each(String name, Change change) {
        var changed = new EnumMap<HookPoint, SortedMap<Integer, List<ControlLaw>>>(HookPoint.class);
        laws.forEach((point, byBlock) -> {
            var some = new TreeMap<Integer, List<ControlLaw>>();
            byBlock.forEach((k, here) -> some.put(
                    k, here.stream().map(law -> change.of(point, k, law)).toList()));
            changed.put(point, some);
        });
        return new Controller(name, changed, setpoint, plant);
    }

    /**
     * The plan this controller would carry out along the given states: each law's input there, as a constant. Frozen at
     * the states of the uncontrolled plant, a controller is its own open-loop twin, and the difference between the two
     * is what feedback does.
     *
     * @param states z_k by block, at least up to the last block with a law; for laws on a block's output, the next one
     *     too, which is taken for that output
     * @throws IllegalArgumentException if states are missing, or this controller acts on attention heads, which are not
     *     among the states
     */
    public Controller frozenAt(double[][] states) {
        var plan = new TreeMap<Integer, ControlLaw>();
        var memory = new MeasurementMemory();
        Check.that(
                blocks(HookPoint.HEAD_OUT).isEmpty(),
                "controller '%s' acts on attention heads, which the states do not show: it cannot be frozen at them",
                name);
        var blocks = new TreeSet<>(blocks(HookPoint.RESID_PRE));
        blocks.addAll(blocks(HookPoint.RESID_POST));
        for (int k : blocks) {
            int last = laws(HookPoint.RESID_POST, k).isEmpty() ? k : k + 1;
            Check.that(
                    last < states.length,
                    "%d states, none for block %d: wanted one for each block so far",
                    states.length,
                    last);
            double[] u = input(HookPoint.RESID_PRE, k, states[k], memory);
            plan.put(
                    k,
                    ControlLaw.constant(
                            last == k ? u : Vectors.plus(u, 1, input(HookPoint.RESID_POST, k, states[k + 1], memory))));
        }
        return of(name + ", frozen", plan, setpoint);
    }

    /**
     * Returns how deviations of a linear system evolve under this controller: {@code A_k - W_k C_k}, and A_k where
     * block k has no law.
     *
     * @throws IllegalArgumentException if this controller does not fit the system, or is not linear feedback of the
     *     present state alone
     */
    public LinearSystem closedLoop(LinearSystem system) {
        requireFits(system.horizon(), system.dimension());
        Check.that(
                blocks(HookPoint.RESID_POST).isEmpty()
                        && IntStream.range(0, system.horizon())
                                .mapToObj(k -> laws(HookPoint.RESID_PRE, k))
                                .flatMap(List::stream)
                                .allMatch(law -> law instanceof LinearFeedback feedback
                                        && feedback.past().isEmpty()),
                "controller '%s' is gated, remembers earlier blocks, or reads what leaves them;"
                        + " wanted linear feedback of the present state",
                name);
        return system.transformed(
                k -> laws(HookPoint.RESID_PRE, k).stream()
                        .map(law -> law.feedback().orElseThrow())
                        .map(law ->
                                system.algebra().multiply(law.W(), law.reading().directions()))
                        .reduce(system.jacobian(k), (a, wc) -> CommonOps_DDRM.subtract(a, wc, null)), // A - W C
                system + " under " + name);
    }

    /** The same controller by another name. */
    public Controller named(String name) {
        return new Controller(name, laws, setpoint, plant);
    }

    /**
     * Returns the same controller, marked as measured on a plant: another plant refuses it, even one of the same shape.
     * A controller made from a setpoint or a linear system has their mark already.
     *
     * @param plant what identifies the plant, such as the sha256 of a model's weights
     * @throws IllegalArgumentException if this controller was measured on another plant
     */
    public Controller measuredOn(String plant) {
        return new Controller(name, laws, setpoint, samePlant(this.plant, plant));
    }

    /** Returns the same controller without its mark and its setpoint's: any plant of the same shape accepts it. */
    public Controller forAnyPlant() {
        return new Controller(name, laws, setpoint == null ? null : setpoint.forAnyPlant(), null);
    }

    /** Returns what identifies the plant that this was measured on; empty if any plant of its shape will do. */
    public Optional<String> plant() {
        return Optional.ofNullable(plant);
    }

    private static Controller measured(LinearSystem system, Controller controller) {
        return system.plant().map(controller::measuredOn).orElse(controller);
    }

    private static String samePlant(String one, String other) {
        Check.that(
                one == null || other == null || one.equals(other),
                "measured on %s and on %s, wanted one plant: measure both on the same model",
                one,
                other);
        return one == null ? other : one;
    }

    /** {@link #requireFits(int, int, int)} for a plant without attention heads. */
    public void requireFits(int horizon, int dimension) {
        Check.that(
                blocks(HookPoint.HEAD_OUT).isEmpty(),
                "controller '%s' acts on attention heads, which this plant has not",
                name);
        requireFits(horizon, dimension, 0);
    }

    /**
     * Refuses a plant this controller was not made for.
     *
     * @param heads numbers that the heads of a block put out together
     * @throws IllegalArgumentException if a law belongs to a block the plant lacks, or to states of another width
     */
    public void requireFits(int horizon, int dimension, int heads) {
        for (var point : HookPoint.values()) {
            int width = point == HookPoint.HEAD_OUT ? heads : dimension;
            for (int k : blocks(point)) {
                Check.that(
                        k < horizon,
                        "controller '%s' has a law for block %d of a plant with blocks 0..%d",
                        name,
                        k,
                        horizon - 1);
                laws(point, k)
                        .forEach(law -> Check.that(
                                law.dimension() == width,
                                "controller '%s' acts on %s of width %d, the plant's have %d",
                                name,
                                point == HookPoint.HEAD_OUT ? "heads" : "states",
                                law.dimension(),
                                width));
            }
        }
    }

    private static Controller everywhere(String name, int horizon, Setpoint setpoint, IntFunction<ControlLaw> law) {
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = 0; k < horizon; k++) {
            laws.put(k, law.apply(k));
        }
        return of(name, laws, setpoint);
    }

    private static String strength(Setpoint setpoint) {
        return setpoint.lambda() + " mu_k";
    }

    @Override
    public String toString() {
        var blocks = laws.values().stream()
                .flatMap(byBlock -> byBlock.keySet().stream())
                .mapToInt(k -> k)
                .summaryStatistics();
        return "Controller[" + name
                + (laws.isEmpty()
                        ? "]"
                        : ", blocks " + blocks.getMin() + ".." + blocks.getMax()
                                + (blocks(HookPoint.HEAD_OUT).isEmpty() ? "]" : ", on heads]"));
    }
}
