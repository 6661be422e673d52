package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import rudder.theory.Differential;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.LqrSolution;
import rudder.theory.Plant;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

class ControllerTest {
    private static final int T = 6;
    private static final int D = 5;
    private final Random random = new Random(7);
    private final LinearSystem system = system(T, D, 1);
    private final Plant plant = Plant.of(system);
    private final LqrSolution solution = Lqr.solve(system, COST);
    private final Setpoint setpoint = setpoint(T, D, 1.5, 2);
    private final Controller lqr = Controller.lqr(solution, setpoint);
    private final double[] z0 = vector(D, random);

    @Test
    void lqrAddsTheErrorTimesTheGainTimesTheDirection() {
        for (int k = 0; k < T; k++) {
            double[] z = vector(D, random);
            double[] expected = times(setpoint.error(k, z), solution.feedback(k, setpoint.direction(k)));
            assertClose(expected, lqr.input(k, z), 1e-13);
        }
    }

    /** -K (z - z'), z' being the closest state of the target strength. */
    @Test
    void lqrIsTheRegulatorAboutTheClosestStateOfTheTargetStrength() {
        double[] z = vector(D, random);
        double[] regulated = solution.feedback(3, Vectors.plus(setpoint.closest(3, z), -1, z));
        assertClose(regulated, lqr.input(3, z), 1e-13);
    }

    /** The state that leaves block k is z_{k+1}: the input goes along its direction. */
    @Test
    void actAddAddsTheShiftOfTheNextStateWhateverTheState() {
        var spread = Controller.spreadActAdd(setpoint, 2);
        var single = Controller.actAdd(setpoint, T / 2);
        for (int k = 0; k < T; k++) {
            double share = k < 2 ? 0 : 1.5 / (T - 2);
            assertClose(
                    times(share * setpoint.gap(k + 1), setpoint.direction(k + 1)),
                    spread.input(k, vector(D, random)),
                    1e-15);
            assertEquals(k == T / 2, single.blocks(HookPoint.RESID_PRE).contains(k));
        }
        assertArrayEquals(setpoint.shift(T / 2 + 1), single.input(T / 2, z0));
    }

    @Test
    void aPlanOfZeroStrengthIsBitIdenticalToNoControl() {
        var none = Rollout.of(plant, Controller.none(), z0);
        var zero = Rollout.of(plant, Controller.spreadActAdd(setpoint.withStrength(0), 0), z0);
        assertArrayEquals(none.states(), zero.states());
        assertEquals(0, none.energy());
    }

    @Test
    void plusAddsInputsAndIsCommutative() {
        var other = Controller.actAdd(setpoint, 2).plus(Controller.lqr(solution, setpoint(T, D, -1, 3)));
        for (int k = 0; k < T; k++) {
            double[] z = vector(D, random);
            double[] sum = Vectors.plus(lqr.input(k, z), 1, other.input(k, z));
            assertClose(sum, lqr.plus(other).input(k, z), 1e-14);
            assertClose(sum, other.plus(lqr).input(k, z), 1e-14);
        }
        assertEquals(3, lqr.plus(other).laws(HookPoint.RESID_PRE, 2).size());
    }

    @Test
    void nothingIsTheNeutralSummand() {
        assertEquals(lqr, lqr.plus(Controller.none()));
        assertEquals(lqr, Controller.none().plus(lqr));
    }

    @Test
    void pidAddsErrorSumAndDifference() {
        var rollout = Rollout.of(plant, Controller.pid(setpoint, 0.5, 0.2, -0.1, 4), z0);
        double[][] e = new double[T][];
        for (int k = 0; k < T; k++) {
            double gaps = setpoint.error(k, rollout.states()[k]) / setpoint.gap(k);
            e[k] = times(gaps * setpoint.gap(k + 1), setpoint.direction(k + 1));
            double[] u = times(0.5, e[k]);
            for (int i = k < 4 ? 0 : 4; i <= k; i++) {
                u = Vectors.plus(u, 0.2, e[i]);
            }
            if (k > 0) {
                u = Vectors.plus(Vectors.plus(u, -0.1, e[k]), 0.1, e[k - 1]);
            }
            assertClose(u, rollout.inputs()[k], 1e-13);
        }
    }

    @Test
    void plusKeepsEveryControllersMemoryItsOwn() {
        var first = Controller.pid(setpoint, 0.5, 0.2, -0.1, 4);
        var second = Controller.actAdd(setpoint, 2).plus(Controller.pid(setpoint(T, D, -1, 3), 0.1, 0.3, 0.2, 10));
        var third = Controller.proportionalFrom(setpoint(T, D, 1, 4), 0.7, 3);
        var states = Rollout.of(plant, first, z0).states();
        var sum = third.plus(first).plus(second);
        for (int k = 0; k < T; k++) {
            double[] expected = Vectors.plus(
                    Vectors.plus(first.input(k, states), 1, second.input(k, states)), 1, third.input(k, states));
            assertClose(expected, sum.input(k, states), 1e-13);
        }
    }

