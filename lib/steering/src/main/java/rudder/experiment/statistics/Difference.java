package rudder.experiment.statistics;

import rudder.compare.ConfidenceInterval;

/** A mean difference and its tests: {@link Paired} over one sample, {@link TwoWay} over two. */
public interface Difference {

    /** Returns the mean difference. */
    double mean();

    /** Returns its 95 % interval. */
    ConfidenceInterval interval();

    /** Returns the two-sided p of no difference. */
    double p();

    /**
     * Returns the p of two one-sided tests of equivalence: the larger p of "the mean is -margin or less" and "the mean
     * is margin or more". At p of 0.05 or less the 90 % interval lies within the margin. Source: Schuirmann, Journal of
     * Pharmacokinetics and Biopharmaceutics 15 (1987).
     *
     * @param margin largest difference that does not matter
     * @throws IllegalArgumentException if the margin is not positive
     */
    double equivalence(double margin);

    /** Returns the least true difference that the test at level 0.05, uncorrected, finds with a power of 0.8. */
    double detectable();
}
