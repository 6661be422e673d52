package rudder.theory;

import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntFunction;

/**
 * A controller is data: a {@link Law} for each block that has one. At block k it measures the state z_k that enters the block and adds
 * {@code u_k = law(z_k)} to what leaves it, {@code z_{k+1} = phi_k(z_k) + u_k}. Whatever runs a plant, a {@link Rollout} or a language model
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
     * @throws IllegalArgumentException if a block is negative or two laws have states of different widths
     */
    public static Controller of(String name, Map<Integer, Law> laws, Setpoint setpoint) {
        var sorted = new TreeMap<>(laws);
        sorted.forEach((k, law) -> {
            Check.that(k >= 0, "a law for block %d, wanted blocks 0, 1, 2, ...", k);
            Check.length("a state of the law of block " + k, law.dimension(), sorted.firstEntry().getValue().dimension());
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
        return everywhere("open loop " + strength(setpoint), setpoint, k -> Law.constant(setpoint.shift(k)));
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
        return everywhere("A-LQR " + strength(setpoint), setpoint, k -> {
            double[] v = setpoint.direction(k);
            return Law.along(v, setpoint.target(k), solution.feedback(k, v));
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

    /** u_k for the state z that enters block k: d numbers, zeros where block k has no law. */
    public double[] input(int k, double[] z) {
        return law(k).map(law -> law.input(z)).orElseGet(() -> new double[z.length]);
    }

    /** Adds both inputs at every block. */
    public Controller plus(Controller other) {
        if (laws.isEmpty()) {
            return other;
        }
        if (other.laws.isEmpty()) {
            return this;
        }
        var sum = new TreeMap<>(laws);
        other.laws.forEach((k, law) -> sum.merge(k, law, Law::plus));
        return of(name + " + " + other.name, sum, setpoint == null ? other.setpoint : setpoint);
    }

    /**
     * The plan this controller would carry out along the given states: each law's input there, as a constant. Frozen at the states of the
     * uncontrolled plant, a controller is its own open-loop twin, and the difference between the two is what feedback does.
     *
     * @param states z_k by block, at least up to the last block with a law
     */
    public Controller frozenAt(double[][] states) {
        var plan = new TreeMap<Integer, Law>();
        laws.forEach((k, law) -> {
            Check.that(k < states.length, "%d states, none for the law of block %d: wanted one for each block with a law", states.length, k);
            plan.put(k, Law.constant(law.input(states[k])));
        });
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

    private static Controller everywhere(String name, Setpoint setpoint, IntFunction<Law> law) {
        var laws = new TreeMap<Integer, Law>();
        for (int k = 0; k < setpoint.horizon(); k++) {
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
