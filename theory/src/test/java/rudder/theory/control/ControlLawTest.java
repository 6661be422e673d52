package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.theory.FeedbackVectors;
import rudder.theory.Lqr;
import rudder.theory.Plant;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/** Laws beyond linear feedback of the state, and the operations on any law. */
class ControlLawTest {
    private static final int T = 6;
    private static final int D = 5;
    private final Random random = new Random(11);
    private final Plant plant = Plant.of(system(T, D, 1));
    private final Setpoint setpoint = setpoint(T, D, 1.5, 2);
    private final Controller lqr = Controller.lqr(Lqr.solve(system(T, D, 1), COST), setpoint);
    private final double[] z0 = vector(D, random);

    /** Sorted samples of a line through any points are on that line. */
    @Test
    void transportCarriesASampleOntoItsAffineImage() {
        double[][] from = IntStream.range(0, 7).mapToObj(i -> vector(D, random)).toArray(double[][]::new);
        double[][] to = new double[7][D];
        for (int i = 0; i < 7; i++) {
            for (int j = 0; j < D; j++) {
                to[(i + 3) % 7][j] = (0.5 + j) * from[i][j] - 2 * j; // in another order: transport pairs by rank
            }
        }
        var law = TransportLaw.between(from, to);
        for (int i = 0; i < 7; i++) {
            assertClose(to[(i + 3) % 7], Vectors.plus(from[i], 1, input(law, from[i])), 1e-13);
        }
    }

    @Test
    void transportLeavesWhatItHasNotSeenAlone() {
        var law = TransportLaw.between(new double[][] {{0, 0}, {1, 0}}, new double[][] {{5, 7}, {9, 7}});
        assertArrayEquals(new double[] {6.5, 7}, input(law, new double[] {0.5, 0}));
        assertArrayEquals(new double[] {0, 0}, input(law, new double[] {1.5, 0.1}));
    }

    @Test
    void aGateIsOpenFromItsLowerToItsUpperEndAndShutElsewhere() {
        var law = ControlLaw.constant(new double[] {1, 2}).where(new double[] {0, 1}, -1, 3);
        assertArrayEquals(new double[] {1, 2}, input(law, new double[] {9, -1}));
        assertArrayEquals(new double[] {1, 2}, input(law, new double[] {9, 3}));
        assertArrayEquals(new double[] {0, 0}, input(law, new double[] {9, 3.5}));
        assertArrayEquals(new double[] {0, 0}, input(law, new double[] {9, -1.5}));
    }

    @Test
    void onlyWhenSteersWhatIsStrongEnoughInGaps() {
        var gated = lqr.onlyWhen(setpoint, 0.5, Double.POSITIVE_INFINITY);
        for (int k = 0; k < T; k++) {
            double[] strong =
                    Vectors.plus(z0, setpoint.ofGaps(k, 0.6) - setpoint.strength(k, z0), setpoint.direction(k));
            double[] weak = Vectors.plus(z0, setpoint.ofGaps(k, 0.4) - setpoint.strength(k, z0), setpoint.direction(k));
            assertArrayEquals(lqr.input(k, strong), gated.input(k, strong));
            assertArrayEquals(new double[D], gated.input(k, weak));
        }
    }

