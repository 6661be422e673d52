package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.List;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.Test;
import rudder.theory.control.Rollout;

class LqrTest {
    private static final int T = 5;
    private static final int D = 4;
    private final LinearSystem system = system(T, D, 1);
    private final LqrSolution solution = Lqr.solve(system, COST);

    @Test
    void costToGoEqualsTheSimulatedCost() {
        double[] x = vector(D, new Random(2));
        double promised = Vectors.dot(x, Vectors.multiply(solution.costToGo(0), x));
        assertEquals(promised, regulated(x).cost(COST), 1e-12 * promised);
    }

    @Test
    void noPerturbationOfTheInputsLowersTheCost() {
        var random = new Random(3);
        double[] x = vector(D, random);
        var best = regulated(x);
        for (int trial = 0; trial < 200; trial++) {
            var inputs = new double[T][];
            for (int k = 0; k < T; k++) {
                inputs[k] = Vectors.plus(best.inputs()[k], Math.pow(10, -trial % 6), vector(D, random));
            }
            assertTrue(driven(x, inputs).cost(COST) > best.cost(COST));
        }
    }

    @Test
    void stepEqualsTheTextbookForm() {
        var random = new Random(4);
        var a = matrix(D, D, random);
        var root = matrix(D, D, random);
        var next = product(transpose(root), root);
        var step = Lqr.step(a, next, COST, DenseAlgebra.ejml());
        // K = (S + R)^-1 S A,  S_k = Q + A'S A - A'S K
        var gain = product(inverse(plus(next, identity(D, COST.r()))), next, a);
        var costToGo =
                minus(plus(identity(D, COST.q()), product(transpose(a), next, a)), product(transpose(a), next, gain));
        assertClose(gain, step.gain(), 1e-13);
        assertClose(costToGo, step.costToGo(), 1e-13);
    }

    /** The oracle solves one least-squares problem in all inputs: dz = F x + G u, u = -(G'QG + R)^-1 G'Q F x. */
    @Test
    void gainsEqualThoseOfOneLeastSquaresProblemOverTheWholeHorizon() {
        for (int k = 0; k < T; k++) {
            int n = T - k;
            var f = new DMatrixRMaj(n * D, D);
            var g = new DMatrixRMaj(n * D, n * D);
            for (int row = 0; row < n; row++) {
                CommonOps_DDRM.insert(transitions(k, k + row + 1), f, row * D, 0);
                for (int column = 0; column <= row; column++) {
                    CommonOps_DDRM.insert(transitions(k + column + 1, k + row + 1), g, row * D, column * D);
                }
            }
            var q = identity(n * D, COST.q());
            CommonOps_DDRM.insert(identity(D, COST.qf()), q, (n - 1) * D, (n - 1) * D);
            var hessian = plus(product(transpose(g), q, g), identity(n * D, COST.r()));
            var all = product(inverse(hessian), transpose(g), q, f);
            assertClose(block(all, 0, 0, D), solution.gain(k), 1e-12);
        }
    }

    @Test
    void costToGoOnDemandEqualsTheRecursionsAndIsSymmetric() {
        var next = solution.costToGo(T);
        assertClose(identity(D, COST.qf()), next, 0);
        for (int k = T - 1; k >= 0; k--) {
            next = Lqr.step(system.jacobian(k), next, COST, system.algebra()).costToGo();
            assertClose(next, solution.costToGo(k), 1e-14);
            assertClose(transpose(next), next, 0);
        }
    }

    @Test
    void feedbackIsTheGainsTimesTheDirections() {
        var setpoint = Setpoint.constant(T, unit(D, new Random(8)), 1);
        var feedback = Lqr.feedback(system, COST, setpoint);
        for (int k = 0; k < T; k++) {
            assertClose(solution.feedback(k, setpoint.direction(k)), feedback.vector(k), 1e-15);
        }
        assertRefuses(() -> Lqr.feedback(system(T + 1, D, 1), COST, setpoint), "setpoint's horizon", "5", "6");
    }

