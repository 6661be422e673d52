package rudder.theory.control;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntFunction;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.theory.Check;
import rudder.theory.FeedbackVectors;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.LqrSolution;
import rudder.theory.MatrixFreeLqr;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/**
 * A controller is immutable data: a table of {@link ControlLaw}s by {@link HookPoint} and block. At block k a law
 * measures the state z_k that enters the block and adds u_k to the state that leaves it: {@code z_{k+1} = phi_k(z_k) +
 * u_k}. Other hook points measure and add elsewhere.
 *
 * <p>A {@link Rollout} interprets the table in double precision. A language model interprets the same table on its
 * device. Each factory method names its formula and source.
 */
public final class Controller implements Arm {
    private static final Controller NONE = new Controller("none", LawTable.EMPTY, null, null);

    private final String name;
    private final LawTable laws;
    private final Setpoint setpoint; // null where it has none
    private final String plant; // null where any will do

    private Controller(String name, LawTable laws, Setpoint setpoint, String plant) {
        this.name = name;
        this.laws = laws;
        this.setpoint = setpoint;
        this.plant = plant;
    }

    /** Returns {@link #of(String, HookPoint, Map, Setpoint)} at {@link HookPoint#RESID_PRE}. */
    public static Controller of(String name, Map<Integer, ? extends ControlLaw> laws, Setpoint setpoint) {
        return of(name, HookPoint.RESID_PRE, laws, setpoint);
    }

    /**
     * Returns a controller with at most one law a block, all at one hook point.
     *
     * @param name shown in tables and charts
     * @param point where the laws measure and add
     * @param laws by block; a block without a law gets no input.
     * @param setpoint the setpoint that the laws drive to, or null.
     * @throws IllegalArgumentException if a block is negative, two laws read different widths, or a law remembers a
     *     measurement that no earlier block makes
     */
    public static Controller of(
            String name, HookPoint point, Map<Integer, ? extends ControlLaw> laws, Setpoint setpoint) {
        var lists = new TreeMap<Integer, List<ControlLaw>>();
        laws.forEach((k, law) -> lists.put(k, List.of(law)));
        return ofHookPoints(name, Map.of(point, lists), setpoint);
    }

    /**
     * Returns a controller with laws at several hook points and any number of laws for each block. The inputs of one
     * block and hook point add up.
     *
     * @param laws by hook point and block
     * @throws IllegalArgumentException as {@link #of(String, HookPoint, Map, Setpoint)}
     */
    public static Controller ofHookPoints(
            String name, Map<HookPoint, ? extends Map<Integer, List<ControlLaw>>> laws, Setpoint setpoint) {
        return new Controller(
                name,
                LawTable.of(laws),
                setpoint,
                setpoint == null ? null : setpoint.plant().orElse(null));
    }

    /** Returns the controller without laws: it adds nothing. */
    public static Controller none() {
        return NONE;
    }

    /**
     * Adds the same vector behind one block, whatever the state: {@code u_k = lambda mu_{k+1} v_{k+1}}, and 0 at all
     * other blocks. The direction is that of the state that leaves block k, to which the input is added. With features
     * from a contrast set this is both ActAdd and CAA, since mu_{k+1} v_{k+1} is the difference of the two sides' means
     * there. Usual blocks are T/2 to 2T/3.
     *
     * <p>Source: ActAdd, Turner et al., arXiv 2308.10248; CAA, Rimsky et al., arXiv 2312.06681.
     *
     * @throws IllegalArgumentException if the setpoint has no such block
     */
    public static Controller actAdd(Setpoint setpoint, int block) {
        Check.block(block, setpoint.horizon() - 1);
        return of(
                "ActAdd " + strength(setpoint) + " at block " + block,
                Map.of(block, ControlLaw.constant(setpoint.shift(block + 1))),
                setpoint);
    }

    /**
     * Adds equal shares at every block from {@code from} on, whatever the state: {@code u_k = lambda mu_{k+1} v_{k+1} /
     * (T - from)}, k = from..T-1. All shares together have the strength that {@link #actAdd} has at one block.
     *
     * @throws IllegalArgumentException if the setpoint has no such block
     */
    public static Controller spreadActAdd(Setpoint setpoint, int from) {
        Check.block(from, setpoint.horizon() - 1);
        var share = setpoint.withStrength(setpoint.lambda() / (setpoint.horizon() - from));
        return everywhere(
                "spread ActAdd " + strength(setpoint) + " from block " + from,
                from,
                setpoint.horizon(),
                setpoint,
                k -> ControlLaw.constant(share.shift(k + 1)));
    }

