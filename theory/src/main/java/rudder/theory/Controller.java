package rudder.theory;

import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.MatrixFeatures_DDRM;

/**
 * A controller is data: a {@link Law} for each block that has one. At block k it measures the state z_k that enters the block and adds
 * {@code u_k} to what leaves it, {@code z_{k+1} = phi_k(z_k) + u_k}. Whatever runs a plant, a {@link Rollout} or a language model
 * on a GPU, interprets the same data.
 */
public final class Controller {
    private static final Controller NONE = new Controller("none", new TreeMap<>(), null);

    private final String name;
    private final SortedMap<Integer, Law> laws;
    private final Setpoint setpoint;

    private Controller(String name, SortedMap<Integer, Law> laws, Setpoint setpoint) {
        this.name = name;
        this.laws = laws;
        this.setpoint = setpoint;
    }

    /**
     * A controller of the given laws.
     *
     * @param name what tables and charts call it
     * @param laws by block; a block that is missing gets no input
     * @param setpoint what it drives to, or null
     * @throws IllegalArgumentException if a block is negative, two laws have states of different widths, or a law remembers what no law measured
     */
    public static Controller of(String name, Map<Integer, Law> laws, Setpoint setpoint) {
        var sorted = new TreeMap<>(laws);
        sorted.forEach((k, law) -> {
            Check.that(k >= 0, "a law for block %d, wanted blocks 0, 1, 2, ...", k);
            Check.length("a state of the law of block " + k, law.dimension(), sorted.firstEntry().getValue().dimension());
            law.past().forEach((i, gain) -> Check.that(i < k && sorted.containsKey(i) && sorted.get(i).rank() == gain.numCols,
                    "the law of block %d answers %d errors of block %d, wanted an earlier block whose law measures as many", k, gain.numCols, i));
        });
        return new Controller(name, sorted, setpoint);
    }

    /** Adds nothing anywhere. */
    public static Controller none() {
        return NONE;
    }

    /**
     * Open-loop addition at every block: {@code u_k = lambda mu_k v_k}, whatever the state. Source: ActAdd (Turner et al., arXiv 2308.10248)
     * spread over the blocks.
     */
    public static Controller openLoop(Setpoint setpoint) {
        return everywhere("open loop " + strength(setpoint), setpoint.horizon(), setpoint, k -> Law.constant(setpoint.shift(k)));
    }

    /** Open-loop addition at one block: {@code u_k = lambda mu_k v_k} at k = block, 0 elsewhere; the usual choice is block T/2. */
    public static Controller openLoop(Setpoint setpoint, int block) {
        Check.block(block, setpoint.horizon() - 1);
        return of("open loop " + strength(setpoint) + " at block " + block, Map.of(block, Law.constant(setpoint.shift(block))), setpoint);
    }

    /**
     * A-LQR: {@code u_k = alpha_k K_k v_k}. The regulator's law {@code -K_k (z_k - z')} for the closest state z' = z_k + alpha_k v_k that has
     * the target strength; only the vectors K_k v_k are kept. Source: the paper, Theorem 4.1 and section 4.
     *
     * @throws IllegalArgumentException if gains and setpoint have different horizons or widths
     */
    public static Controller lqr(LqrSolution solution, Setpoint setpoint) {
        Check.length("the setpoint's horizon", setpoint.horizon(), solution.horizon());
        Check.length("the setpoint's direction", setpoint.dimension(), solution.dimension());
        return lqr(IntStream.range(0, solution.horizon()).mapToObj(k -> solution.feedback(k, setpoint.direction(k))).toArray(double[][]::new), setpoint);
    }

    /** A-LQR from the vectors w_k = K_k v_k alone, T of them, however computed; see {@link MatrixFreeLqr}. */
    public static Controller lqr(double[][] feedback, Setpoint setpoint) {
        Check.length("the vectors K_k v_k", feedback.length, setpoint.horizon());
        return everywhere("A-LQR " + strength(setpoint), setpoint.horizon(), setpoint,
                k -> Law.along(setpoint.direction(k), setpoint.target(k), feedback[k]));
    }

