package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

class FeaturesTest {
    private static final int T = 3;
    private static final int D = 5;

    private static List<Rollout> runs(int count, double shift, long seed) {
        var random = new Random(seed);
        var runs = new ArrayList<Rollout>();
        for (int i = 0; i < count; i++) {
            var states = random.doubles((T + 1) * D).boxed().toList();
            double[][] z = new double[T + 1][D];
            for (int k = 0; k <= T; k++) {
                for (int j = 0; j < D; j++) {
                    z[k][j] = states.get(k * D + j) + shift * k * (j == 1 ? 2 : 1);
                }
            }
            z[0] = new double[] {1, 2, 3, 4, 5}; // every text ends in the same token
            runs.add(new Rollout(z, new double[T][D]));
        }
        return runs;
    }

    private final List<Rollout> with = runs(7, 1, 1);
    private final List<Rollout> without = runs(4, -1, 2);
    private final Features features = Features.between("toy", with, without);

    @Test
    void theGapIsTheDifferenceOfTheSidesMeanStrengths() {
        for (int k = 1; k <= T; k++) {
            int block = k;
            double[] v = features.direction(k);
            assertEquals(1, Math.sqrt(Arrays.stream(v).map(x -> x * x).sum()), 1e-12);
            assertEquals(
                    features.gap(k),
                    features.positive().strengths()[k] - features.negative().strengths()[k],
                    1e-12);
            var target = features.setpoint(1);
            double[] strengths = with.stream()
                    .mapToDouble(run -> target.strength(block, run.states()[block]))
                    .toArray();
            double mean = Arrays.stream(strengths).average().orElseThrow();
            assertEquals(mean, features.positive().strengths()[k], 1e-12);
            double variance =
                    Arrays.stream(strengths).map(x -> (x - mean) * (x - mean)).sum() / (strengths.length - 1);
            assertEquals(Math.sqrt(variance), features.positive().deviations()[k], 1e-12);
        }
    }

    @Test
    void noOtherUnitDirectionSeparatesTheMeansFarther() {
        var random = new Random(3);
        for (int trial = 0; trial < 50; trial++) {
            double[] x = random.doubles(D, -1, 1).toArray();
            double norm = 0, separation = 0;
            for (int j = 0; j < D; j++) {
                norm += x[j] * x[j];
                separation += x[j]
                        * (features.positive().states()[T][j]
                                - features.negative().states()[T][j]);
            }
            assertTrue(separation / Math.sqrt(norm) <= features.gap(T));
        }
    }

    @Test
    void theCentredSetpointRunsFromOneSidesMeanToTheOthersAndTheAbsoluteOneFromZero() {
        for (int k = 0; k <= T; k++) {
            assertEquals(
                    features.negative().strengths()[k], features.setpoint(0).target(k), 1e-12);
            assertEquals(
                    features.positive().strengths()[k], features.setpoint(1).target(k), 1e-12);
            assertEquals(0.5 * features.gap(k), features.absolute(0.5).target(k), 1e-12);
        }
        assertEquals(
                "Setpoint[1.5 mu_k centred, blocks 0..3, toy, last token]",
                features.setpoint(1.5).toString());
        assertEquals(
                "Setpoint[1.5 mu_k absolute, blocks 0..3, toy, last token]",
                features.absolute(1.5).toString());
    }

    @Test
    void aFeatureThatTheLastTokenDoesNotShowIsAbsentFromTheFirstState() {
        assertEquals(0, features.gap(0));
        assertArrayEquals(new double[D], features.direction(0));
        assertArrayEquals(
                new double[D], Controller.spreadActAdd(features.setpoint(1), 0).input(0, new double[] {9, 9, 9, 9, 9}));
    }

    @Test
    void sidesThatAreTheSameAreRefusedWithTheBlock() {
        assertRefused(() -> Features.between("toy", with, with), "toy", "block 1", "differ");
        assertRefused(() -> Features.between("toy", with, List.of()), "no negative run");
        assertRefused(
                () -> Features.between("toy", with, List.of(new Rollout(new double[3][D], new double[2][D]))),
                "T=3",
                "T=2");
        assertRefused(
                () -> Features.between(
                        "toy", List.of(with.get(0), new Rollout(new double[T + 1][2], new double[T][2])), without),
                "positive",
                "d=5");
    }

    @Test
    void valuesPrintThemselvesInOneLine() {
        assertTrue(
                features.toString()
                        .matches("Features\\[toy, 7 against 4 texts, blocks 0\\.\\.3, d=5, "
                                + "gap of the last state [\\d.]+]"),
                features.toString());
        assertTrue(
                features.positive().toString().startsWith("Side[7 texts"),
                features.positive().toString());
    }
}