    /**
     * A-LQR: {@code u_k = alpha_k K_k v_k}. This is the regulator's law {@code -K_k (z_k - z')}. The state z' = z_k +
     * alpha_k v_k is the closest one with the target strength, see {@link Setpoint#closest}. Only the vectors K_k v_k
     * are kept. Source: the paper, Theorem 4.1 and section 4.
     *
     * <p>One solution serves several concepts: {@code Controller.lqr(solution, ocean).plus(Controller.lqr(solution,
     * joy))}.
     *
     * @throws IllegalArgumentException if gains and setpoint have different horizons or widths, or were measured on
     *     different plants
     */
    public static Controller lqr(LqrSolution solution, Setpoint setpoint) {
        return lqr(solution.feedback(setpoint), setpoint);
    }

    /**
     * A-LQR from the vectors w_k = K_k v_k alone, where the gains do not fit in memory; see {@link Lqr#feedback} and
     * {@link MatrixFreeLqr}. The setpoint must have the directions that the vectors were computed for; its strength may
     * be another.
     *
     * @throws IllegalArgumentException if vectors and setpoint have different horizons or widths, or were measured on
     *     different plants
     */
    public static Controller lqr(FeedbackVectors vectors, Setpoint setpoint) {
        Check.length("the vectors K_k v_k", vectors.horizon(), setpoint.horizon());
        Check.length("a vector K_k v_k", vectors.dimension(), setpoint.dimension());
        var controller = everywhere(
                "A-LQR " + strength(setpoint),
                0,
                setpoint.horizon(),
                setpoint,
                k -> ControlLaw.along(setpoint.direction(k), setpoint.target(k), vectors.vector(k)));
        return measured(vectors.plant(), controller);
    }

    /**
     * The regulator about a nominal trajectory: {@code u_k = -K_k (z_k - nominal_k)}. It acts on the whole state, so
     * each law holds the d x d gain K_k. Source: {@link Lqr}.
     *
     * @param nominal z_0..z_{T-1}, or more states
     * @throws IllegalArgumentException if there are fewer states than blocks
     */
    public static Controller tracking(LqrSolution solution, double[][] nominal) {
        Check.that(
                nominal.length >= solution.horizon(),
                "%d nominal states, wanted one for each of %d blocks",
                nominal.length,
                solution.horizon());
        var identity = CommonOps_DDRM.identity(solution.dimension());
        return measured(
                solution.system().plant(),
                everywhere(
                        "LQR about a trajectory",
                        0,
                        solution.horizon(),
                        null,
                        k -> new LinearFeedback(identity, nominal[k], solution.gain(k))));
    }

    /**
     * Proportional feedback at one block, without a model: {@code u_k = gain (alpha_k / mu_k) mu_{k+1} v_{k+1}}. The
     * error is measured on the state that enters, in gaps, and made good on the state that leaves. Where the feature is
     * absent from the state that enters, mu_k = 0, the input is 0. With gain 1 this is {@link #actAdd} with a measured
     * shift instead of an assumed one. Source: the paper's ActAdd with a linear feature setpoint.
     *
     * @throws IllegalArgumentException if the setpoint has no such block
     */
    public static Controller proportional(Setpoint setpoint, double gain, int block) {
        Check.block(block, setpoint.horizon() - 1);
        return of(
                "P " + gain + ", " + strength(setpoint) + " at block " + block,
                Map.of(block, ErrorFeedback.proportional(setpoint, gain, block)),
                setpoint);
    }

    /**
     * {@link #proportional} feedback with the same gain at every block from {@code from} on. With the gain 1 / (T -
     * from) it is the closed-loop counterpart of {@link #spreadActAdd}.
     *
     * @throws IllegalArgumentException if the setpoint has no such block
     */
    public static Controller proportionalFrom(Setpoint setpoint, double gain, int from) {
        Check.block(from, setpoint.horizon() - 1);
        return everywhere(
                "P " + gain + ", " + strength(setpoint) + " from block " + from,
                from,
                setpoint.horizon(),
                setpoint,
                k -> ErrorFeedback.proportional(setpoint, gain, k));
    }

    /**
     * PID feedback over the blocks: with e_k = (alpha_k / mu_k) mu_{k+1} v_{k+1}, the error of {@link #proportional},
     *
     * <pre>u_k = kp e_k + ki (e_s + ... + e_k) + kd (e_k - e_{k-1}),</pre>
     *
     * <p>The sum restarts every {@code reset} blocks, s = k - k mod reset. Block 0 has no difference. Source: S-PID, a
     * baseline of the paper, which resets every 10 blocks.
     *
     * @throws IllegalArgumentException if {@code reset} is not positive
     */
    public static Controller pid(Setpoint setpoint, double kp, double ki, double kd, int reset) {
        Check.that(reset > 0, "the sum restarts every %d blocks, wanted at least 1", reset);
        return everywhere(
                "PID " + kp + " " + ki + " " + kd + ", " + strength(setpoint),
                0,
                setpoint.horizon(),
                setpoint,
                ErrorFeedback.pid(setpoint, kp, ki, kd, reset)::get);
    }

