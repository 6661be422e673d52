package rudder.experiment.judge;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import rudder.eval.Judge;
import rudder.steer.ContrastSet;
import rudder.theory.Check;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * How well a judge does on labelled texts.
 *
 * @param judge name
 * @param positive number of texts that show what is judged
 * @param negative number of texts that do not
 * @param auc probability that a positive text has the larger verdict than a negative one; equal verdicts count half
 * @param calibration mean distance between verdict and share of positive texts, over five bins of the verdict, weighted
 *     by their texts: 0 if a verdict of 0.7 is right in 70 %. Source: expected calibration error, Naeini et al., AAAI
 *     2015
 * @param bins from the lowest verdicts to the highest, without empty ones
 */
public record Validation(String judge, int positive, int negative, double auc, double calibration, List<Bin> bins) {

    private static final int BINS = 5;

    /**
     * Texts with similar verdicts.
     *
     * @param texts their number
     * @param verdict their mean verdict
     * @param positive the share that is positive
     */
    public record Bin(int texts, double verdict, double positive) {}

    /** Validates a judge of single texts on both sides of a contrast set. */
    public static Validation of(Judge judge, ContrastSet texts) {
        double[] positive = texts.positive().stream().mapToDouble(judge::of).toArray();
        double[] negative = texts.negative().stream().mapToDouble(judge::of).toArray();
        return of(judge.name(), positive, negative);
    }

    /**
     * Validates verdicts.
     *
     * @param positive verdicts on positive texts, 0 to 1
     * @param negative verdicts on negative texts
     * @throws IllegalArgumentException if a side is empty, or a verdict is not in 0..1
     */
    public static Validation of(String judge, double[] positive, double[] negative) {
        double[] all = IntStream.range(0, positive.length + negative.length)
                .mapToDouble(i -> i < positive.length ? positive[i] : negative[i - positive.length])
                .toArray();
        for (double verdict : all) {
            Check.that(verdict >= 0 && verdict <= 1, "%s: a verdict of %s, wanted 0..1", judge, verdict);
        }
        var bins = IntStream.range(0, BINS)
                .mapToObj(bin -> bin(bin, positive, all))
                .filter(bin -> bin.texts > 0)
                .toList();
        double off = bins.stream()
                .mapToDouble(bin -> bin.texts * Math.abs(bin.verdict - bin.positive))
                .sum();
        return new Validation(judge, positive.length, negative.length, auc(positive, negative), off / all.length, bins);
    }

    private static Bin bin(int bin, double[] positive, double[] all) {
        int[] inside = IntStream.range(0, all.length)
                .filter(i -> Math.min(BINS - 1, (int) (BINS * all[i])) == bin)
                .toArray();
        return new Bin(
                inside.length,
                Arrays.stream(inside).mapToDouble(i -> all[i]).average().orElse(Double.NaN),
                Arrays.stream(inside).filter(i -> i < positive.length).count() / (double) inside.length);
    }

    /**
     * Returns the area under the ROC curve by ranks. Source: Mann and Whitney, 1947.
     *
     * @throws IllegalArgumentException if a side is empty
     */
    static double auc(double[] positive, double[] negative) {
        Check.that(
                positive.length > 0 && negative.length > 0,
                "%d positive and %d negative texts, wanted some of both",
                positive.length,
                negative.length);
        double[] all = new double[positive.length + negative.length];
        System.arraycopy(positive, 0, all, 0, positive.length);
        System.arraycopy(negative, 0, all, positive.length, negative.length);
        double[] ranks = ranks(all);
        double sum = Arrays.stream(ranks, 0, positive.length).sum();
        return (sum - positive.length * (positive.length + 1) / 2.0) / ((double) positive.length * negative.length);
    }

    /** Ranks from 1; equal values share their mean rank. */
    private static double[] ranks(double[] values) {
        int[] order = IntStream.range(0, values.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> values[i]))
                .mapToInt(i -> i)
                .toArray();
        double[] ranks = new double[values.length];
        for (int first = 0, end; first < order.length; first = end) {
            end = first + 1;
            while (end < order.length && values[order[end]] == values[order[first]]) {
                end++;
            }
            for (int i = first; i < end; i++) {
                ranks[order[i]] = (first + 1 + end) / 2.0;
            }
        }
        return ranks;
    }

    /**
     * Returns the {@link #auc(double[], double[])} of the verdicts on texts whose label is above a threshold, against
     * those on the other texts.
     */
    static double auc(double[] verdicts, double[] labels, double threshold) {
        return auc(where(verdicts, i -> labels[i] > threshold), where(verdicts, i -> labels[i] <= threshold));
    }

    private static double[] where(double[] verdicts, IntPredicate chosen) {
        return IntStream.range(0, verdicts.length)
                .filter(chosen)
                .mapToDouble(i -> verdicts[i])
                .toArray();
    }

    /** Returns Spearman's rank correlation. */
    static double rankCorrelation(double[] first, double[] second) {
        double[] x = ranks(first);
        double[] y = ranks(second);
        double mean = (x.length + 1) / 2.0; // of ranks
        double xy = 0;
        double xx = 0;
        double yy = 0;
        for (int i = 0; i < x.length; i++) {
            xy += (x[i] - mean) * (y[i] - mean);
            xx += (x[i] - mean) * (x[i] - mean);
            yy += (y[i] - mean) * (y[i] - mean);
        }
        return xy / Math.sqrt(xx * yy);
    }

    /** Returns one row a judge. */
    public static Table table(List<Validation> validations) {
        return Table.create(
                "Judges on labelled texts",
                StringColumn.create("judge", validations.stream().map(Validation::judge)),
                IntColumn.create(
                        "positive",
                        validations.stream().mapToInt(Validation::positive).toArray()),
                IntColumn.create(
                        "negative",
                        validations.stream().mapToInt(Validation::negative).toArray()),
                DoubleColumn.create(
                        "AUC", validations.stream().mapToDouble(Validation::auc).toArray()),
                DoubleColumn.create(
                        "calibration error",
                        validations.stream()
                                .mapToDouble(Validation::calibration)
                                .toArray()),
                StringColumn.create(
                        "verdict: share positive (texts)",
                        validations.stream()
                                .map(one -> String.join(
                                        ", ",
                                        one.bins.stream()
                                                .map(bin -> String.format(
                                                        Locale.ROOT,
                                                        "%.2f: %.2f (%d)",
                                                        bin.verdict,
                                                        bin.positive,
                                                        bin.texts))
                                                .toList()))));
    }
}
