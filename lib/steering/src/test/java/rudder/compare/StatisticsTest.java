package rudder.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import rudder.model.Completion;
import rudder.model.Positions;

class StatisticsTest {

    /**
     * 300 samples of 40 skewed values (exponential, mean 1): a 95 % interval should hold the mean in 91 % to 97 % of
     * them.
     */
    @Test
    void bootstrapIntervalsHoldTheMeanAsOftenAsTheySay() {
        var random = new Random(5);
        int held = 0;
        for (int trial = 0; trial < 300; trial++) {
            double[] sample = random.doubles(40).map(u -> -Math.log(1 - u)).toArray();
            var interval = ConfidenceInterval.bootstrap(sample);
            held += interval.low() <= 1 && 1 <= interval.high() ? 1 : 0;
        }
        assertTrue(held >= 270 && held <= 294, held + " of 300");
    }

    /** For many normal values the percentile bootstrap is mean -+ 1.96 s / sqrt(n). */
    @Test
    void bootstrapOfManyNormalValuesIsTheTextbookInterval() {
        double[] sample = new Random(6).doubles(200).map(u -> u < 0.5 ? -1 : 1).toArray();
        double mean = Arrays.stream(sample).average().orElseThrow();
        double halfWidth = 1.96 * Math.sqrt((1 - mean * mean) / sample.length);
        var interval = ConfidenceInterval.bootstrap(sample);
        assertEquals(mean, interval.mean(), 1e-12);
        assertEquals(mean - halfWidth, interval.low(), 0.1 * halfWidth);
        assertEquals(mean + halfWidth, interval.high(), 0.1 * halfWidth);
    }

    /** Each end is the rate that a z-test of the sample rejects only just: |p - end| = z sqrt(end (1 - end) / n). */
    @Test
    void wilsonsEndsAreTheRatesJustRejected() {
        for (int[] sample : new int[][] {{3, 10}, {1, 4}, {61, 109}, {1, 1000}}) {
            var interval = ConfidenceInterval.wilson(sample[0], sample[1]);
            for (double end : new double[] {interval.low(), interval.high()}) {
                assertEquals(1.959964 * Math.sqrt(end * (1 - end) / sample[1]), Math.abs(interval.mean() - end), 1e-6);
            }
        }
        assertEquals("1 [0.72, 1]", ConfidenceInterval.wilson(10, 10).toString());
        assertEquals(0, ConfidenceInterval.wilson(0, 5).low());
        assertThrows(IllegalArgumentException.class, () -> ConfidenceInterval.wilson(3, 2));
    }

    @Test
    void pairsThatDifferByAConstantHaveACertainDifferenceHoweverTheySpread() {
        double[] a = new Random(7).doubles(20, 0, 100).toArray();
        double[] b = Arrays.stream(a).map(x -> x - 3).toArray();
        var difference = ConfidenceInterval.ofDifference(a, b);
        assertEquals(3, difference.low(), 1e-12);
        assertEquals(3, difference.high(), 1e-12);
        assertTrue(ConfidenceInterval.bootstrap(a).high()
                        - ConfidenceInterval.bootstrap(a).low()
                > 10);
    }

    @Test
    void whatIsNotDefinedIsLeftOutAndOneValueHasNoInterval() {
        assertEquals(ConfidenceInterval.bootstrap(1, 2, 4), ConfidenceInterval.bootstrap(1, Double.NaN, 2, 4));
        assertEquals("5", ConfidenceInterval.bootstrap(5).toString());
        assertEquals("\u2013", ConfidenceInterval.bootstrap().toString());
        assertEquals("7", ConfidenceInterval.bootstrap(7, 7, 7).toString());
        assertEquals("0.5 [0.25, 0.75]", new ConfidenceInterval(0.5, 0.25, 0.75).toString());
        assertEquals("0.11 [0.001, 0.23]", new ConfidenceInterval(0.1101, 0.000954, 0.23).toString());
        assertEquals("0.98 [0.95, 1]", new ConfidenceInterval(0.976, 0.951, 1).toString());
        assertEquals("3 [0, 2001]", new ConfidenceInterval(3.1, -0.2, 2001.2).toString());
        assertEquals("0.0000012 [-0.000001, 0.000002]", new ConfidenceInterval(1.2e-6, -1e-6, 2e-6).toString());
    }

    @Test
    void anAverageIsTheMeanOfItsIntervalToTheLastBit() {
        var random = new Random(8);
        for (int n = 0; n < 40; n++) {
            double[] sample = random.doubles(n)
                    .map(u -> u < 0.1 ? Double.NaN : Math.exp(20 * u))
                    .toArray();
            for (boolean ratio : new boolean[] {false, true}) {
                var metric = new Metric("score", completions -> sample, ratio);
                assertEquals(metric.mean(sample).mean(), metric.average(sample), n + " values");
            }
            assertEquals(ConfidenceInterval.bootstrap(sample).mean(), ConfidenceInterval.average(sample));
        }
        double[] unbounded = {1, Double.POSITIVE_INFINITY};
        assertEquals(ConfidenceInterval.bootstrap(unbounded).mean(), ConfidenceInterval.average(unbounded));
    }

    @Test
    void scoresComparedByRatiosHaveGeometricMeans() {
        var perplexity = new Metric("perplexity", completions -> new double[completions.size()], true);
        assertEquals(10, perplexity.mean(new double[] {1, 100}).mean(), 1e-12);
        var change = perplexity.change(new double[] {2, 20, 200}, new double[] {1, 10, 100});
        assertEquals(2, change.mean(), 1e-12);
        assertEquals(2, change.high(), 1e-12);
    }

    @Test
    void distinctCountsDifferentRunsOfWords() {
        assertEquals(List.of("it's", "the", "sea", "2", "seas"), Metric.words("It's the sea\u2014\"2 seas\"!"));
        assertEquals(0.75, Metric.distinct(List.of("a", "b", "a", "c"), 1));
        assertEquals(1, Metric.distinct(List.of("a", "b", "a", "c"), 2));
        assertEquals(0.5, Metric.distinct(List.of("a", "b", "a", "b", "a"), 2));
        assertTrue(Double.isNaN(Metric.distinct(List.of("a"), 2)));
        var completion = new Completion(
                "p",
                " sea sea",
                new int[] {1},
                new int[] {1, 1},
                false,
                "none",
                Positions.ALL,
                new double[0][],
                new double[2][3]);
        assertEquals(0.5, Metric.distinct(1).all().apply(List.of(completion))[0]);
        assertEquals(0, Metric.energy().all().apply(List.of(completion))[0]);
    }

    @Test
    void anIntervalIsBelowAnotherIfTheyShareNoNumber() {
        var low = new ConfidenceInterval(1, 0, 2);
        assertTrue(low.isBelow(new ConfidenceInterval(4, 2.1, 5)));
        assertFalse(low.isBelow(new ConfidenceInterval(4, 2, 5)));
        assertFalse(new ConfidenceInterval(4, 2.1, 5).isBelow(low));
    }
}
