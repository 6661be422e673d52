package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.theory.Fixtures.*;

import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.theory.Plant;
import rudder.theory.Vectors;

class ActivationTransportTest {
    private static final int T = 4;
    private static final int D = 3;
    private static final int N = 6;
    private final Random random = new Random(2);
    private final Plant plant = Plant.of(system(T, D, 1));
    private final List<Plant> plants = Collections.nCopies(N, plant);
    private final double[][] first =
            IntStream.range(0, N).mapToObj(i -> vector(D, random)).toArray(double[][]::new);
    private final List<Rollout> targets = IntStream.range(0, N)
            .mapToObj(i -> new Rollout(
                    IntStream.rangeClosed(0, T).mapToObj(k -> vector(D, random)).toArray(double[][]::new),
                    new double[T][D]))
            .toList();

    /**
     * Each block is fitted on the output of the steered blocks before it. So the means agree at every block, and no
     * shift is added twice.
     */
    @Test
    void transportedMeansAreTheTargetsMeansAtEveryBlock() {
        for (var controller : List.of(
                ActivationTransport.mean(plants, first, targets), ActivationTransport.linear(plants, first, targets))) {
            var runs = IntStream.range(0, N)
                    .mapToObj(i -> Rollout.of(plant, controller, first[i]))
                    .toList();
            for (int k = 1; k <= T; k++) {
                int block = k;
                assertClose(
                        Vectors.mean(
                                targets.stream().map(run -> run.states()[block]).toArray(double[][]::new)),
                        Vectors.mean(
                                runs.stream().map(run -> run.states()[block]).toArray(double[][]::new)),
                        1e-12);
            }
        }
    }

    @Test
    void transportOfASampleToItselfAddsNothing() {
        var same = IntStream.range(0, N)
                .mapToObj(i -> Rollout.of(plant, Controller.none(), first[i]))
                .toList();
        for (var run : same) {
            assertEquals(
                    0,
                    Rollout.of(plant, ActivationTransport.linear(plants, first, same), run.states()[0])
                            .energy(),
                    1e-24);
            assertEquals(
                    0,
                    Rollout.of(plant, ActivationTransport.mean(plants, first, same), run.states()[0])
                            .energy(),
                    1e-24);
        }
    }

    /**
     * If one sample is a permuted affine image of the other, coordinate by coordinate, every point arrives, not only
     * the mean.
     */
    @Test
    void linearTransportBringsTheSampleItself() {
        var scaled = IntStream.range(0, N)
                .mapToObj(i -> {
                    double[][] states = Rollout.of(plant, Controller.none(), first[(i + 1) % N])
                            .states();
                    states[1] = Vectors.plus(new double[] {1, 2, 3}, 0.5, states[1]);
                    return new Rollout(states, new double[T][D]);
                })
                .toList();
        var controller = ActivationTransport.linear(plants, first, scaled);
        for (int i = 0; i < N; i++) {
            double[] arrived = Rollout.of(plant, controller, first[i]).states()[1];
            assertClose(scaled.get((i + N - 1) % N).states()[1], arrived, 1e-13);
        }
        assertArrayEquals(
                new int[] {0, 1, 2, 3},
                controller.blocks(HookPoint.RESID_POST).stream()
                        .mapToInt(k -> k)
                        .toArray());
    }

    @Test
    void proportionalGainAloneIsMeanTransport() {
        var pid = ActivationTransport.pid(plants, first, targets, 1, 0, 0);
        var mean = ActivationTransport.mean(plants, first, targets);
        assertArrayEquals(
                Rollout.of(plant, mean, first[0]).states(),
                Rollout.of(plant, pid, first[0]).states());
    }

    /** The oracle measures the errors in runs of the fitted controller, and forms the sums from all of them. */
    @Test
    void pidTransportAddsItsSumsOfTheErrorsThatItsOwnRunsShow() {
        var controller = ActivationTransport.pid(plants, first, targets, 0.6, 0.3, -0.2);
        var runs = IntStream.range(0, N)
                .mapToObj(i -> Rollout.of(plant, controller, first[i]))
                .toList();
        double[][] r = new double[T][];
        for (int k = 0; k < T; k++) {
            int block = k;
            double[][] outputs = runs.stream()
                    .map(run -> Vectors.minus(run.states()[block + 1], run.inputs()[block]))
                    .toArray(double[][]::new);
            double[][] wanted =
                    targets.stream().map(run -> run.states()[block + 1]).toArray(double[][]::new);
            r[k] = Vectors.minus(Vectors.mean(wanted), Vectors.mean(outputs));
            double[] u = times(0.6, r[k]);
            for (int j = 0; j < k; j++) {
                u = Vectors.plus(u, 0.3, r[j]);
            }
            if (k > 0) {
                u = Vectors.plus(u, -0.2, Vectors.minus(r[k], r[k - 1]));
            }
            assertClose(u, runs.get(0).inputs()[k], 1e-11);
        }
    }

    @Test
    void errorsSayWhatDoesNotFit() {
        assertRefuses(
                () -> ActivationTransport.linear(plants, new double[2][D], targets), "6 plants", "2 first states");
        assertRefuses(() -> ActivationTransport.linear(plants, first, targets.subList(0, 2)), "6 samples", "2");
        assertRefuses(() -> ActivationTransport.mean(plants, first, List.of()), "no run");
        assertRefuses(() -> ActivationTransport.pid(plants, first, targets, 1, Double.NaN, 0), "kp, ki and kd", "NaN");
    }
}