    @Test
    void closedLoopIsTheJacobianLessTheGain() {
        double[] x = vector(D, new Random(5));
        double[] expected = Vectors.plus(Vectors.multiply(system.jacobian(2), x), -1, solution.feedback(2, x));
        assertClose(expected, Vectors.multiply(solution.closedLoop(2), x), 1e-14);
    }

    @Test
    void largeProductsOnThreadsEqualSerialOnes() {
        var random = new Random(6);
        var a = matrix(230, 230, random);
        var b = matrix(230, 3, random);
        assertClose(product(a, b), DenseAlgebra.ejml().multiply(a, b), 1e-14);
        assertClose(product(transpose(a), b), DenseAlgebra.ejml().multiplyTransposed(a, b), 1e-14);
    }

    @Test
    void errorsNameTheBlockAndTheWeight() {
        var good = identity(D, 1);
        var bad = identity(D, 1);
        bad.set(1, 2, Double.NaN);
        assertRefuses(() -> LinearSystem.of(List.of(good, bad)), "block 1", "NaN");
        assertRefuses(() -> LinearSystem.of(List.of(good, identity(D + 1, 1))), "block 1", "5 x 5", "4 x 4");
        assertRefuses(() -> LinearSystem.of(List.of()), "no Jacobians");
        assertRefuses(() -> Lqr.solve(supplied(bad), COST), "Jacobian of block 0", "NaN");
        assertRefuses(() -> Lqr.solve(supplied(identity(2, 1)), COST), "block 0", "2 x 2");
        assertRefuses(() -> Lqr.solve(supplied(identity(D, 1e200)), COST), "cost to go of block 0");
        assertEquals(new QuadraticCost(1, 2, 1), QuadraticCost.of(1, 2));
        assertEquals(new QuadraticCost(1, 2, 3), QuadraticCost.of(1, 2).terminal(3));
        assertRefuses(() -> new QuadraticCost(1, 0, 1), "r is 0.0");
        assertRefuses(() -> new QuadraticCost(-1, 1, 1), "q is -1.0");
        assertRefuses(() -> new QuadraticCost(1, 1, Double.NaN), "qf is NaN");
        assertRefuses(() -> DenseAlgebra.ejml().solveSpd(identity(2, -1), identity(2, 1)), "not positive definite");
        assertRefuses(() -> solution.gain(T), "block 5", "0..4");
    }

    @Test
    void valuesPrintThemselvesInOneLine() {
        assertEquals("LinearSystem[T=5, d=4]", system.toString());
        assertEquals("LqrSolution[q=0.3, r=0.7, qf=1.9, LinearSystem[T=5, d=4]]", solution.toString());
    }

    /** A_{to-1} ... A_from, empty for to = from. */
    private DMatrixRMaj transitions(int from, int to) {
        var product = identity(D, 1);
        for (int k = from; k < to; k++) {
            product = product(system.jacobian(k), product);
        }
        return product;
    }

    private Rollout regulated(double[] x) {
        var inputs = new double[T][];
        double[] state = x;
        for (int k = 0; k < T; k++) {
            inputs[k] = times(-1, solution.feedback(k, state));
            state = Vectors.plus(Vectors.multiply(system.jacobian(k), state), 1, inputs[k]);
        }
        return driven(x, inputs);
    }

    private Rollout driven(double[] x, double[][] inputs) {
        var states = new double[T + 1][];
        states[0] = x;
        for (int k = 0; k < T; k++) {
            states[k + 1] = Vectors.plus(Vectors.multiply(system.jacobian(k), states[k]), 1, inputs[k]);
        }
        return new Rollout(states, inputs);
    }

    /** A user's own system, whose Jacobian was not checked. */
    private static LinearSystem supplied(DMatrixRMaj jacobian) {
        return new LinearSystem() {
            @Override
            public int horizon() {
                return 1;
            }

            @Override
            public int dimension() {
                return D;
            }

            @Override
            public DMatrixRMaj jacobian(int k) {
                return jacobian;
            }
        };
    }
}
