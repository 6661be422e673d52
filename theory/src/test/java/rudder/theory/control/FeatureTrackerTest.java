package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.Test;
import rudder.theory.Differential;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.Plant;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.plant.ResidualNetwork;

class FeatureTrackerTest {
    private static final int T = 5;
    private static final int D = 4;
    private static final double R = 0.7;
    private static final double[] LAST = {0, 0, 0, 0, 0, 1};
    private final ResidualNetwork curved = ResidualNetwork.random(T, D, 8, 0.9, 5);
    private final Random random = new Random(1);
    private final LinearSystem system = system(T, D, 2);
    private final Setpoint setpoint = setpoint(T, D, 1.5, 3);
    private final double[][] nominal =
            IntStream.rangeClosed(0, T).mapToObj(k -> vector(D, random)).toArray(double[][]::new);
    private final double[] z0 = vector(D, random);
    private final double[] weights = {9, 0.4, 0, 2, 0, 1.1};

    /** z_{k+1} = nominal_{k+1} + A_k (z_k - nominal_k). */
    private final Plant plant = plant((k, z) ->
            Vectors.plus(nominal[k + 1], 1, Vectors.multiply(system.jacobian(k), Vectors.plus(z, -1, nominal[k]))));

    private static Plant plant(BiFunction<Integer, double[], double[]> next) {
        return new Plant() {
            @Override
            public int horizon() {
                return T;
            }

            @Override
            public int dimension() {
                return D;
            }

            @Override
            public double[] next(int k, double[] z) {
                return next.apply(k, z);
            }
        };
    }

    @Test
    void inputsSolveTheQuadraticProgrammeOverTheWholeHorizon() {
        for (double[] q :
                new double[][] {weights, {0, 1, 1, 1, 1, 1}, {0, 0, 0, 1, 0, 0}, {0, 1e-3, 1e-3, 1e-3, 1e-3, 1}}) {
            var factors =
                    IntStream.range(0, T).mapToObj(k -> matrix(D, 3, random)).toList();
            var directions = IntStream.range(0, T)
                    .mapToObj(k -> Vectors.column(setpoint.direction(k + 1)))
                    .toList();
            check(q, IntStream.range(0, T).mapToObj(k -> identity(D, 1)).toList(), InputMatrix.everywhere());
            check(q, directions, InputMatrix.along(setpoint));
            check(q, factors, InputMatrix.covariance(k -> product(factors.get(k), transpose(factors.get(k)))));
            check(
                    q,
                    IntStream.range(0, T)
                            .mapToObj(k -> k == 1 ? directions.get(k) : new DMatrixRMaj(D, 1))
                            .toList(),
                    InputMatrix.along(setpoint).onlyAtBlock(1));
        }
    }

    /** On a linear plant, linearising about another run changes nothing. */
    @Test
    void linearisedAboutItsOwnRunTheTrackerOfALinearPlantIsTheSame() {
        var once = FeatureTracker.iterated(
                plant, run -> Differential.of(system), z0, setpoint, weights, R, InputMatrix.everywhere(), 1);
        var thrice = FeatureTracker.iterated(
                plant, run -> Differential.of(system), z0, setpoint, weights, R, InputMatrix.everywhere(), 3);
        double[] elsewhere = vector(D, random);
        for (double[] first : List.of(z0, elsewhere)) {
            assertClose(
                    Rollout.of(plant, once, first).states()[T],
                    Rollout.of(plant, thrice, first).states()[T],
                    1e-11);
        }
    }

    @Test
    void theLastStrengthOfACurvedPlantIsReachedWhateverTheJacobians() {
        for (var wrong : List.of(
                system,
                curved.linearise(Rollout.of(curved, Controller.none(), z0).states()))) {
            for (double strength : new double[] {0.5, 4, -20}) {
                var tracker = FeatureTracker.of(
                        Differential.of(wrong), nominal, target(strength), LAST, 1e-9, InputMatrix.everywhere());
                assertEquals(0, Rollout.of(curved, tracker, z0).errors(target(strength))[T], 1e-6 * Math.abs(strength));
            }
        }
    }

    @Test
    void iteratedTheTrackerOfACurvedPlantReachesItForLess() {
        double[] energies = IntStream.of(1, 12)
                .mapToDouble(passes -> iterated(1.5, passes).energy())
                .toArray();
        assertTrue(
                energies[1] < 0.95 * energies[0],
                energies[1] + " about its own run, " + energies[0] + " about the uncontrolled one");
    }

