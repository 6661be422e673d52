package rudder.experiment.statistics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.junit.jupiter.api.Test;

class StatisticsTest {

    /** What statistics.py wrote. */
    private record Goldens(HolmCase[] holm, Tests tests) {}

    private record HolmCase(double[] p, double[] adjusted) {}

    private record Tests(
            double[][] y,
            double[] components,
            double mean,
            double standardError,
            double low,
            double high,
            double p,
            double margin,
            double equivalence,
            double difference,
            double power,
            double detectable) {}

    private static Goldens goldens() throws IOException {
        try (var in = StatisticsTest.class.getResourceAsStream("statistics.json")) {
            return new Gson().fromJson(new InputStreamReader(in, StandardCharsets.UTF_8), Goldens.class);
        }
    }

    @Test
    void holmsCorrectionIsThatOfStatsmodels() throws IOException {
        for (var one : goldens().holm) {
            assertArrayEquals(one.adjusted, Holm.adjusted(one.p), 1e-15);
        }
        assertArrayEquals(new double[0], Holm.adjusted());
        // tests of the family that are still to come count as if their p were 1
        double[] all = {0.01, 0.04, 0.03, 0.005, 1, 1, 1};
        assertArrayEquals(
                Arrays.copyOf(Holm.adjusted(all), 4), Holm.within(all.length, 0.01, 0.04, 0.03, 0.005), 1e-15);
        assertRefused(() -> Holm.within(1, 0.1, 0.2), "2 tests", "family's 1");
        assertRefused(() -> Holm.adjusted(0.5, 1.2), "1.2", "0..1");
    }

    /**
     * The components are exact. The tests are those of normal data, which these are, but for the residuals' own
     * quantiles.
     */
    @Test
    void onNormalDataTheBootstrapIsTheTextbooksTest() throws IOException {
        var golden = goldens().tests;
        var found = TwoWay.of(golden.y);
        var parts = found.components();
        assertArrayEquals(golden.components, new double[] {parts.concepts(), parts.rows(), parts.rest()}, 1e-12);
        assertEquals(golden.mean, found.mean(), 1e-12);
        assertEquals(golden.standardError, found.standardError(), 1e-12);
        double se = golden.standardError;
        assertEquals(golden.low, found.interval().low(), 0.03 * se);
        assertEquals(golden.high, found.interval().high(), 0.03 * se);
        assertEquals(golden.p, found.p(), 0.005);
        assertEquals(golden.equivalence, found.equivalence(golden.margin), 5e-4);
        assertEquals(golden.power, found.power(golden.difference), 0.01);
        assertEquals(golden.detectable, found.detectable(), 0.03 * se);
        assertEquals(0.8, found.power(found.detectable()), 0.01);
    }

    /** Effects of concepts and rows beside much noise, as scores have. */
    @Test
    void intervalsHoldTheTruthIn95PercentOfDesignsOf24ConceptsAnd60Rows() {
        assertCovers(24, 60, 0, random -> normal(random, 24, 60, 0.15, 0.1, 1));
    }

    /** Verdicts of 0 and 1 of two arms that differ in a concept's own way. The truth is 0 by symmetry. */
    @Test
    void intervalsOfVerdictsHoldTheTruthIn95PercentOfDesignsOf12ConceptsAnd20Rows() {
        assertCovers(12, 20, 0, random -> {
            var y = new double[12][20];
            for (var concept : y) {
                double base = -0.5 + 0.5 * random.nextGaussian();
                double apart = 0.25 * random.nextGaussian();
                for (int r = 0; r < concept.length; r++) {
                    double prompt = random.nextGaussian();
                    boolean a = base + apart + 0.7 * prompt + 0.7 * random.nextGaussian() > 0;
                    boolean b = base - apart + 0.7 * prompt + 0.7 * random.nextGaussian() > 0;
                    concept[r] = (a ? 1 : 0) - (b ? 1 : 0);
                }
            }
            return y;
        });
    }

    /** Components are often estimated as 0 here, and then the resamples' t is less spread than a normal variable. */
    @Test
    void intervalsOfDesignsWithSmallComponentsHoldTheTruth() {
        assertCovers(12, 60, 0, random -> normal(random, 12, 60, 0.05, 0.05, 1));
    }

    @Test
    void anIntervalIsNeverNarrowerThanThatOfIndependentCells() {
        var random = new Random(5);
        for (int i = 0; i < 20; i++) {
            var found = TwoWay.of(normal(random, 12, 30, 0, 0, 1), 199);
            double half = found.interval().high() - found.mean();
            assertTrue(half >= 1.9599 * Math.sqrt(found.components().rest() / (12 * 30)), found.toString());
            double t = Math.abs(found.mean() / found.standardError());
            assertTrue(found.p() >= 2 * new NormalDistribution().cumulativeProbability(-t) - 1e-12, found.toString());
        }
    }

