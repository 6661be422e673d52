package rudder.theory;

import java.util.Arrays;

/** Order statistics and the least-squares line, with the rules stated so that results can be compared. */
public final class Statistics {
    private Statistics() {}

    /**
     * Returns the middle value of a sample, or the mean (a + b) / 2 of the two middle values.
     *
     * @throws IllegalArgumentException if the sample is empty
     */
    public static double median(double... values) {
        double[] sorted = sorted(values);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /**
     * Returns the p-quantile of a sample, interpolated linearly between neighbours. Let {@code x_0 <= .. <= x_{n-1}} be
     * sorted and i the integer part of h = p (n - 1). The result is {@code x_i + (h - i) (x_{i+1} - x_i)}. Source: type
     * 7 of Hyndman and Fan, "Sample quantiles in statistical packages", 1996.
     *
     * @param p from 0, the smallest value, to 1, the largest
     * @throws IllegalArgumentException if the sample is empty or p is outside 0..1
     */
    public static double quantile(double[] values, double p) {
        Check.that(p >= 0 && p <= 1, "quantile %s, wanted 0..1", p);
        double[] sorted = sorted(values);
        double at = p * (sorted.length - 1);
        int below = (int) at;
        return below == sorted.length - 1
                ? sorted[below]
                : sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
    }

    private static double[] sorted(double[] values) {
        Check.that(values.length > 0, "no values, wanted at least one");
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted;
    }

    /**
     * A line {@code y = intercept + slope x}.
     *
     * @param slope change of y for a unit of x
     * @param intercept y at x = 0
     */
    public record Line(double slope, double intercept) {}

    /**
     * Returns the line that minimises {@code sum_i (y_i - intercept - slope x_i)^2}:
     *
     * <pre>slope = sum_i (x_i - mean x)(y_i - mean y) / sum_i (x_i - mean x)^2,   intercept = mean y - slope mean x.
     * </pre>
     *
     * <p>If x does not vary, every slope fits as well and {@code flat} is returned as the slope.
     *
     * @param flat slope for an x that does not vary
     * @throws IllegalArgumentException if there is no point, or x and y have different lengths
     */
    public static Line leastSquares(double[] x, double[] y, double flat) {
        Check.that(x.length > 0, "no points to fit a line to, wanted at least one");
        Check.length("y", y.length, x.length);
        double meanX = Arrays.stream(x).average().orElseThrow();
        double meanY = Arrays.stream(y).average().orElseThrow();
        double variance = 0;
        double covariance = 0;
        for (int i = 0; i < x.length; i++) {
            variance += (x[i] - meanX) * (x[i] - meanX);
            covariance += (x[i] - meanX) * (y[i] - meanY);
        }
        double slope = variance > 0 ? covariance / variance : flat;
        return new Line(slope, meanY - slope * meanX);
    }
}