    /**
     * The regulator about a nominal trajectory: {@code u_k = -K_k (z_k - nominal_k)}, on the whole state, so W = K_k is d x d.
     *
     * @param nominal z_0..z_{T-1}, or more
     */
    public static Controller tracking(LqrSolution solution, double[][] nominal) {
        Check.that(nominal.length >= solution.horizon(), "%d nominal states, wanted one for each of %d blocks", nominal.length, solution.horizon());
        var identity = CommonOps_DDRM.identity(solution.dimension());
        return everywhere("LQR about a trajectory", solution.horizon(), null, k -> new Law(identity, nominal[k], solution.gain(k)));
    }

    /**
     * Proportional feedback without a model, {@code u_k = gain alpha_k v_k} at the given blocks, at all if none is given. Gain 1 at one block clamps the
     * feature: it is ActAdd with the shift measured instead of assumed.
     */
    public static Controller proportional(Setpoint setpoint, double gain, int... blocks) {
        var laws = new TreeMap<Integer, Law>();
        for (int k : blocks.length > 0 ? blocks : IntStream.range(0, setpoint.horizon()).toArray()) {
            Check.block(k, setpoint.horizon() - 1);
            double[] v = setpoint.direction(k);
            laws.put(k, Law.along(v, setpoint.target(k), Vectors.times(gain, v)));
        }
        return of("P " + gain + ", " + strength(setpoint), laws, setpoint);
    }

    /**
     * PID feedback over the blocks: with e_k = alpha_k v_k,
     *
     * <pre>u_k = kp e_k + ki (e_s + ... + e_k) + kd (e_k - e_{k-1}),</pre>
     *
     * <p>where the sum starts anew every {@code reset} blocks, s = k - k mod reset, and block 0 has no difference. Source: S-PID, one of the
     * paper's baselines, which resets every 10 blocks.
     */
    public static Controller pid(Setpoint setpoint, double kp, double ki, double kd, int reset) {
        Check.that(reset > 0, "the sum starts anew every %d blocks, wanted at least 1", reset);
        return everywhere("PID " + kp + " " + ki + " " + kd + ", " + strength(setpoint), setpoint.horizon(), setpoint, k -> {
            var past = new TreeMap<Integer, DMatrixRMaj>();
            for (int i = k - k % reset; i < k; i++) {
                past.put(i, Vectors.column(Vectors.times(ki, setpoint.direction(i))));
            }
            if (k > 0) {
                var last = past.computeIfAbsent(k - 1, i -> new DMatrixRMaj(setpoint.dimension(), 1));
                CommonOps_DDRM.addEquals(last, -kd, Vectors.column(setpoint.direction(k - 1)));
            }
            var law = Law.along(setpoint.direction(k), setpoint.target(k), Vectors.times(kp + ki + (k > 0 ? kd : 0), setpoint.direction(k)));
            return new Law(law.C(), law.b(), law.W(), past);
        });
    }

    /** What tables and charts call it. */
    public String name() {
        return name;
    }

    /** The law of block k, if that block has one. */
    public Optional<Law> law(int k) {
        return Optional.ofNullable(laws.get(k));
    }

    /** What it drives to; of a sum, the first summand's that has one. */
    public Optional<Setpoint> setpoint() {
        return Optional.ofNullable(setpoint);
    }

    /** Whether some block's input depends on the errors of earlier blocks. */
    public boolean remembers() {
        return laws.values().stream().anyMatch(law -> !law.past().isEmpty());
    }

    /**
     * u_k for the state z that enters block k: d numbers, zeros where block k has no law.
     *
     * @throws IllegalArgumentException if the law remembers: then it needs the earlier states too
     */
    public double[] input(int k, double[] z) {
        var law = laws.get(k);
        Check.that(law == null || law.past().isEmpty(), "block %d of controller '%s' remembers earlier blocks: give it all states so far", k, name);
        return law == null ? new double[z.length] : law.input(z);
    }

