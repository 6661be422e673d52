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
                new double[D],
                Controller.proportionalFrom(features.setpoint(1), 1, 0).input(0, new double[] {9, 9, 9, 9, 9}));
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

    /** With d_i = a_i v + b_i w, v and w orthonormal and sum a_i b_i = 0, the components are v and w. */
    @Test
    void theFirstPrincipalComponentOfPairedDifferencesIsTheLargestOfTwo() {
        double[] v = {0.6, 0.8, 0, 0, 0};
        double[] w = {0, 0, 0, 1, 0};
        double[][] weights = {{3, 1}, {2, -1}, {-1, 1}, {4, 0.5}}; // sum a b = 3 - 2 - 1 + 2
        weights[3][1] = 0;
        var positive = new ArrayList<Rollout>();
        var negative = runs(4, 0, 9);
        for (int i = 0; i < weights.length; i++) {
            double[][] z = new double[T + 1][];
            for (int k = 0; k <= T; k++) {
                z[k] = negative.get(i).states()[k].clone();
                for (int j = 0; j < D && k > 0; j++) {
                    z[k][j] += k * (weights[i][0] * v[j] + weights[i][1] * w[j]);
                }
            }
            positive.add(new Rollout(z, new double[T][D]));
        }
        var pca = Features.pca("toy", positive, negative);
        for (int k = 1; k <= T; k++) {
            assertArrayEquals(v, pca.direction(k), 1e-9, "state " + k);
            assertEquals(k * 2, pca.gap(k), 1e-9, "the mean of v.d_i, 8 / 4 at k = 1");
        }
        assertEquals(0, pca.gap(0));
        var turned = Features.pca("toy", negative, positive);
        assertArrayEquals(Arrays.stream(v).map(x -> -x).toArray(), turned.direction(1), 1e-9);
        assertEquals(2, turned.gap(1), 1e-9);
    }

    @Test
    void noOtherUnitDirectionHasALargerSumOfSquaredDifferences() {
        var others = runs(7, -1, 5);
        var pca = Features.pca("toy", with, others);
        var random = new Random(3);
        double most = squares(pca.direction(T), others);
        for (int trial = 0; trial < 200; trial++) {
            double[] x = random.doubles(D, -1, 1).toArray();
            double norm = Math.sqrt(Arrays.stream(x).map(y -> y * y).sum());
            assertTrue(squares(Arrays.stream(x).map(y -> y / norm).toArray(), others) <= most + 1e-9);
        }
        assertRefused(() -> Features.pca("toy", with, without), "7 positive and 4 negative", "wanted as many");
    }

    private double squares(double[] x, List<Rollout> others) {
        double sum = 0;
        for (int i = 0; i < with.size(); i++) {
            double along = 0;
            for (int j = 0; j < D; j++) {
                along += x[j] * (with.get(i).states()[T][j] - others.get(i).states()[T][j]);
            }
            sum += along * along;
        }
        return sum;
    }
}
