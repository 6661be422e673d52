package rudder.theory.bound;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.dense.row.NormOps_DDRM;
import org.junit.jupiter.api.Test;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.SmoothPlant;
import rudder.theory.TransitionNorms;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;
import rudder.theory.plant.Pendulum;
import rudder.theory.plant.ResidualNetwork;

class TrackingBoundTest {
    private final ResidualNetwork network = ResidualNetwork.random(7, 6, 12, 0.5, 1);
    private final World world = new World(network, vector(6, new Random(2)), new QuadraticCost(1, 1, 1));

    /** A plant held to its own unperturbed run. */
    private static final class World {
        final SmoothPlant plant;
        final Rollout nominal;
        final Controller controller;
        final LyapunovFunction lyapunov;
        final TransitionNorms norms;

        World(SmoothPlant plant, double[] z0, QuadraticCost cost) {
            this.plant = plant;
            nominal = Rollout.of(plant, Controller.none(), z0);
            var solution = Lqr.solve(plant.linearise(nominal.states()), cost);
            controller = Controller.tracking(solution, nominal.states());
            lyapunov = LyapunovFunction.of(solution.closedLoop());
            norms = lyapunov.transitionNorms();
        }

        Rollout deviation(double[] dz) {
            return Rollout.of(plant, controller, Vectors.plus(nominal.states()[0], 1, dz))
                    .minus(nominal);
        }

        List<Rollout> deviations(int count, double size, long seed) {
            var random = new Random(seed);
            return IntStream.range(0, count)
                    .mapToObj(run -> deviation(times(size, unit(plant.dimension(), random))))
                    .toList();
        }
    }

    @Test
    void sampledBoundHoldsOnItsOwnRuns() {
        var runs = world.deviations(20, 0.5, 3);
        assertEquals(1, SampledBound.of(world.lyapunov, world.norms, runs).coverage(runs));
    }

    /** Each term from dense products in the coordinates x~ = U x, U'U = P. */
    @Test
    void sampledBoundEqualsItsFormulaTermByTerm() {
        var runs = world.deviations(3, 0.5, 4);
        var bound = SampledBound.of(world.lyapunov, world.norms, runs);
        var closed = world.lyapunov.system();
        var normalised = world.lyapunov.normalised();
        var run = runs.get(1);
        for (int k = 0; k <= 7; k++) {
            double linear = NormOps_DDRM.normP2(normalised.transition(k, 0)) * world.lyapunov.norm(0, run.states()[0]);
            double curved = 0;
            for (int i = 0; i < k; i++) {
                double largest = 0;
                for (var sample : runs) {
                    double[] residual = Vectors.plus(
                            sample.states()[i + 1], -1, Vectors.multiply(closed.jacobian(i), sample.states()[i]));
                    largest = Math.max(
                            largest,
                            2
                                    * world.lyapunov.norm(i + 1, residual)
                                    / Math.pow(world.lyapunov.norm(i, sample.states()[i]), 2));
                }
                assertEquals(largest, bound.curvatures()[i], 1e-12);
                curved += NormOps_DDRM.normP2(normalised.transition(k, i + 1))
                        * largest
                        / 2
                        * Math.pow(world.lyapunov.norm(i, run.states()[i]), 2);
            }
            assertEquals(linear, bound.terms(run).linear()[k], 1e-9);
            assertEquals(curved, bound.terms(run).curved()[k], 1e-9);
            assertEquals(linear + curved, bound.along(run)[k], 1e-9);
        }
    }

