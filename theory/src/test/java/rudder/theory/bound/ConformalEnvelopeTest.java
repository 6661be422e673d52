package rudder.theory.bound;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.theory.Vectors;

class ConformalEnvelopeTest {
    /** Every interleaving of n calibration and m held-out errors is equally likely. */
    @Test
    void numberCoveredIsDistributedAsAllInterleavingsSay() {
        int n = 9;
        int m = 6;
        for (double delta : new double[] {0.1, 0.3}) {
            var counts = new double[m + 1];
            ConformalEnvelope envelope = null;
            for (int mask = 0; mask < 1 << (n + m); mask++) {
                if (Integer.bitCount(mask) == n) {
                    envelope = ConformalEnvelope.perBlock(errors(mask, n + m, 1), delta);
                    counts[(int) Math.round(m * envelope.coverage(0, errors(mask, n + m, 0)))]++;
                }
            }
            assertArrayEquals(
                    Vectors.times(1 / java.util.Arrays.stream(counts).sum(), counts), envelope.covered(m), 1e-12);
        }
    }

    @Test
    void coverageOfANewRunIsAtLeastOneLessDelta() {
        for (int n = 9; n < 60; n++) {
            double covered = ConformalEnvelope.perBlock(new double[n][1], 0.1).covered(1)[1];
            assertTrue(covered >= 0.9 - 1e-12 && covered <= 0.9 + 1.0 / (n + 1));
        }
    }

    @Test
    void simultaneousEnvelopeIsTheSmallestMultipleOfItsScaleThatCoversEnoughRuns() {
        double[][] errors = IntStream.rangeClosed(1, 9)
                .mapToObj(i -> new double[] {i, i % 3})
                .toArray(double[][]::new);
        var envelope = ConformalEnvelope.simultaneous(errors, new double[] {2, 1}, 0.5);
        assertArrayEquals(new double[] {5, 2.5}, envelope.envelope());
        assertEquals(5 / 9.0, envelope.coverage(errors), 1e-15);
        assertFalse(envelope.covers(new double[] {1, 3}));
    }

    @Test
    void bandLeavesAtMostHalfTheRestOnEitherSide() {
        var envelope = ConformalEnvelope.perBlock(new double[120][1], 0.1);
        var band = envelope.band(100, 0.95);
        double[] p = envelope.covered(100);
        assertTrue(IntStream.range(0, (int) Math.round(100 * band.low()))
                        .mapToDouble(j -> p[j])
                        .sum()
                <= 0.025);
        assertTrue(IntStream.rangeClosed((int) Math.round(100 * band.high()) + 1, 100)
                        .mapToDouble(j -> p[j])
                        .sum()
                <= 0.025);
        assertTrue(band.contains(0.9) && !band.contains(0.7));
    }

    @Test
    void aBandPrintsItselfAlikeInEveryCountry() {
        var before = Locale.getDefault();
        Locale.setDefault(Locale.GERMANY);
        try {
            assertEquals("Band[0.500, 0.750]", new ConformalEnvelope.Band(0.5, 0.75).toString());
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void errorsSayWhatIsMissing() {
        assertRefuses(() -> ConformalEnvelope.perBlock(new double[8][1], 0.1), "8 calibration runs", "at least 9");
        assertRefuses(() -> ConformalEnvelope.perBlock(new double[8][1], 0), "delta is 0.0");
        assertRefuses(() -> ConformalEnvelope.perBlock(new double[][] {{1}, {1, 2}}, 0.5), "run 1");
        assertRefuses(() -> ConformalEnvelope.perBlock(new double[][] {{1}, {Double.NaN}}, 0.5), "run 1", "NaN");
        assertRefuses(
                () -> ConformalEnvelope.simultaneous(new double[9][1], new double[] {0}, 0.1), "scale of block 0");
    }

    private static double[][] errors(int mask, int total, int which) {
        return IntStream.range(0, total)
                .filter(i -> (mask >> i & 1) == which)
                .mapToObj(i -> new double[] {i})
                .toArray(double[][]::new);
    }
}
