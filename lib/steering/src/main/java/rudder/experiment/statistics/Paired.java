package rudder.experiment.statistics;

import java.util.Arrays;
import org.apache.commons.math3.distribution.TDistribution;
import rudder.compare.ConfidenceInterval;
import rudder.theory.Check;

/**
 * The mean of paired differences over one sample, such as prompts, by Student's t with n - 1 degrees of freedom:
 *
 * <pre>t = mean(d) / (s / sqrt(n)),   s^2 = sum_i (d_i - mean(d))^2 / (n - 1).</pre>
 *
 * @param mean of the differences
 * @param standardError s / sqrt(n)
 * @param size n
 */
public record Paired(double mean, double standardError, int size) implements Difference {

    public Paired {
        Check.that(size > 1, "%d pairs, wanted two or more", size);
    }

    /**
     * Returns the differences a_i - b_i of two arms.
     *
     * @throws IllegalArgumentException if the samples differ in size, have fewer than two values, or hold a number that
     *     is not finite
     */
    public static Paired ofDifferences(double[] a, double[] b) {
        return of(differences(a, b));
    }

    /**
     * Returns the difference of two rates: a and b are 0 or 1. Two made-up pairs, one each way, join the sample, so
     * that no interval collapses where all pairs agree. Source: Bonett and Price, Journal of Educational and Behavioral
     * Statistics 37 (2012).
     *
     * @throws IllegalArgumentException as {@link #ofDifferences}
     */
    public static Paired ofRates(double[] a, double[] b) {
        double[] d = differences(a, b);
        double[] more = Arrays.copyOf(d, d.length + 2);
        more[d.length] = 1;
        more[d.length + 1] = -1;
        return of(more);
    }

    private static double[] differences(double[] a, double[] b) {
        Check.that(a.length == b.length, "samples of %d and %d values, wanted pairs", a.length, b.length);
        var d = new double[a.length];
        for (int i = 0; i < d.length; i++) {
            d[i] = a[i] - b[i];
            Check.that(Double.isFinite(d[i]), "pair %d: found %s and %s, wanted finite numbers", i, a[i], b[i]);
        }
        return d;
    }

    private static Paired of(double... d) {
        double mean = Arrays.stream(d).average().orElse(0);
        double squares = Arrays.stream(d).map(x -> (x - mean) * (x - mean)).sum();
        return new Paired(mean, Math.sqrt(squares / (d.length - 1) / d.length), d.length);
    }

    @Override
    public ConfidenceInterval interval() {
        double half = quantile((1 + TwoWay.LEVEL) / 2) * standardError;
        return new ConfidenceInterval(mean, mean - half, mean + half);
    }

    @Override
    public double p() {
        return 2 * above(Math.abs(mean));
    }

    @Override
    public double equivalence(double margin) {
        Check.that(margin > 0, "a margin of %s, wanted one above 0", margin);
        return above(margin - Math.abs(mean));
    }

    /** {@inheritDoc} {@code (q + q') s / sqrt(n)} with the quantiles of t at 0.975 and 0.8. */
    @Override
    public double detectable() {
        return (quantile((1 + TwoWay.LEVEL) / 2) + quantile(TwoWay.POWER)) * standardError;
    }

    /** The probability that t exceeds so large a difference; for a sample without spread 0, or 1/2 at 0. */
    private double above(double difference) {
        if (difference == 0) {
            return 0.5;
        }
        double t = difference / standardError;
        return Double.isInfinite(t) ? (t > 0 ? 0 : 1) : t().cumulativeProbability(-t);
    }

    private double quantile(double p) {
        return t().inverseCumulativeProbability(p);
    }

    private TDistribution t() {
        return new TDistribution(size - 1);
    }
}