    @Test
    void certifiedBoundHoldsOnEveryRunAndExceedsTheSampledOne() {
        var upright = new World(new Pendulum(30, 0.05, 1, 0.1), new double[2], new QuadraticCost(1, 5, 1));
        for (var toy : List.of(world, upright)) {
            var certified = CertifiedBound.of(
                    toy.lyapunov, toy.norms, CertifiedBound.Curvature.of(toy.plant, toy.nominal.states()));
            for (double size : new double[] {1e-3, 1e-2, 0.1, 1}) {
                var runs = toy.deviations(50, size, 5);
                assertEquals(1, certified.coverage(runs));
                var sampled = SampledBound.of(toy.lyapunov, toy.norms, runs);
                for (var run : runs) {
                    double[] loose = certified.along(run);
                    double[] tight = sampled.along(run);
                    for (int k = 0; k < tight.length; k++) {
                        assertTrue(tight[k] <= loose[k] * (1 + 1e-9));
                    }
                }
            }
        }
    }

    @Test
    void certifiedBoundOfAPendulumHeldUprightIsTight() {
        var upright = new World(new Pendulum(30, 0.05, 1, 0.1), new double[2], new QuadraticCost(1, 5, 1));
        var certified = CertifiedBound.of(
                upright.lyapunov, upright.norms, CertifiedBound.Curvature.of(upright.plant, upright.nominal.states()));
        var run = upright.deviation(new double[] {0.01, 0.01});
        double[] bound = certified.along(run);
        double[] errors = upright.lyapunov.norms(run);
        assertTrue(bound[30] < 10 * errors[30], () -> bound[30] + " against " + errors[30]);
    }

    @Test
    void withoutCurvatureTheCertificateIsTheLinearTerm() {
        var certified = CertifiedBound.of(world.lyapunov, world.norms, (k, radius) -> 0);
        for (int k = 0; k <= 7; k++) {
            assertEquals(2 * world.norms.norm(k, 0), certified.from(2)[k], 1e-15);
        }
    }

    @Test
    void conformalBoundCoversHeldOutRunsAsOftenAsItSays() {
        var random = new Random(6);
        var all = IntStream.range(0, 420)
                .mapToObj(run -> world.deviation(times(0.2, vector(6, random))))
                .toList();
        var heldOut = all.subList(220, 420);
        double[] scale = world.lyapunov.norms(all.get(0));
        for (double delta : new double[] {0.1, 0.2}) {
            var once = ConformalBound.simultaneous(world.lyapunov, all.subList(20, 220), scale, delta);
            assertTrue(once.envelope().band(200, 0.999).contains(once.coverage(heldOut)));
            var each = ConformalBound.perBlock(world.lyapunov, all.subList(20, 220), delta);
            double[][] errors = heldOut.stream().map(world.lyapunov::norms).toArray(double[][]::new);
            for (int k = 0; k <= 7; k++) {
                assertTrue(each.envelope()
                        .band(200, 0.999)
                        .contains(each.envelope().coverage(k, errors)));
            }
        }
    }

    @Test
    void errorsAndLines() {
        var runs = world.deviations(5, 0.5, 7);
        assertRefuses(() -> SampledBound.of(world.lyapunov, world.norms, List.of()), "no runs");
        assertRefuses(
                () -> SampledBound.of(world.lyapunov, world.norms, List.of(world.nominal.minus(world.nominal))),
                "block 0");
        assertRefuses(
                () -> CertifiedBound.of(world.lyapunov, world.norms, (k, radius) -> 0)
                        .from(-1),
                "-1.0");
        assertRefuses(
                () -> ConformalBound.perBlock(world.lyapunov, runs, 0.1),
                "5 calibration runs",
                "delta = 0.1",
                "at least 9");
        assertEquals(
                "TrackingBound[sampled: holds on the 5 runs it was made from, T=7]",
                SampledBound.of(world.lyapunov, world.norms, runs).toString());
        assertEquals(
                "TrackingBound[certified: holds on every run, T=7]",
                CertifiedBound.of(world.lyapunov, world.norms, (k, radius) -> 0).toString());
        assertEquals(
                "TrackingBound[conformal: ConformalEnvelope[each block with probability 0.75, from 5 runs, T=7]]",
                ConformalBound.perBlock(world.lyapunov, runs, 0.25).toString());
    }
}
