package rudder.theory;

import java.util.Arrays;
import java.util.Optional;

/**
 * The targets of a feature at every block. At the entry of block k the strength {@code beta_k = v_k.z_k} should become
 * the target {@code beta*_k = offset_k + lambda mu_k}.
 *
 * <p>With every offset 0 the setpoint is <i>absolute</i>, as in the paper. With {@code offset_k = v_k.mean(D-)} it is
 * <i>centred</i>: lambda = 0 is the mean without the feature, lambda = 1 the mean with it. A centred setpoint does not
 * depend on the origin of the state space.
 *
 * <p>A feature can be absent from a state, for instance from z_0 of texts that all end in the same token. Then v_k,
 * mu_k and offset_k are 0. The error is 0 too, and controllers add nothing there.
 *
 * <p>Source: the paper's linear feature setpoint and its Theorem 4.1 ({@link #closest}); the centred target is
 * Rudder's.
 */
public final class Setpoint {
    /** Directions computed in single precision have norm 1 to about 1e-7. */
    private static final double UNIT = 1e-6;

    private final double[][] directions;
    private final double[] gaps;
    private final double[] offsets;
    private final double lambda;
    private final String label;
    private final String plant; // null where it is not known

    private Setpoint(
            double[][] directions, double[] gaps, double[] offsets, double lambda, String label, String plant) {
        this.directions = directions;
        this.gaps = gaps;
        this.offsets = offsets;
        this.lambda = lambda;
        this.label = label;
        this.plant = plant;
    }

    /**
     * Returns a setpoint for the states z_0..z_T. Where the feature is absent, direction, gap and offset are 0.
     *
     * @param directions v_k, [T+1][d], each of norm 1 to within 1e-6.
     * @param gaps mu_k, [T+1], positive, in units of the state.
     * @param offsets the targets at lambda = 0, [T+1], in units of the state.
     * @param lambda the wanted strength, in gaps; may be negative.
     * @param label a remark for toString, such as "last token"; may be empty
     * @throws IllegalArgumentException naming the block where a length, a norm or a number is wrong
     */
    public static Setpoint of(double[][] directions, double[] gaps, double[] offsets, double lambda, String label) {
        Check.that(directions.length > 1, "%d directions, wanted T+1 of them, at least 2", directions.length);
        Check.length("gaps", gaps.length, directions.length);
        Check.length("offsets", offsets.length, directions.length);
        Check.that(Double.isFinite(lambda), "lambda is %s, wanted a finite number", lambda);
        Check.finite("offsets", offsets);
        for (int k = 0; k < directions.length; k++) {
            Check.length("the direction of block " + k, directions[k].length, directions[0].length);
            double norm = Vectors.norm(directions[k]);
            if (gaps[k] == 0) {
                Check.that(
                        norm == 0 && offsets[k] == 0,
                        "the gap of block %d is 0, its direction has norm %s and its offset is %s, wanted 0 for both:"
                                + " a feature that is absent from a block has no direction there",
                        k,
                        norm,
                        offsets[k]);
                continue;
            }
            Check.that(
                    Math.abs(norm - 1) <= UNIT,
                    "the direction of block %d has norm %s, wanted 1: divide it by its norm",
                    k,
                    norm);
            Check.that(
                    gaps[k] > 0 && Double.isFinite(gaps[k]),
                    "the gap of block %d is %s, wanted a finite gap >= 0",
                    k,
                    gaps[k]);
        }
        return new Setpoint(Vectors.copy(directions), gaps.clone(), offsets.clone(), lambda, label, null);
    }

    /** Returns {@link #of} with every offset 0: {@code beta*_k = lambda mu_k}. */
    public static Setpoint absolute(double[][] directions, double[] gaps, double lambda) {
        return of(directions, gaps, new double[gaps.length], lambda, "");
    }

    /**
     * Returns a setpoint with the same direction and target at every state of a plant of {@code horizon} blocks. The
     * gaps are 1 and {@code lambda = target}.
     */
    public static Setpoint constant(int horizon, double[] direction, double target) {
        var directions = new double[horizon + 1][];
        var gaps = new double[horizon + 1];
        Arrays.fill(directions, direction);
        Arrays.fill(gaps, 1);
        return absolute(directions, gaps, target);
    }