    /** So far from the setpoint full steps oscillate; the best of them is returned. */
    @Test
    void morePassesAreNeverWorse() {
        double previous = Double.POSITIVE_INFINITY;
        for (int passes = 1; passes < 8; passes++) {
            var run = iterated(4, passes);
            double cost = Math.pow(run.errors(target(4))[T], 2) + 1e-9 * run.energy();
            assertTrue(cost <= previous, passes + " passes: " + cost + " after " + previous);
            previous = cost;
        }
    }

    /** A run that overflowed has no cost: what is returned is the first tracker, and not none. */
    @Test
    void whereItsRunOverflowsTheFirstTrackerStays() {
        var exploding = plant(
                (k, z) -> Vectors.times(Vectors.norm(z) > 10 * Vectors.norm(z0) ? Double.POSITIVE_INFINITY : 1, z));
        for (int passes : new int[] {1, 3}) {
            var tracker = FeatureTracker.iterated(
                    exploding,
                    run -> Differential.of(system),
                    z0,
                    target(1e6),
                    weights,
                    R,
                    InputMatrix.everywhere(),
                    passes);
            assertEquals("tracker 1000000.0 mu_k", tracker.name());
            double energy = Rollout.of(exploding, tracker, z0).energy();
            assertTrue(!Double.isFinite(energy), passes + " passes: " + energy);
        }
    }

    private Setpoint target(double strength) {
        return Setpoint.constant(T, new double[] {0.5, 0.5, -0.5, 0.5}, strength);
    }

    private Rollout iterated(double strength, int passes) {
        return Rollout.of(
                curved,
                FeatureTracker.iterated(
                        curved,
                        run -> Differential.of(curved.linearise(run.states())),
                        z0,
                        target(strength),
                        LAST,
                        1e-9,
                        InputMatrix.everywhere(),
                        passes),
                z0);
    }

    /** The oracle solves for all inputs at once: strengths = free + F u, u = (F'QF + rI)^-1 F'Q (targets - free). */
    private void check(double[] q, List<DMatrixRMaj> b, InputMatrix actuation) {
        int m = b.get(0).numCols;
        var f = new DMatrixRMaj(T, T * m);
        var weighted = new DMatrixRMaj(T, T);
        double[] free = Rollout.of(plant, Controller.none(), z0).strengths(setpoint);
        var error = new DMatrixRMaj(T, 1);
        for (int j = 1; j <= T; j++) {
            for (int k = 0; k < j; k++) {
                CommonOps_DDRM.insert(
                        product(Vectors.row(setpoint.direction(j)), system.transition(j, k + 1), b.get(k)),
                        f,
                        j - 1,
                        k * m);
            }
            weighted.set(j - 1, j - 1, q[j]);
            error.set(j - 1, 0, setpoint.target(j) - free[j]);
        }
        var hessian = plus(product(transpose(f), weighted, f), identity(T * m, R));
        var u = product(inverse(hessian), transpose(f), weighted, error);
        var tracker = FeatureTracker.of(Differential.of(system), nominal, setpoint, q, R, actuation);
        var run = Rollout.of(plant, tracker, z0);
        for (int k = 0; k < T; k++) {
            var input = product(b.get(k), CommonOps_DDRM.extract(u, k * m, (k + 1) * m, 0, 1));
            assertEquals(0, Vectors.norm(Vectors.plus(run.inputs()[k], -1, input.data)), 1e-9);
        }
    }

    @Test
    void blocksBeyondTheLastWeightHaveNoLaw() {
        var tracker = FeatureTracker.of(
                Differential.of(system),
                nominal,
                setpoint,
                new double[] {0, 0, 1, 1, 0, 0},
                R,
                InputMatrix.everywhere());
        assertEquals(
                2,
                tracker.laws(HookPoint.RESID_POST, 0)
                        .get(0)
                        .feedback()
                        .orElseThrow()
                        .rank());
        assertEquals(
                1,
                tracker.laws(HookPoint.RESID_POST, 2)
                        .get(0)
                        .feedback()
                        .orElseThrow()
                        .rank());
        assertTrue(tracker.laws(HookPoint.RESID_POST, 3).isEmpty());
    }

    @Test
    void blocksWithoutInputsHaveNoLaw() {
        var tracker = FeatureTracker.of(
                Differential.of(system),
                nominal,
                setpoint,
                LAST,
                R,
                InputMatrix.along(setpoint).onlyAtBlock(2));
        assertEquals(Set.of(2), tracker.blocks(HookPoint.RESID_POST));
    }