    /** Where all states have one direction and gap, z + u is the closest state of the target strength. */
    @Test
    void proportionalFeedbackOfUnitGainIsTheStepToTheClosestStateWhereDirectionsStay() {
        double[] z = vector(D, random);
        var constant = Setpoint.constant(T, unit(D, random), 3);
        var clamp = Controller.proportional(constant, 1, 3);
        assertClose(constant.closest(3, z), Vectors.plus(z, 1, clamp.input(3, z)), 1e-14);
    }

    /** Measured in gaps of what enters, made good in gaps of what leaves. */
    @Test
    void proportionalFeedbackAddsTheErrorInGapsAlongTheNextDirection() {
        double[] z = vector(D, random);
        var clamp = Controller.proportional(setpoint, 1, 3);
        double missing = setpoint.lambda() - setpoint.inGaps(3, setpoint.strength(3, z));
        assertClose(times(missing * setpoint.gap(4), setpoint.direction(4)), clamp.input(3, z), 1e-13);
        assertEquals(Set.of(3), clamp.blocks(HookPoint.RESID_PRE));
        assertEquals(Set.of(4, 5), Controller.proportionalFrom(setpoint, 1, 4).blocks(HookPoint.RESID_PRE));
        assertArrayEquals(
                clamp.input(3, z), Controller.proportionalFrom(setpoint, 1, 2).input(3, z));
    }

    @Test
    void trackingRegulatesTheDeviationFromATrajectory() {
        var nominal = Rollout.of(plant, Controller.none(), z0);
        double[] dz = vector(D, random);
        var run = Rollout.of(plant, Controller.tracking(solution, nominal.states()), Vectors.plus(z0, 1, dz))
                .minus(nominal);
        double promised = Vectors.dot(dz, Vectors.multiply(solution.costToGo(0), dz));
        assertEquals(promised, run.cost(COST), 1e-11 * promised);
        assertClose(
                solution.closedLoop().jacobian(2),
                Controller.tracking(solution, nominal.states())
                        .closedLoop(system)
                        .jacobian(2),
                1e-15);
    }

    /** The tracker measures behind the block, before its own input. */
    @Test
    void frozenWhereItWentAControllerRepeatsItself() {
        double[] weights = new double[T + 1];
        Arrays.fill(weights, 1);
        var free = Rollout.of(plant, Controller.none(), z0).states();
        var tracker =
                FeatureTracker.of(Differential.of(system), free, setpoint, weights, 0.1, InputMatrix.everywhere());
        for (var controller : List.of(lqr, tracker)) {
            var closed = Rollout.of(plant, controller, z0);
            var plan = controller.frozenAt(closed);
            for (int k = 0; k < T; k++) {
                assertClose(closed.inputs()[k], plan.input(k, z0), 1e-13);
            }
            assertClose(closed.states()[T], Rollout.of(plant, plan, z0).states()[T], 1e-13);
            assertArrayEquals(plan.input(1, z0), plan.input(1, closed.states()[2]));
            assertEquals(controller.name() + ", frozen", plan.name());
        }
    }

    @Test
    void gateAndPlanKeepTheMarksOfWhatTheyAreMadeOf() {
        var marked = Optional.of("a");
        var bare = Controller.lqr(solution, setpoint);
        assertEquals(marked, bare.onlyWhen(setpoint.measuredOn("a"), 0, 1).plant());
        assertEquals(marked, bare.measuredOn("a").onlyWhen(setpoint, 0, 1).plant());
        assertRefuses(
                () -> bare.measuredOn("a").onlyWhen(setpoint.measuredOn("b"), 0, 1),
                "measured on a and on b",
                "wanted one plant");
        var run = Rollout.of(plant, bare, z0);
        assertEquals(marked, bare.measuredOn("a").frozenAt(run).plant());
        assertEquals(Optional.empty(), bare.frozenAt(run).plant());
    }

    @Test
    void closedLoopTracksWhereThePlanGoesAstray() {
        var calm = LinearSystem.of(java.util.Collections.nCopies(T, identity(D, 1)));
        var target = Setpoint.constant(T, unit(D, random), 3);
        var feedback = Controller.lqr(Lqr.solve(calm, new QuadraticCost(1, 0.1, 1)), target);
        var plan = feedback.frozenAt(Rollout.of(Plant.of(calm), feedback, new double[D]));
        double[] elsewhere = vector(D, random);
        assertEquals(0, last(Rollout.of(Plant.of(calm), feedback, elsewhere).errors(target)), 1e-4);
        assertTrue(Math.abs(last(Rollout.of(Plant.of(calm), plan, elsewhere).errors(target))) > 0.1);
    }