    @Override
    public String name() {
        return name;
    }

    /** Returns the laws of block k at a hook point. Their inputs add up. */
    public List<ControlLaw> laws(HookPoint point, int k) {
        return laws.at(point, k);
    }

    /** Returns the blocks that have a law at a hook point, in order. */
    public Set<Integer> blocks(HookPoint point) {
        return laws.blocks(point);
    }

    /** Returns the setpoint; of a sum, the setpoint of the first summand that has one. */
    public Optional<Setpoint> setpoint() {
        return Optional.ofNullable(setpoint);
    }

    /**
     * Returns u_k for the state z that enters block k, d numbers: the sum over the laws at {@link HookPoint#RESID_PRE},
     * 0 if there are none.
     *
     * @throws IllegalArgumentException if a law remembers earlier blocks and so needs their states too
     */
    public double[] input(int k, double[] z) {
        return input(HookPoint.RESID_PRE, k, z, new MeasurementMemory());
    }

    /** Returns u_k for the states z_0..z_k, or more, of a run. */
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

    /** Returns the input of block k at a hook point, for the state or head outputs there. */
    double[] input(HookPoint point, int k, double[] z, MeasurementMemory memory) {
        double[] u = new double[z.length];
        for (var law : laws(point, k)) {
            Check.length("the state", z.length, law.dimension());
            u = Vectors.plus(u, 1, law.on(Arithmetic.heap()).of(Vectors.row(z), memory).data);
        }
        return u;
    }

    /**
     * Returns the controller that adds the inputs of both, for instance to steer towards two concepts at once.
     *
     * @throws IllegalArgumentException if the two act on states of different widths or were measured on different
     *     plants
     */
    public Controller plus(Controller other) {
        if (laws.isEmpty()) {
            return other;
        }
        if (other.laws.isEmpty()) {
            return this;
        }
        var sum = laws.plus(other.laws);
        Check.that(
                sum.hasOneWidth(),
                "controllers '%s' and '%s' act on states of different widths, wanted the same",
                name,
                other.name);
        return new Controller(
                name + " + " + other.name,
                sum,
                setpoint == null ? other.setpoint : setpoint,
                samePlant(plant, other.plant));
    }

    /**
     * Returns the controller whose inputs are {@code factor} times as large. Measurements and targets stay the same.
     *
     * @throws IllegalArgumentException if the factor is not finite
     */
    public Controller times(double factor) {
        Check.that(Double.isFinite(factor), "the factor is %s, wanted a finite number", factor);
        var scaled = laws.each((point, k, law) -> law.times(factor));
        return new Controller(factor + " x " + name, scaled, setpoint, plant);
    }

    /**
     * Returns this controller behind a gate: it acts where the strength of a feature, measured at the same hook point,
     * lies within bounds. With a centred setpoint {@code onlyWhen(harm, 0.5, infinity)} steers only states more than
     * half way towards the texts with harm. Source: {@link GatedLaw}.
     *
     * @param feature the feature that decides: laws at RESID_PRE look at v_k, laws at RESID_POST at v_{k+1}.
     * @param low least strength at which this controller acts, in gaps.
     * @param high largest strength at which this controller acts, in gaps; may be infinite
     * @throws IllegalArgumentException if this controller acts on attention heads, where no strength is known, or
     *     steers a block where the feature is absent, so that no strength decides
     */
    public Controller onlyWhen(Setpoint feature, double low, double high) {
        requireFits(feature.horizon(), feature.dimension());
        boolean always = low == Double.NEGATIVE_INFINITY && high == Double.POSITIVE_INFINITY;
        var gated = laws.each((point, k, law) -> {
            int at = point == HookPoint.RESID_PRE ? k : k + 1;
            boolean idle = law.feedback().filter(LinearFeedback::addsNothing).isPresent();
            // strength and bounds are all 0 where the feature is absent: such a gate would never close
            Check.that(
                    always || idle || feature.gap(at) > 0,
                    "controller '%s' steers block %d, and the feature of its gate is absent from z_%d: steer from block"
                            + " %d on",
                    name,
                    k,
                    at,
                    k + 1);
            return law.where(feature.direction(at), feature.ofGaps(at, low), feature.ofGaps(at, high));
        });
        return new Controller(
                name + " when " + low + " to " + high,
                gated,
                setpoint,
                samePlant(plant, feature.plant().orElse(null)));
    }

