package rudder.experiment.statistics;

import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.stat.regression.SimpleRegression;
import rudder.compare.ConfidenceInterval;
import rudder.theory.Check;

/**
 * The difference of two arms where both have the same dose, read from concepts where they have not:
 *
 * <pre>d_c = mu + s log(dose of b / dose of a) + e_c,   mu the difference at a ratio of 1,</pre>
 *
 * by least squares over concepts c, with the interval of Student's t at C - 2 degrees of freedom. It was not planned
 * before the run. It assumes that a line holds, and where all ratios lie on one side of 1 it extrapolates.
 */
public final class AtOneDose {

    private static final int LEAST = 4; // concepts, for two degrees of freedom

    private AtOneDose() {}

    /**
     * Returns mu with its interval, of NaN if there are fewer than four concepts or all have one ratio.
     *
     * @param differences mean outcome of b less that of a, by concept
     * @param ratios dose of b over that of a, by concept, above 0
     * @throws IllegalArgumentException if the numbers of concepts differ or a ratio is not positive
     */
    public static ConfidenceInterval of(double[] differences, double[] ratios) {
        Check.length("ratios", ratios.length, differences.length);
        var line = new SimpleRegression();
        for (int c = 0; c < ratios.length; c++) {
            Check.that(ratios[c] > 0, "a ratio of doses of %s, wanted one above 0", ratios[c]);
            line.addData(Math.log(ratios[c]), differences[c]);
        }
        double half = ratios.length < LEAST
                ? Double.NaN
                : line.getInterceptStdErr()
                        * new TDistribution(ratios.length - 2).inverseCumulativeProbability((1 + TwoWay.LEVEL) / 2);
        double mu = Double.isNaN(half) ? Double.NaN : line.getIntercept();
        return new ConfidenceInterval(mu, mu - half, mu + half);
    }
}