    /** u_k for the states z_0..z_k, or more, of a run. */
    public double[] input(int k, double[][] states) {
        Check.that(k < states.length, "%d states, none for block %d: wanted one for each block so far", states.length, k);
        var law = laws.get(k);
        if (law == null) {
            return new double[states[k].length];
        }
        double[] u = law.input(states[k]);
        for (var entry : new TreeMap<>(law.past()).entrySet()) {
            int i = entry.getKey();
            u = Vectors.plus(u, 1, Vectors.multiply(entry.getValue(), laws.get(i).error(states[i])));
        }
        return u;
    }

    /** Adds both inputs at every block. */
    public Controller plus(Controller other) {
        if (laws.isEmpty()) {
            return other;
        }
        if (other.laws.isEmpty()) {
            return this;
        }
        Check.that(dimension() == other.dimension(), "controllers '%s' and '%s' act on states of width %d and %d, wanted the same",
                name, other.name, dimension(), other.dimension());
        var sum = new TreeMap<>(laws);
        other.laws.forEach((k, law) -> sum.merge(k, law, Law::beside));
        sum.replaceAll((k, law) -> new Law(law.C(), law.b(), law.W(), past(k, other)));
        return of(name + " + " + other.name, sum, setpoint == null ? other.setpoint : setpoint);
    }

    /** What block k of the sum adds for each earlier block i's errors, which are this controller's followed by the other's. */
    private Map<Integer, DMatrixRMaj> past(int k, Controller other) {
        var past = new TreeMap<Integer, DMatrixRMaj>();
        for (int i = 0; i < k; i++) {
            var both = CommonOps_DDRM.concatColumnsMulti(gainOn(i, k), other.gainOn(i, k));
            if (!MatrixFeatures_DDRM.isZeros(both, 0)) {
                past.put(i, both);
            }
        }
        return past;
    }

    /** What block k adds for each unit of block i's errors: d x rank, zeros where it remembers nothing, none where none is measured. */
    private DMatrixRMaj gainOn(int i, int k) {
        var law = laws.get(k);
        var zeros = new DMatrixRMaj(dimension(), laws.containsKey(i) ? laws.get(i).rank() : 0);
        return law == null ? zeros : law.past().getOrDefault(i, zeros);
    }

    /**
     * The plan this controller would carry out along the given states: each law's input there, as a constant. Frozen at the states of the
     * uncontrolled plant, a controller is its own open-loop twin, and the difference between the two is what feedback does.
     *
     * @param states z_k by block, at least up to the last block with a law
     */
    public Controller frozenAt(double[][] states) {
        var plan = new TreeMap<Integer, Law>();
        laws.keySet().forEach(k -> plan.put(k, Law.constant(input(k, states))));
        return new Controller(name + ", frozen", plan, setpoint);
    }

    /** The same controller by another name. */
    public Controller named(String name) {
        return new Controller(name, laws, setpoint);
    }

    /**
     * Refuses a plant this controller was not made for.
     *
     * @throws IllegalArgumentException if a law belongs to a block the plant lacks, or to states of another width
     */
    public void requireFits(int horizon, int dimension) {
        laws.forEach((k, law) -> {
            Check.that(k < horizon, "controller '%s' has a law for block %d of a plant with blocks 0..%d", name, k, horizon - 1);
            Check.that(law.dimension() == dimension, "controller '%s' acts on states of width %d, the plant's have %d", name, law.dimension(), dimension);
        });
    }

    private int dimension() {
        return laws.get(laws.firstKey()).dimension();
    }

    private static Controller everywhere(String name, int horizon, Setpoint setpoint, IntFunction<Law> law) {
        var laws = new TreeMap<Integer, Law>();
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
        return "Controller[" + name + (laws.isEmpty() ? "]" : ", blocks " + laws.firstKey() + ".." + laws.lastKey() + "]");
    }
}
