package rudder.experiment.statistics;

import java.util.Arrays;
import java.util.stream.IntStream;
import rudder.theory.Check;

/**
 * How steering changed a score, row by row.
 *
 * @param mean of the change, steered less unsteered
 * @param variance of the change over rows; NaN for a single row
 * @param fallen anti-steerability: the share of rows whose score fell. Source: Tan et al., arXiv 2407.12404
 */
public record Effect(double mean, double variance, double fallen) {

    /**
     * Returns the effect on rows.
     *
     * @param steered scores under a controller
     * @param unsteered scores of the same rows without one
     * @throws IllegalArgumentException if there is no row, or the numbers of rows differ
     */
    public static Effect of(double[] steered, double[] unsteered) {
        Check.length("the unsteered scores", unsteered.length, steered.length);
        Check.that(steered.length > 0, "no rows, wanted at least one");
        double[] change = IntStream.range(0, steered.length)
                .mapToDouble(i -> steered[i] - unsteered[i])
                .toArray();
        double mean = Arrays.stream(change).average().orElseThrow();
        double squares = Arrays.stream(change).map(x -> (x - mean) * (x - mean)).sum();
        double fallen = Arrays.stream(change).filter(x -> x < 0).count() / (double) change.length;
        return new Effect(mean, change.length > 1 ? squares / (change.length - 1) : Double.NaN, fallen);
    }
}
