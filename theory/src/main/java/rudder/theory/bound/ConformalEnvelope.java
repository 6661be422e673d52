package rudder.theory.bound;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;
import rudder.theory.Check;
import rudder.theory.Vectors;

/**
 * A distribution-free envelope of errors, from n calibration runs. The errors of a new run, exchangeable with the
 * calibration runs, stay below it with probability at least 1 - delta. Nothing is assumed about the plant. The envelope
 * is the r-th smallest calibration error, {@code r = ceil((n + 1)(1 - delta))}: the new error is equally likely to take
 * each of the n + 1 ranks.
 *
 * <p>Source: split conformal prediction, Vovk, Gammerman and Shafer, <i>Algorithmic Learning in a Random World</i>; Lei
 * et al., JASA 113 (2018).
 */
public final class ConformalEnvelope {
    private final double[] envelope;
    private final int rank;
    private final int runs;
    private final double delta;
    private final boolean simultaneous;

    private ConformalEnvelope(double[] envelope, int rank, int runs, double delta, boolean simultaneous) {
        this.envelope = envelope;
        this.rank = rank;
        this.runs = runs;
        this.delta = delta;
        this.simultaneous = simultaneous;
    }

    /**
     * Returns the envelope of each block by itself. At any one block the new error is below it with probability at
     * least 1 - delta.
     *
     * @param errors one row of T+1 errors for each calibration run.
     * @param delta share of new runs that may exceed the envelope at a block, between 0 and 1.
     * @throws IllegalArgumentException if there are too few runs for delta, or rows of different lengths
     */
    public static ConformalEnvelope perBlock(double[][] errors, double delta) {
        int rank = rank(errors, delta);
        var envelope = IntStream.range(0, errors[0].length)
                .mapToDouble(k -> Arrays.stream(errors)
                        .mapToDouble(run -> run[k])
                        .sorted()
                        .toArray()[rank - 1])
                .toArray();
        return new ConformalEnvelope(envelope, rank, errors.length, delta, false);
    }

    /**
     * Returns the envelope of all blocks at once. With probability at least 1 - delta the new run is below it at every
     * block. The envelope is a multiple of the scale; the calibrated number is a run's largest error in units of it.
     *
     * @param errors one row of T+1 errors for each calibration run.
     * @param scale the shape of the envelope, T+1 positive numbers. Choose it without the calibration runs, for
     *     instance as the median errors of other runs.
     * @param delta share of new runs that may exceed the envelope, between 0 and 1.
     * @throws IllegalArgumentException if there are too few runs for delta, rows of different lengths, or a scale that
     *     is not positive
     */
    public static ConformalEnvelope simultaneous(double[][] errors, double[] scale, double delta) {
        int rank = rank(errors, delta);
        Check.length("the scale", scale.length, errors[0].length);
        for (int k = 0; k < scale.length; k++) {
            Check.that(
                    scale[k] > 0 && Double.isFinite(scale[k]),
                    "the scale of block %d is %s, wanted a finite number > 0",
                    k,
                    scale[k]);
        }
        double[] worst = Arrays.stream(errors)
                .mapToDouble(run -> IntStream.range(0, scale.length)
                        .mapToDouble(k -> run[k] / scale[k])
                        .max()
                        .orElseThrow())
                .sorted()
                .toArray();
        return new ConformalEnvelope(Vectors.times(worst[rank - 1], scale), rank, errors.length, delta, true);
    }

    private static int rank(double[][] errors, double delta) {
        Check.that(delta > 0 && delta < 1, "delta is %s, wanted 0 < delta < 1", delta);
        int n = errors.length;
        int rank = (int) Math.ceil((n + 1) * (1 - delta) - 1e-9); // 1e-9 against rounding: (9 + 1)(1 - 0.1) is 9
        Check.that(rank <= n, "%d calibration runs for delta = %s, wanted at least %d", n, delta, (int)
                Math.ceil(1 / delta - 1 - 1e-9));
        for (int run = 0; run < n; run++) {
            Check.length("the errors of run " + run, errors[run].length, errors[0].length);
            Check.finite("the errors of run " + run, errors[run]);
        }
        return rank;
    }

    /** Returns the envelope, T+1 numbers. */
    public double[] envelope() {
        return envelope.clone();
    }

    /** Returns whether a run's errors stay below the envelope at every block. */
    public boolean covers(double[] errors) {
        Check.length("the errors", errors.length, envelope.length);
        return IntStream.range(0, envelope.length).allMatch(k -> errors[k] <= envelope[k]);
    }

    /** Returns the share of runs below the envelope at every block; about 1 - delta for a simultaneous envelope. */
    public double coverage(double[][] errors) {
        return Arrays.stream(errors).filter(this::covers).count() / (double) errors.length;
    }

    /** Returns the share of runs below the envelope at block k; about 1 - delta for a per-block envelope. */
    public double coverage(int k, double[][] errors) {
        Check.block(k, envelope.length - 1);
        return Arrays.stream(errors).filter(run -> run[k] <= envelope[k]).count() / (double) errors.length;
    }

    /**
     * The interval in which the coverage of m held-out runs lies with the given probability. Calibration and held-out
     * runs are both random, so the number of covered runs is beta-binomial: m draws with a probability that is itself
     * Beta(r, n + 1 - r).
     *
     * @param low lower end, a share of the m runs; at most half of the remaining probability lies below.
     * @param high upper end; at most half of the remaining probability lies above
     */
    public record Band(double low, double high) {
        /** Returns whether an observed coverage is inside. */
        public boolean contains(double coverage) {
            return low <= coverage && coverage <= high;
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "Band[%.3f, %.3f]", low, high);
        }
    }

    /** Returns the band of m held-out runs' coverage; exact for errors without ties. */
    public Band band(int m, double probability) {
        Check.that(
                m > 0 && probability > 0 && probability < 1,
                "a band of %d runs with probability %s, wanted m > 0 and 0 < p < 1",
                m,
                probability);
        double[] p = covered(m);
        double tail = (1 - probability) / 2;
        int low = 0;
        for (double below = p[0]; below <= tail; below += p[low]) {
            low++;
        }
        int high = m;
        for (double above = p[m]; above <= tail; above += p[high]) {
            high--;
        }
        return new Band((double) low / m, (double) high / m);
    }

    /**
     * Returns p_j = P(j of m covered), j = 0..m. They follow from {@code p_{j+1} / p_j = (m - j)(r + j) / ((j + 1)(m -
     * j + n - r))}. Logarithms avoid underflow.
     */
    double[] covered(int m) {
        var log = new double[m + 1];
        for (int j = 0; j < m; j++) {
            log[j + 1] = log[j] + Math.log((m - j) * (double) (rank + j) / ((j + 1) * (double) (m - j + runs - rank)));
        }
        double largest = Arrays.stream(log).max().orElseThrow();
        double[] p = Arrays.stream(log).map(value -> Math.exp(value - largest)).toArray();
        return Vectors.times(1 / Arrays.stream(p).sum(), p);
    }

    @Override
    public String toString() {
        return "ConformalEnvelope[" + (simultaneous ? "all blocks at once" : "each block") + " with probability "
                + (float) (1 - delta) + ", from " + runs + " runs, T=" + (envelope.length - 1) + "]";
    }
}