    /** Values of scipy.stats.linregress and Student's t. */
    @Test
    void theDifferenceAtOneDoseIsTheInterceptOfALine() {
        double[] ratios = {0.9, 1.3, 0.8, 1.25, 1.5, 1.05};
        var found = AtOneDose.of(new double[] {0.05, 0.11, -0.02, 0.08, 0.14, 0.03}, ratios);
        assertEquals(0.04189977045613426, found.mean(), 1e-12);
        assertEquals(0.014288968568947003, found.low(), 1e-9); // the accuracy of the quantile
        assertEquals(0.06951057234332152, found.high(), 1e-9);
        double[] line = Arrays.stream(ratios).map(r -> 0.04 + 0.2 * Math.log(r)).toArray();
        assertEquals(0.04, AtOneDose.of(line, ratios).low(), 1e-9);
        assertTrue(
                Double.isNaN(AtOneDose.of(new double[3], new double[] {1, 2, 3}).mean()));
        assertTrue(
                Double.isNaN(AtOneDose.of(line, new double[] {2, 2, 2, 2, 2, 2}).mean()), "one ratio");
        assertRefused(() -> AtOneDose.of(new double[4], new double[] {1, 2, 0, 1}), "0.0", "above 0");
    }

    private static void assertCovers(int concepts, int rows, double truth, Function<Random, double[][]> design) {
        long held = IntStream.range(0, 1000)
                .parallel()
                .filter(seed -> {
                    var y = design.apply(new Random(1000 + seed));
                    var interval = TwoWay.of(y, 199).interval();
                    return interval.low() <= truth && truth <= interval.high();
                })
                .count();
        System.out.println(concepts + " x " + rows + ": " + held + " of 1000 intervals hold the truth");
        assertTrue(held >= 930 && held <= 970, held + " of 1000");
    }

    private static double[][] normal(Random random, int C, int R, double sa, double sb, double se) {
        double[] b = IntStream.range(0, R)
                .mapToDouble(r -> sb * random.nextGaussian())
                .toArray();
        var y = new double[C][R];
        for (var concept : y) {
            double a = sa * random.nextGaussian();
            for (int r = 0; r < R; r++) {
                concept[r] = a + b[r] + se * random.nextGaussian();
            }
        }
        return y;
    }

    @Test
    void anIntervalDependsOnTheDataAlone() {
        var y = normal(new Random(3), 5, 7, 1, 1, 1);
        assertEquals(TwoWay.of(y).interval(), TwoWay.of(y).interval());
        var other = new double[5][7];
        assertEquals(TwoWay.of(y).interval(), TwoWay.ofDifferences(y, other).interval());
    }

    @Test
    void armsThatDoTheSameAreEquivalentAndArmsAlwaysApartAreNot() {
        var same = TwoWay.of(new double[4][6]);
        assertEquals(1, same.p());
        assertEquals("0", same.interval().toString());
        assertEquals(0.5 / 100_000, same.equivalence(0.02), 1e-12);
        var y = new double[4][6];
        for (var row : y) {
            Arrays.fill(row, 0.5);
        }
        var apart = TwoWay.of(y);
        assertEquals(1.0 / 100_000, apart.p(), 1e-12);
        assertTrue(apart.equivalence(0.02) > 0.99);
    }

    @Test
    void aTableWithHolesIsRefusedByItsCell() {
        assertRefused(() -> TwoWay.of(new double[][] {{1, 2}}), "1 concepts and 2 rows");
        assertRefused(() -> TwoWay.of(new double[][] {{1, 2}, {1}}), "concept 1 has 1 rows");
        assertRefused(() -> TwoWay.of(new double[][] {{1, 2}, {1, Double.NaN}}), "concept 1, row 1", "NaN");
        assertRefused(() -> TwoWay.ofDifferences(new double[3][2], new double[2][2]), "3 concepts", "2");
        assertRefused(() -> TwoWay.of(new double[2][2]).equivalence(0), "margin of 0.0");
    }

