package rudder.compare;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import rudder.theory.Check;
import rudder.theory.Statistics;

/**
 * A mean and its 95 % confidence interval.
 *
 * @param mean of the sample
 * @param low lower end; NaN if the sample is too small to say
 * @param high upper end; NaN if the sample is too small to say
 */
public record ConfidenceInterval(double mean, double low, double high) {

    private static final int DIGITS = 3;
    private static final int RESAMPLES = 4000;
    private static final double Z = 1.959963984540054; // 97.5th percentile of the normal distribution
    private static final long SEED = 20260419;

    /**
     * Returns the percentile bootstrap of a mean. Draws the sample 4,000 times with replacement; the interval runs from
     * the 2.5th to the 97.5th percentile of the means. The random draws depend on the sample's size alone. So every
     * call gives the same answer, and samples over the same prompts are resampled alike. With fewer than ten values the
     * interval is too narrow; with one value there is none.
     *
     * <p>Source: Efron and Tibshirani, <i>An Introduction to the Bootstrap</i>, chapter 13.
     *
     * @param values the sample; NaN, an undefined value, is left out
     */
    public static ConfidenceInterval bootstrap(double... values) {
        double[] sample = defined(values);
        if (sample.length < 2) {
            return new ConfidenceInterval(average(sample), Double.NaN, Double.NaN);
        }
        return bootstrap(
                sample.length,
                drawn -> Arrays.stream(drawn).mapToDouble(j -> sample[j]).sum() / sample.length);
    }

    /**
     * Returns the mean of {@link #bootstrap(double...)}, to the last bit, without its draws.
     *
     * @param values the sample; NaN is left out. The mean of no value is NaN
     */
    public static double average(double... values) {
        double[] sample = defined(values);
        return Arrays.stream(sample).sum() / sample.length;
    }

    private static double[] defined(double[] values) {
        return Arrays.stream(values).filter(x -> !Double.isNaN(x)).toArray();
    }

    /**
     * Returns the percentile bootstrap of any statistic of a sample.
     *
     * @param size of the sample, at least 2
     * @param statistic of the values at these indices, which may repeat
     */
    static ConfidenceInterval bootstrap(int size, ToDoubleFunction<int[]> statistic) {
        var random = new SplittableRandom(SEED);
        double[] found = new double[RESAMPLES];
        Arrays.setAll(
                found, i -> statistic.applyAsDouble(random.ints(size, 0, size).toArray()));
        return new ConfidenceInterval(
                statistic.applyAsDouble(IntStream.range(0, size).toArray()),
                Statistics.quantile(found, 0.025),
                Statistics.quantile(found, 0.975));
    }

    /**
     * Returns the bootstrap interval of the mean difference a_i - b_i. For paired samples this interval is much
     * narrower than the two single intervals suggest.
     *
     * @throws IllegalArgumentException if the samples have different sizes
     */
    public static ConfidenceInterval ofDifference(double[] a, double[] b) {
        if (a.length != b.length) {
            throw new IllegalArgumentException("samples of " + a.length + " and " + b.length + " values, wanted pairs");
        }
        var differences = new double[a.length];
        Arrays.setAll(differences, i -> a[i] - b[i]);
        return bootstrap(differences);
    }

    /**
     * Returns Wilson's interval of a rate, which also holds where the bootstrap fails: at rates near 0 and 1 and for
     * few trials. With z = 1.96:
     *
     * <pre>centre = (p + z^2 / 2n) / (1 + z^2 / n)
     * half width = z sqrt(p (1 - p) / n + z^2 / 4 n^2) / (1 + z^2 / n)</pre>
     *
     * <p>Source: Wilson, JASA 22 (1927).
     *
     * @throws IllegalArgumentException unless 0 &lt;= successes &lt;= trials and there is a trial
     */
    public static ConfidenceInterval wilson(int successes, int trials) {
        if (trials < 1 || successes < 0 || successes > trials) {
            throw new IllegalArgumentException(successes + " successes of " + trials
                    + " trials, wanted at least one trial and 0 to as many successes");
        }
        double p = (double) successes / trials;
        double z2 = Z * Z / trials; // z^2 / n
        double centre = (p + z2 / 2) / (1 + z2);
        double half = Math.sqrt(p * (1 - p) * z2 + z2 * z2 / 4) / (1 + z2);
        return new ConfidenceInterval(p, successes == 0 ? 0 : centre - half, successes == trials ? 1 : centre + half);
    }

    /** Applies an increasing function to the mean and both ends. */
    ConfidenceInterval map(DoubleUnaryOperator increasing) {
        return new ConfidenceInterval(
                increasing.applyAsDouble(mean), increasing.applyAsDouble(low), increasing.applyAsDouble(high));
    }

    /** Returns whether the whole interval lies below the other one: no number is in both. */
    public boolean isBelow(ConfidenceInterval other) {
        return high < other.low;
    }

    /**
     * Returns the intervals of some things for a forest plot, by row and within a row by series.
     *
     * @throws IllegalArgumentException if two things have the same row and series
     */
    public static <T> Map<String, Map<String, ConfidenceInterval>> rows(
            List<T> things,
            Function<T, String> row,
            Function<T, String> series,
            Function<T, ConfidenceInterval> interval) {
        var rows = new LinkedHashMap<String, Map<String, ConfidenceInterval>>();
        for (T thing : things) {
            var before = rows.computeIfAbsent(row.apply(thing), name -> new LinkedHashMap<>())
                    .put(series.apply(thing), interval.apply(thing));
            Check.that(
                    before == null,
                    "two intervals have the row %s and the series %s: choose by only(..), or name them apart",
                    row.apply(thing),
                    series.apply(thing));
        }
        return rows;
    }

    /**
     * Returns text such as {@code 0.8 [0.74, 0.86]}, with three digits of the larger end. If the values are all equal,
     * or there is only one, this is the mean alone.
     */
    @Override
    public String toString() {
        int decimals = decimals(high > low ? Math.max(Math.abs(low), Math.abs(high)) : Math.abs(mean));
        return text(mean, decimals)
                + (high > low ? " [" + text(low, decimals) + ", " + text(high, decimals) + "]" : "");
    }

    /** Number of decimals that show a number of this size to three digits; 0 for large numbers. */
    private static int decimals(double size) {
        return size > 0 && Double.isFinite(size) ? Math.max(0, DIGITS - 1 - (int) Math.floor(Math.log10(size))) : 0;
    }

    private static String text(double x, int decimals) {
        if (!Double.isFinite(x)) {
            return Double.isNaN(x) ? "\u2013" : Double.toString(x);
        }
        return new BigDecimal(x)
                .setScale(decimals, RoundingMode.HALF_UP)
                .stripTrailingZeros()
                .toPlainString();
    }
}