    /** Returns the same setpoint with another strength lambda, in gaps. */
    public Setpoint withStrength(double lambda) {
        Check.that(Double.isFinite(lambda), "lambda is %s, wanted a finite number", lambda);
        return new Setpoint(directions, gaps, offsets, lambda, label, plant);
    }

    /**
     * Returns the same setpoint, marked as measured on a plant. Controllers made from this setpoint keep the mark, and
     * every other plant refuses them.
     *
     * @param plant what identifies the plant, such as the sha256 of a model's weights
     */
    public Setpoint measuredOn(String plant) {
        return new Setpoint(directions, gaps, offsets, lambda, label, plant);
    }

    /** Returns the same setpoint without its mark: any plant of the same shape accepts it. */
    public Setpoint forAnyPlant() {
        return measuredOn(null);
    }

    /** Returns the mark of the plant that this was measured on; empty if none was given. */
    public Optional<String> plant() {
        return Optional.ofNullable(plant);
    }

    /** Returns T; directions and targets belong to the states z_0..z_T. */
    public int horizon() {
        return directions.length - 1;
    }

    /** Returns d. */
    public int dimension() {
        return directions[0].length;
    }

    /** Returns the wanted strength lambda, in gaps. */
    public double lambda() {
        return lambda;
    }

    /** Returns the remark of toString; may be empty. */
    public String label() {
        return label;
    }

    /** Returns v_k, d numbers, norm 1 (0 where the feature is absent), k = 0..T. */
    public double[] direction(int k) {
        return v(k).clone();
    }

    /** Returns mu_k, k = 0..T. */
    public double gap(int k) {
        Check.block(k, horizon());
        return gaps[k];
    }

    /** Returns offset_k, the target at lambda = 0, k = 0..T. */
    public double offset(int k) {
        Check.block(k, horizon());
        return offsets[k];
    }

    /** Returns beta*_k = offset_k + lambda mu_k, k = 0..T. */
    public double target(int k) {
        return ofGaps(k, lambda);
    }

    /**
     * Returns lambda mu_k v_k, d numbers. {@link rudder.theory.control.Controller#actAdd} at block k adds the shift of
     * k + 1.
     */
    public double[] shift(int k) {
        return Vectors.times(lambda * gap(k), v(k));
    }

    /** Returns beta_k = v_k.z. */
    public double strength(int k, double[] z) {
        Check.length("the state", z.length, dimension());
        return Vectors.dot(v(k), z);
    }

    /**
     * Converts a strength to gaps, the units of lambda: {@code (beta_k - offset_k) / mu_k}. For a centred setpoint 0 is
     * the mean without the feature and 1 the mean with it. Returns NaN where the feature is absent.
     */
    public double inGaps(int k, double strength) {
        return gap(k) == 0 ? Double.NaN : (strength - offsets[k]) / gap(k);
    }

    /**
     * Converts gaps to a strength in units of the state, {@code offset_k + gaps mu_k}; inverse of {@link #inGaps}.
     * Infinities stay what they are, also where the feature is absent: they are bounds that nothing passes.
     */
    public double ofGaps(int k, double gaps) {
        return Double.isInfinite(gaps) ? gaps : gap(k) * gaps + offsets[k];
    }

    /** Returns the error alpha_k = beta*_k - v_k.z. */
    public double error(int k, double[] z) {
        return target(k) - strength(k, z);
    }

    /**
     * Returns {@code z + alpha_k v_k}, the state closest to z among all states of strength beta*_k. Source: the paper's
     * Theorem 4.1.
     */
    public double[] closest(int k, double[] z) {
        return Vectors.plus(z, error(k, z), v(k));
    }

    /**
     * Refuses a plant or system of another shape.
     *
     * @throws IllegalArgumentException if its horizon or its width is not the setpoint's
     */
    public void requireFits(int horizon, int dimension) {
        Check.length("the setpoint's horizon", horizon(), horizon);
        Check.length("the setpoint's direction", dimension(), dimension);
    }

    private double[] v(int k) {
        Check.block(k, horizon());
        return directions[k];
    }

    @Override
    public String toString() {
        boolean absolute = Arrays.stream(offsets).allMatch(offset -> offset == 0);
        return "Setpoint[" + lambda + " mu_k " + (absolute ? "absolute" : "centred") + ", blocks 0.." + horizon()
                + (label.isEmpty() ? "]" : ", " + label + "]");
    }
}