    /** Values of scipy.stats.ttest_rel and ttest_1samp. */
    @Test
    void pairedDifferencesAreTestedByStudentsT() {
        double[] a = {0.3, 0.5, 0.1, 0.9, 0.4, 0.6, 0.2};
        double[] b = {0.2, 0.1, 0.15, 0.5, 0.45, 0.2, 0.1};
        var found = Paired.ofDifferences(a, b);
        assertEquals(0.18571428571428572, found.mean(), 1e-15);
        assertEquals(-0.008125465807780202, found.interval().low(), 1e-9);
        assertEquals(0.3795540372363516, found.interval().high(), 1e-9);
        assertEquals(0.057501573924344025, found.p(), 1e-12);
        assertEquals(0.017669893159515452, found.equivalence(0.4), 1e-12);
        assertEquals(0.2655878611525632, found.detectable(), 1e-9);
        assertTrue(found.equivalence(0.1) > 0.5, "the mean is beyond the margin");
        assertEquals(1, Paired.ofDifferences(a, a).p());
        assertEquals(0, Paired.ofDifferences(a, a).equivalence(0.02));
        assertRefused(() -> Paired.ofDifferences(a, new double[2]), "7", "2", "pairs");
        assertRefused(() -> Paired.ofDifferences(new double[1], new double[1]), "1 pairs");
        assertRefused(
                () -> Paired.ofDifferences(new double[] {1, Double.NaN}, new double[2]), "pair 1", "NaN", "finite");
    }

    /** Where all pairs agree an interval of two made-up pairs is left; else rates are nearly those of the sample. */
    @Test
    void noIntervalOfRatesCollapses() {
        var none = Paired.ofRates(new double[80], new double[80]);
        assertEquals(0, none.mean());
        assertTrue(none.interval().high() > 0.02 && none.interval().high() < 0.06, none.toString());
        double[] ones = new double[98];
        Arrays.fill(ones, 1);
        assertEquals(0.98, Paired.ofRates(ones, new double[98]).mean(), 1e-15);
    }

    @Test
    void differencesThatAreTestedTogetherAreCorrectedTogether() {
        var all =
                Map.of("a", new Paired(0.1, 0.02, 100), "b", new Paired(0.001, 0.002, 100), "c", new Paired(-1, 1, 9));
        var tests = DifferenceTests.of(List.of("a", "b", "c"), all::get, 0.02);
        double[] p = {all.get("a").p(), all.get("b").p(), all.get("c").p()};
        assertArrayEquals(Holm.adjusted(p), new double[] {tests.p("a"), tests.p("b"), tests.p("c")}, 1e-15);
        assertEquals(Verdict.CLOSED_LOOP_BETTER, tests.verdict("a"));
        assertEquals(Verdict.EQUIVALENT, tests.verdict("b"));
        assertEquals(Verdict.NOT_RESOLVED, tests.verdict("c"));
        assertEquals(1, tests.count(Verdict.EQUIVALENT));
        var less = tests.lessIsBetter(name -> name.equals("a"));
        assertEquals(Verdict.OPEN_LOOP_BETTER, less.verdict("a"));
        assertEquals(
                Verdict.NOT_RESOLVED,
                DifferenceTests.of(List.of("b"), all::get, 0).verdict("b"));
        assertEquals(Map.of("s", all.get("c").interval()), tests.rows("s").get("c"));
        assertRefused(() -> tests.rows(name -> "row", name -> "s"), "two intervals", "row", "series s");
        assertEquals(
                List.of(
                        "closed loop less open loop",
                        "difference",
                        "p, Holm",
                        "p of equivalence, Holm",
                        "verdict",
                        "least difference found with power 0.8, uncorrected"),
                tests.pairs().columnNames());
        assertEquals(
                List.of("closed loop better", "equivalent within 0.02", "not resolved"),
                tests.pairs().stringColumn("verdict").asList());
        assertEquals(
                List.of("arm", "difference", "p, Holm", "least difference found with power 0.8, uncorrected"),
                DifferenceTests.of(List.of("a"), all::get, 0).table("arm").columnNames());
        assertRefused(() -> tests.p("d"), "'d'", "[a, b, c]");
        assertRefused(() -> DifferenceTests.of(List.of("a"), all::get, -1), "-1");
    }

    @Test
    void aVerdictIsOneOfFour() {
        assertEquals("closed loop better", Verdict.of(0.1, 0.01, 0.9).in(0.02));
        assertEquals("open loop better", Verdict.of(-0.1, 0.01, 0.9).in(0.02));
        assertEquals("equivalent within 0.02", Verdict.of(0.001, 0.7, 0.01).in(0.02));
        assertEquals("equivalent within 0.02", Verdict.of(0.005, 0.01, 0.01).in(0.02));
        assertEquals("not resolved", Verdict.of(0.03, 0.06, 0.4).in(0.02));
    }

    @Test
    void anEffectCountsTheRowsThatFell() {
        var effect = Effect.of(new double[] {1, 0, 1, 0}, new double[] {0, 1, 0, 0});
        assertEquals(new Effect(0.25, 2.75 / 3, 0.25), effect);
        assertTrue(Double.isNaN(Effect.of(new double[] {1}, new double[] {0}).variance()));
        assertRefused(() -> Effect.of(new double[2], new double[1]), "unsteered");
    }
}