    /**
     * Returns the open-loop plan of this controller along a run: each law's input there, as a constant. Laws at
     * RESID_PRE see z_k, and laws at RESID_POST the block's output before any input, {@code z_{k+1} - u_k}. Along its
     * own run, the plan plays that run again, and differs by feedback alone where the plant is disturbed. Along the run
     * of the uncontrolled plant, no input knows of those before it.
     *
     * @throws IllegalArgumentException if the run does not fit, or this controller acts on attention heads, whose
     *     outputs the states do not contain
     */
    public Controller frozenAt(Rollout run) {
        Check.that(
                blocks(HookPoint.HEAD_OUT).isEmpty(),
                "controller '%s' acts on attention heads, whose outputs the states do not contain: it cannot be frozen",
                name);
        requireFits(run.horizon(), run.dimension());
        var plan = new TreeMap<Integer, ControlLaw>();
        var memory = new MeasurementMemory();
        var blocks = new TreeSet<>(blocks(HookPoint.RESID_PRE));
        blocks.addAll(blocks(HookPoint.RESID_POST));
        for (int k : blocks) {
            double[] output = Vectors.minus(run.states()[k + 1], run.inputs()[k]);
            plan.put(
                    k,
                    ControlLaw.constant(Vectors.plus(
                            input(HookPoint.RESID_PRE, k, run.states()[k], memory),
                            1,
                            input(HookPoint.RESID_POST, k, output, memory))));
        }
        return measured(plant(), of(name + ", frozen", plan, setpoint));
    }

    /**
     * Returns the closed loop of a linear system under this controller: {@code A_k - W_k C_k}, and A_k at blocks
     * without a law.
     *
     * @throws IllegalArgumentException if this controller does not fit the system, or is not linear feedback of the
     *     present state alone
     */
    public LinearSystem closedLoop(LinearSystem system) {
        requireFits(system.horizon(), system.dimension());
        Check.that(
                laws.isStateFeedback(),
                "controller '%s' is gated, remembers earlier blocks, or reads a block's output;"
                        + " wanted linear feedback of the present state",
                name);
        return system.transformed(
                k -> laws(HookPoint.RESID_PRE, k).stream()
                        .map(law -> law.feedback().orElseThrow())
                        .map(law -> system.algebra()
                                .multiply(law.W(), law.measurement().directions()))
                        .reduce(system.jacobian(k), (a, wc) -> CommonOps_DDRM.subtract(a, wc, null)), // A - W C
                system + " under " + name);
    }

    /** Returns the same controller with another name. */
    public Controller named(String name) {
        return new Controller(name, laws, setpoint, plant);
    }

    /**
     * Returns the same controller, marked as measured on a plant. Every other plant refuses it, even one of the same
     * shape. A controller made from a setpoint or a linear system already has their mark.
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

    /** Returns the mark of the plant that this was measured on; empty if any plant of its shape will do. */
    public Optional<String> plant() {
        return Optional.ofNullable(plant);
    }

    /** Returns the controller with a plant's mark, if the plant has one. */
    static Controller measured(Optional<String> plant, Controller controller) {
        return plant.map(controller::measuredOn).orElse(controller);
    }

    private static String samePlant(String one, String other) {
        Check.that(
                one == null || other == null || one.equals(other),
                "measured on %s and on %s, wanted one plant: measure both on the same model",
                one,
                other);
        return one == null ? other : one;
    }

    /** Checks {@link #requireFits(int, int, int)} for a plant without attention heads. */
    public void requireFits(int horizon, int dimension) {
        Check.that(
                blocks(HookPoint.HEAD_OUT).isEmpty(),
                "controller '%s' acts on attention heads, which this plant does not have",
                name);
        requireFits(horizon, dimension, 0);
    }

    /**
     * Refuses a plant of another shape.
     *
     * @param horizon T of the plant.
     * @param dimension d of the plant.
     * @param heads number of heads times head size, the width of {@link HookPoint#HEAD_OUT}.
     * @throws IllegalArgumentException if a law belongs to a block that the plant lacks, or to states of another width
     */
    public void requireFits(int horizon, int dimension, int heads) {
        laws.requireFits(name, horizon, dimension, heads);
    }

    private static Controller everywhere(
            String name, int from, int horizon, Setpoint setpoint, IntFunction<ControlLaw> law) {
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = from; k < horizon; k++) {
            laws.put(k, law.apply(k));
        }
        return of(name, laws, setpoint);
    }

    private static String strength(Setpoint setpoint) {
        return setpoint.lambda() + " mu_k";
    }

    @Override
    public String toString() {
        var blocks = laws.blocks();
        return "Controller[" + name
                + (laws.isEmpty()
                        ? "]"
                        : ", blocks " + blocks.getMin() + ".." + blocks.getMax()
                                + (blocks(HookPoint.HEAD_OUT).isEmpty() ? "]" : ", on heads]"));
    }
}
