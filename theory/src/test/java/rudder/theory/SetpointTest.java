package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.Random;
import org.junit.jupiter.api.Test;
import rudder.theory.control.Controller;

class SetpointTest {
    private static final int T = 3;
    private static final int D = 6;
    private final Setpoint setpoint = setpoint(T, D, 1.5, 1);

    @Test
    void afterAnInputOfUnitGainTheErrorIsZero() {
        double[] z = vector(D, new Random(2));
        for (int k = 0; k <= T; k++) {
            assertEquals(0, setpoint.error(k, setpoint.closest(k, z)), 1e-14);
        }
    }

    /**
     * Theorem 4.1: every other state of the target strength is z + alpha v + x with x orthogonal to v. By Pythagoras it
     * is farther from z.
     */
    @Test
    void noOtherStateOfTheTargetStrengthIsCloser() {
        var random = new Random(3);
        double[] z = vector(D, random);
        double[] v = setpoint.direction(1);
        double[] closest = setpoint.closest(1, z);
        double least = Vectors.norm(Vectors.plus(closest, -1, z));
        assertEquals(Math.abs(setpoint.error(1, z)), least, 1e-14);
        for (int trial = 0; trial < 100; trial++) {
            double[] x = vector(D, random);
            double[] other = Vectors.plus(Vectors.plus(closest, 1e-3, x), -1e-3 * Vectors.dot(v, x), v);
            assertEquals(setpoint.target(1), setpoint.strength(1, other), 1e-14);
            assertTrue(Vectors.norm(Vectors.plus(other, -1, z)) > least);
        }
    }

    @Test
    void targetIsOffsetPlusLambdaGapsAndMovesWithLambda() {
        double[] gaps = {2, 3};
        double[] offsets = {10, -10};
        double[][] directions = {{1, 0}, {0, 1}};
        var centred = Setpoint.of(directions, gaps, offsets, 0.5, "last token");
        assertEquals(11, centred.target(0));
        assertEquals(-8.5, centred.target(1));
        assertEquals(-4, centred.withStrength(2).target(1));
        assertEquals(1.5, Setpoint.absolute(directions, gaps, 0.5).target(1));
        assertEquals(7, Setpoint.constant(4, new double[] {0, 1}, 7).target(4));
    }

    @Test
    void zeroStrengthCentredIsTheOffsetAndShiftsNothing() {
        var zero = setpoint.withStrength(0);
        assertEquals(0, Vectors.norm(zero.shift(2)));
        assertEquals(zero.target(2), setpoint.target(2) - 1.5 * setpoint.gap(2), 1e-15);
    }

    @Test
    void strengthsInGapsAreInTheUnitsOfLambda() {
        for (int k = 0; k <= T; k++) {
            assertEquals(setpoint.lambda(), setpoint.inGaps(k, setpoint.target(k)), 1e-14);
            assertEquals(0, setpoint.inGaps(k, setpoint.withStrength(0).target(k)), 1e-14);
        }
    }

    @Test
    void whereTheFeatureIsAbsentThereIsNothingToTrack() {
        var late = Setpoint.of(new double[][] {{0, 0}, {0, 1}}, new double[] {0, 2}, new double[] {0, 5}, 1, "");
        double[] z = {3, 4};
        assertEquals(0, late.error(0, z));
        assertEquals(0, Vectors.norm(Controller.proportional(late, 1, 0).input(0, z)), "nothing to measure");
        assertArrayEquals(new double[] {0, 2}, Controller.actAdd(late, 0).input(0, z), "what leaves shows it");
        assertTrue(Double.isNaN(late.inGaps(0, 1)));
        assertEquals(3, late.error(1, z));
    }

    @Test
    void writingToWhatWentInOrCameOutChangesNothing() {
        double[][] directions = {{1, 0}, {0, 1}};
        double[] gaps = {1, 1};
        var mine = Setpoint.absolute(directions, gaps, 1);
        directions[0][0] = 5;
        gaps[0] = 5;
        mine.direction(0)[0] = 5;
        assertEquals(2, mine.strength(0, new double[] {2, 3}));
        assertEquals(1, mine.target(0));
    }

    @Test
    void errorsNameTheBlockAndTheRemedy() {
        double[] one = {1, 1};
        double[][] directions = {{1, 0}, {0, 1}};
        assertRefuses(
                () -> Setpoint.absolute(new double[][] {{1, 0}, {0, 2}}, one, 1), "block 1", "norm 2.0", "divide");
        assertRefuses(() -> Setpoint.absolute(new double[][] {{1, 0}, {Double.NaN, 0}}, one, 1), "block 1", "norm NaN");
        assertRefuses(() -> Setpoint.absolute(new double[][] {{1, 0}, {1}}, one, 1), "block 1", "length 1, wanted 2");
        assertRefuses(
                () -> Setpoint.absolute(directions, new double[] {1, 0}, 1),
                "gap of block 1 is 0",
                "norm 1.0",
                "absent");
        assertRefuses(() -> Setpoint.absolute(directions, new double[] {1, -1}, 1), "gap of block 1 is -1.0");
        assertRefuses(() -> Setpoint.absolute(directions, new double[] {1}, 1), "length 1, wanted 2");
        assertRefuses(() -> Setpoint.absolute(directions, one, Double.NaN), "lambda is NaN");
        assertRefuses(() -> Setpoint.absolute(new double[][] {{1}}, new double[] {1}, 1), "1 directions");
        assertRefuses(() -> Setpoint.of(directions, one, new double[] {0, Double.NaN}, 1, ""), "offsets", "NaN");
        assertRefuses(() -> setpoint.strength(0, one), "length 2, wanted 6");
        assertRefuses(() -> setpoint.target(4), "block 4", "0..3");
    }

    @Test
    void valuePrintsItselfInOneLine() {
        double[][] directions = {{1, 0}, {0, 1}};
        double[] one = {1, 1};
        assertEquals(
                "Setpoint[1.0 mu_k centred, blocks 0..1, last token]",
                Setpoint.of(directions, one, one, 1, "last token").toString());
        assertEquals(
                "Setpoint[0.5 mu_k absolute, blocks 0..1]",
                Setpoint.absolute(directions, one, 0.5).toString());
    }
}