    @Test
    void rolloutObeysThePlantAndReportsWhatItMeasured() {
        var rollout = Rollout.of(plant, lqr, z0);
        double energy = 0;
        for (int k = 0; k < T; k++) {
            double[] z = rollout.states()[k];
            assertArrayEquals(lqr.input(k, z), rollout.inputs()[k]);
            assertArrayEquals(Vectors.plus(plant.next(k, z), 1, rollout.inputs()[k]), rollout.states()[k + 1]);
            assertEquals(setpoint.error(k, z), rollout.errors(setpoint)[k]);
            energy += Math.pow(Vectors.norm(rollout.inputs()[k]), 2);
        }
        assertEquals(energy, rollout.energy(), 1e-12 * energy);
        assertEquals(0, rollout.minus(rollout).cost(COST));
    }

    @Test
    void errorsSayWhatDoesNotFit() {
        assertRefuses(() -> Controller.lqr(solution, setpoint(T + 1, D, 1, 1)), "horizon", "7, wanted 6");
        assertRefuses(() -> Controller.lqr(solution, setpoint(T, D + 1, 1, 1)), "direction", "6, wanted 5");
        assertRefuses(() -> Controller.actAdd(setpoint, T), "block 6", "0..5");
        assertRefuses(() -> Rollout.of(Plant.of(system(2, D, 1)), lqr, z0), "A-LQR", "block 2", "0..1");
        assertRefuses(() -> Rollout.of(Plant.of(system(T, D + 1, 1)), lqr, z0), "width 5", "6");
        assertRefuses(() -> Rollout.of(plant, lqr, new double[2]), "first state", "2, wanted 5");
        assertRefuses(
                () -> lqr.frozenAt(Rollout.of(Plant.of(system(2, D, 1)), Controller.none(), z0)), "A-LQR", "block 2");
        assertRefuses(
                () -> Controller.of(
                        "x",
                        Map.of(0, ControlLaw.constant(new double[2]), 1, ControlLaw.constant(new double[3])),
                        null),
                "block 1");
        assertRefuses(() -> Controller.of("x", Map.of(-1, ControlLaw.constant(new double[2])), null), "block -1");
        assertRefuses(() -> ControlLaw.constant(new double[] {Double.NaN}), "W", "NaN");
        assertRefuses(
                () -> new LinearFeedback(identity(2, 1), new double[] {1, 2}, identity(3, 1)),
                "W is 3 x 3, wanted 2 x 2");
        assertRefuses(
                () -> lqr.plus(Controller.of("x", Map.of(0, ControlLaw.constant(new double[2])), null)),
                "'x'",
                "different widths");
        var pid = Controller.pid(setpoint, 1, 1, 1, 10);
        assertRefuses(() -> pid.input(1, z0), "remembers", "all states");
        assertRefuses(() -> pid.closedLoop(system), "PID", "remembers");
        assertRefuses(
                () -> Controller.of(
                        "x", Map.of(1, pid.laws(HookPoint.RESID_PRE, 1).get(0)), null),
                "law of block 1",
                "no law of an earlier block");
        assertRefuses(() -> Controller.pid(setpoint, 1, 1, 1, 0), "every 0 blocks");
        assertRefuses(() -> Controller.tracking(solution, new double[2][D]), "2 nominal states", "6 blocks");
        assertRefuses(() -> new Rollout(new double[3][D], new double[3][D]), "states has length 3, wanted 4");
    }

    @Test
    void valuesPrintThemselvesInOneLine() {
        assertEquals("Controller[none]", Controller.none().toString());
        assertEquals("Controller[A-LQR 1.5 mu_k, blocks 0..5]", lqr.toString());
        assertEquals(
                "Controller[middle, blocks 3..3]",
                Controller.actAdd(setpoint, 3).named("middle").toString());
        assertEquals(
                "LinearFeedback[m=1, d=5]",
                lqr.laws(HookPoint.RESID_PRE, 0).get(0).toString());
        assertTrue(Rollout.of(plant, lqr, z0).toString().matches("Rollout\\[T=6, d=5, input energy .*]"));
        assertEquals("Plant[LinearSystem[T=6, d=5]]", plant.toString());
        assertTrue(Controller.none().laws(HookPoint.RESID_PRE, 0).isEmpty());
    }

    private static double last(double[] values) {
        return values[values.length - 1];
    }
}