    /** Without a direction every strength is 0, and so is every bound: such a gate would never close. */
    @Test
    void aGateOnAnAbsentFeatureIsRefusedUnlessNothingIsAddedThere() {
        var absent = absentFromTheFirstState(setpoint);
        assertRefuses(
                () -> Controller.spreadActAdd(setpoint, 0).onlyWhen(absent, 0.5, Double.POSITIVE_INFINITY),
                "spread ActAdd",
                "block 0",
                "absent from z_0",
                "from block 1 on");
        assertRefuses(
                () -> Controller.pid(setpoint, 1, 0, 0, 3).onlyWhen(absent, Double.NEGATIVE_INFINITY, 0.5), "z_0");
        var always = Controller.spreadActAdd(setpoint, 0)
                .onlyWhen(absent, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
        assertArrayEquals(Controller.spreadActAdd(setpoint, 0).input(0, z0), always.input(0, z0));
        for (var silent : List.of(
                Controller.spreadActAdd(setpoint, 1),
                Controller.pid(absent, 1, 1, 1, 3),
                Controller.lqr(Lqr.solve(system(T, D, 1), COST), absent))) {
            var gated = silent.onlyWhen(absent, 0.5, Double.POSITIVE_INFINITY);
            assertArrayEquals(new double[D], gated.input(0, z0), silent.name());
        }
    }

    private static Setpoint absentFromTheFirstState(Setpoint setpoint) {
        var directions = IntStream.rangeClosed(0, T)
                .mapToObj(k -> k == 0 ? new double[D] : setpoint.direction(k))
                .toArray(double[][]::new);
        double[] gaps = IntStream.rangeClosed(0, T)
                .mapToDouble(k -> k == 0 ? 0 : setpoint.gap(k))
                .toArray();
        double[] offsets = IntStream.rangeClosed(0, T)
                .mapToDouble(k -> k == 0 ? 0 : setpoint.offset(k))
                .toArray();
        return Setpoint.of(directions, gaps, offsets, setpoint.lambda(), "");
    }

    @Test
    void aGatedMemoryStillReads() {
        var pid = Controller.pid(setpoint, 0.5, 0.2, -0.1, 10);
        var always = pid.onlyWhen(setpoint, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
        assertArrayEquals(
                Rollout.of(plant, pid, z0).states(),
                Rollout.of(plant, always, z0).states());
    }

    @Test
    void timesScalesTheInputAndNotTheSetpoint() {
        var pid = Controller.pid(setpoint, 0.5, 0.2, -0.1, 10);
        double[][] states = Rollout.of(plant, Controller.none(), z0).states();
        for (int k = 0; k < T; k++) {
            assertClose(times(-0.3, pid.input(k, states)), pid.times(-0.3).input(k, states), 1e-14);
        }
        assertArrayEquals(
                Rollout.of(plant, Controller.none(), z0).states(),
                Rollout.of(plant, lqr.times(0), z0).states());
    }

    @Test
    void pidOfProportionalGainAloneIsProportional() {
        double[][] pid =
                Rollout.of(plant, Controller.pid(setpoint, 0.7, 0, 0, 3), z0).states();
        assertArrayEquals(
                Rollout.of(plant, Controller.proportionalFrom(setpoint, 0.7, 0), z0)
                        .states(),
                pid);
    }

    /** A-LQR adds the error times a vector; with mu_{k+1} v_{k+1} / mu_k this is proportional feedback of gain 1. */
    @Test
    void lqrOfUnitGainIsProportional() {
        double[][] directions = IntStream.range(0, T)
                .mapToObj(k -> times(setpoint.gap(k + 1) / setpoint.gap(k), setpoint.direction(k + 1)))
                .toArray(double[][]::new);
        assertArrayEquals(
                Rollout.of(plant, Controller.proportionalFrom(setpoint, 1, 0), z0)
                        .states(),
                Rollout.of(plant, Controller.lqr(FeedbackVectors.of(directions), setpoint), z0)
                        .states());
    }

    @Test
    void whatIsReadBehindABlockIsTheOutputBeforeAnyInput() {
        double[] v = setpoint.direction(3);
        var clamp = Controller.of(
                "clamp", HookPoint.RESID_POST, Map.of(2, ControlLaw.along(v, setpoint.target(3), v)), setpoint);
        var both = clamp.plus(Controller.actAdd(setpoint, 2));
        var run = Rollout.of(plant, both, z0);
        double[] output = plant.next(2, run.states()[2]);
        assertClose(Vectors.plus(setpoint.closest(3, output), 1, setpoint.shift(3)), run.states()[3], 1e-14);
        var again = Rollout.of(plant, both.frozenAt(run), z0);
        assertClose(run.states()[3], again.states()[3], 1e-14);
    }

    /**
     * Rotating by the angle between two directions maps one onto the other. It keeps lengths and the part orthogonal to
     * both.
     */
    @Test
    void angularSteeringRotatesInThePlane() {
        double[] a = unit(D, random);
        double[] b = unit(D, random);
        double degrees = Math.toDegrees(Math.acos(Vectors.dot(a, b)));
        double[] rotated = Vectors.plus(z0, 1, input(ControlLaw.rotation(a, b, degrees), z0));
        assertEquals(Vectors.norm(z0), Vectors.norm(rotated), 1e-13);
        assertClose(b, Vectors.plus(a, 1, input(ControlLaw.rotation(a, b, degrees), a)), 1e-13);
        double[] half = Vectors.plus(z0, 1, input(ControlLaw.rotation(a, b, degrees / 2), z0));
        assertClose(rotated, Vectors.plus(half, 1, input(ControlLaw.rotation(a, b, degrees / 2), half)), 1e-13);
        assertTrue(Vectors.norm(input(ControlLaw.rotation(a, b, 0), z0)) == 0, "0 degrees change nothing");
    }

    /**
     * A user can make a controller from laws and a name. The library does not have this one: the error's sign times a
     * fixed step.
     */
    @Test
    void anotherControllerIsAnotherValue() {
        double step = 0.1;
        var laws = IntStream.range(0, T)
                .boxed()
                .collect(java.util.stream.Collectors.toMap(
                        k -> k, k -> ControlLaw.constant(times(step, setpoint.direction(k)))));
        var bang = Controller.of("up", laws, setpoint)
                .onlyWhen(setpoint, Double.NEGATIVE_INFINITY, setpoint.lambda())
                .plus(Controller.of("down", laws, setpoint)
                        .times(-1)
                        .onlyWhen(setpoint, setpoint.lambda(), Double.POSITIVE_INFINITY))
                .named("bang-bang");
        var run = Rollout.of(plant, bang, z0);
        for (int k = 0; k < T; k++) {
            assertClose(
                    times(step * Math.signum(setpoint.error(k, run.states()[k])), setpoint.direction(k)),
                    run.inputs()[k],
                    1e-15);
        }
        assertEquals("Controller[bang-bang, blocks 0..5]", bang.toString());
    }

    @Test
    void errorsSayWhatDoesNotFit() {
        assertRefuses(() -> TransportLaw.between(new double[3][D], new double[2][D]), "3 samples", "2");
        assertRefuses(
                () -> ControlLaw.constant(new double[2]).where(new double[3], 0, 1), "gate's direction", "3, wanted 2");
        assertRefuses(() -> ControlLaw.constant(new double[2]).where(new double[2], 1, 0), "low <= high");
        assertRefuses(() -> lqr.times(Double.NaN), "factor", "NaN");
        assertRefuses(() -> ControlLaw.rotation(new double[] {1, 0}, new double[] {2, 0}, 10), "plane");
        var heads = Controller.of("heads", HookPoint.HEAD_OUT, Map.of(0, ControlLaw.constant(new double[D])), null);
        assertRefuses(() -> Rollout.of(plant, heads, z0), "'heads'", "attention heads");
        assertRefuses(() -> heads.frozenAt(Rollout.of(plant, Controller.none(), z0)), "attention heads", "frozen");
    }

    private static double[] input(ControlLaw law, double[] z) {
        return law.on(Arithmetic.heap()).of(Vectors.row(z), new MeasurementMemory()).data;
    }
}
