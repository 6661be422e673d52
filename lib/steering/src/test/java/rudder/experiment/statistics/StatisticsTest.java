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
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
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
        assertRefused(() -> Holm.adjusted(0.5, 1.2), "1.2", "0..1");
    }

    /**
     * The components are exact. The tests are those of normal data, which these are, within four standard errors of
     * 4,999 resamples: 0.025 for a p near 0.28, 0.001 for one near 0.002.
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
        assertEquals(golden.low, found.interval().low(), 0.15 * se);
        assertEquals(golden.high, found.interval().high(), 0.15 * se);
        assertEquals(golden.p, found.p(), 0.025);
        assertEquals(golden.equivalence, found.equivalence(golden.margin), 0.0025);
        assertEquals(golden.power, found.power(golden.difference), 0.04);
        assertEquals(golden.detectable, found.detectable(), 0.2 * se);
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
        assertEquals(0.5 / 5000, same.equivalence(0.02), 1e-12);
        var y = new double[4][6];
        for (var row : y) {
            Arrays.fill(row, 0.5);
        }
        var apart = TwoWay.of(y);
        assertEquals(1.0 / 5000, apart.p(), 1e-12);
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