    @Test
    void targetsAreReachedAsInputsBecomeFree() {
        var run = Rollout.of(
                plant,
                FeatureTracker.of(
                        Differential.of(system),
                        nominal,
                        setpoint,
                        new double[] {0, 1, 1, 1, 1, 1},
                        1e-9,
                        InputMatrix.everywhere()),
                z0);
        for (int k = 1; k <= T; k++) {
            assertEquals(0, run.errors(setpoint)[k], 1e-6);
        }
    }

    @Test
    void trackerCostsNoMoreThanTheRegulatorOnItsOwnCost() {
        double[] q = {0, 1, 1, 1, 1, 1};
        var tracker = FeatureTracker.of(Differential.of(system), nominal, setpoint, q, R, InputMatrix.everywhere());
        double best = cost(Rollout.of(plant, tracker, z0), q);
        for (var other : List.of(
                Controller.none(),
                Controller.lqr(Lqr.solve(system, COST), setpoint),
                Controller.actAdd(setpoint, T / 2))) {
            assertTrue(best < cost(Rollout.of(plant, other, z0), q));
        }
    }

    private double cost(Rollout run, double[] q) {
        double[] errors = run.errors(setpoint);
        return R * run.energy()
                + IntStream.rangeClosed(1, T)
                        .mapToDouble(k -> q[k] * errors[k] * errors[k])
                        .sum();
    }

    @Test
    void sensitivitiesAreTheDirectionsPulledBack() {
        var rows = FeatureTracker.sensitivities(Differential.of(system), setpoint, weights);
        assertEquals(3, rows.get(0).numRows);
        assertClose(
                product(Vectors.row(setpoint.direction(3)), system.transition(3, 2)),
                CommonOps_DDRM.extractRow(rows.get(1), 0, null),
                1e-14);
        assertClose(
                product(Vectors.row(setpoint.direction(T)), system.transition(T, 2)),
                CommonOps_DDRM.extractRow(rows.get(1), 1, null),
                1e-14);
    }

    @Test
    void differentialOfASystemMultipliesFromEitherSide() {
        var rows = matrix(3, D, random);
        var differential = Differential.of(system);
        assertClose(product(rows, transpose(system.jacobian(1))), differential.jvp(1, rows), 1e-14);
        assertClose(product(rows, system.jacobian(1)), differential.vjp(1, rows), 1e-14);
    }

    @Test
    void aTrackerKeepsTheMarkOfThePlantThatWasLinearised() {
        var marked = Differential.of(measured(system, "a"));
        var wanted = Optional.of("a");
        assertEquals(
                wanted,
                FeatureTracker.of(marked, nominal, setpoint, weights, R, InputMatrix.everywhere())
                        .plant());
        assertEquals(
                wanted,
                FeatureTracker.iterated(plant, run -> marked, z0, setpoint, weights, R, InputMatrix.everywhere(), 2)
                        .plant());
        assertRefuses(
                () -> FeatureTracker.of(
                        marked, nominal, setpoint.measuredOn("b"), weights, R, InputMatrix.everywhere()),
                "measured on b and on a",
                "wanted one plant");
    }

    @Test
    void errorsNameWhatIsWrong() {
        var plant = Differential.of(system);
        assertRefuses(
                () -> FeatureTracker.of(
                        plant, nominal, setpoint, new double[] {1, 0, 0, 0, 0, 0}, R, InputMatrix.everywhere()),
                "no block 1..5");
        assertRefuses(
                () -> FeatureTracker.of(
                        plant, nominal, setpoint, new double[] {0, 1, -1, 0, 0, 0}, R, InputMatrix.everywhere()),
                "-1.0");
        assertRefuses(
                () -> FeatureTracker.of(plant, nominal, setpoint, weights, 0, InputMatrix.everywhere()), "r is 0.0");
        assertRefuses(
                () -> FeatureTracker.of(plant, new double[2][D], setpoint, weights, R, InputMatrix.everywhere()),
                "nominal",
                "2, wanted 6");
        assertRefuses(
                () -> FeatureTracker.of(plant, nominal, setpoint, new double[2], R, InputMatrix.everywhere()),
                "weights",
                "2, wanted 6");
        assertRefuses(
                () -> FeatureTracker.of(
                        List.of(identity(D, 1)), nominal, setpoint, weights, R, InputMatrix.everywhere()),
                "1, wanted 5");
    }
}
