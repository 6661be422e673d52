package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.Golden;
import rudder.theory.DenseAlgebra;
import rudder.theory.Gramians;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.bound.LyapunovFunction;

/** The engine's algebra against EJML's, operation by operation and in all that is built on it. */
class EngineAlgebraTest {

    private static final int T = 6;
    private static final int D = 40;
    private static final QuadraticCost COST = new QuadraticCost(.1, 2, 1);

    private final LanguageModel model = Tiny.LLAMA.model();
    private final DenseAlgebra engine = model.algebra();
    private final List<DMatrixRMaj> jacobians = IntStream.range(0, T)
            .mapToObj(k -> RandomMatrices_DDRM.rectangle(D, D, -.3, .3, new Random(k)))
            .toList();
    private final LinearSystem here = LinearSystem.of(jacobians);
    private final LinearSystem there = LinearSystem.of(jacobians, engine, "");

    private static void assertClose(DMatrixRMaj wanted, DMatrixRMaj found) {
        assertEquals(0, Golden.relative(found.data, wanted.data), 1e-12);
    }

    private static double[] first() {
        double[] unit = new double[D];
        unit[0] = 1;
        return unit;
    }

    private int arrays() {
        return model.transformer().manager.getManagedArrays().size();
    }

    @Test
    void everyOperationIsEjmls() {
        var a = jacobians.get(0);
        var b = RandomMatrices_DDRM.rectangle(D, 3, new Random(9));
        var spd = CommonOps_DDRM.multTransA(a, a, null);
        CommonOps_DDRM.addEquals(spd, CommonOps_DDRM.identity(D));
        var ejml = DenseAlgebra.ejml();
        assertClose(ejml.multiply(a, b), engine.multiply(a, b));
        assertClose(ejml.multiplyTransposed(a, b), engine.multiplyTransposed(a, b));
        assertClose(ejml.solveSpd(spd, b), engine.solveSpd(spd, b));
        try (var w = engine.open();
                var v = ejml.open()) {
            assertClose(
                    v.plus(v.put(a), -3, v.put(spd)).get(),
                    w.plus(w.put(a), -3, w.put(spd)).get());
            assertClose(
                    v.symmetric(2, v.put(a), .7).get(),
                    w.symmetric(2, w.put(a), .7).get());
            assertClose(a, w.put(a).get());
            assertClose(engine.multiply(a, b), engine.multiply(w.put(a), b));
            assertClose(engine.multiplyTransposed(a, b), engine.multiplyTransposed(w.put(a), b));
            for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                var c = a.copy();
                assertTrue(w.isFinite(w.put(c)) && v.isFinite(v.put(c)));
                c.set(3, 5, bad);
                assertFalse(w.isFinite(w.put(c)) || v.isFinite(v.put(c)));
            }
        }
    }

    @Test
    void theRegulatorIsEjmls() {
        var wanted = Lqr.solve(here, COST);
        var found = Lqr.solve(there, COST);
        var setpoint = Setpoint.constant(T, first(), 1);
        var feedback = Lqr.feedback(there, COST, setpoint);
        for (int k = 0; k < T; k++) {
            assertClose(wanted.gain(k), found.gain(k));
            assertClose(wanted.costToGo(k), found.costToGo(k));
            assertEquals(0, Golden.relative(feedback.vector(k), wanted.feedback(k, setpoint.direction(k))), 1e-12);
        }
        var huge = CommonOps_DDRM.identity(D);
        CommonOps_DDRM.scale(1e200, huge);
        var grows = List.of(huge, CommonOps_DDRM.identity(D));
        assertRefused(() -> Lqr.solve(LinearSystem.of(grows, engine, ""), COST), "cost to go of block 0");
    }

    @Test
    void soAreGuaranteesAndGramians() {
        var wanted = LyapunovFunction.of(Lqr.solve(here, COST).closedLoop());
        var found = LyapunovFunction.of(Lqr.solve(there, COST).closedLoop());
        for (int k = 0; k <= T; k++) {
            assertClose(wanted.matrix(k), found.matrix(k));
            assertEquals(wanted.peak(k), found.peak(k), 1e-9 * wanted.peak(k));
            assertEquals(wanted.floor(k), found.floor(k), 1e-9);
            assertEquals(
                    wanted.transitionNorms().norm(k, 0), found.transitionNorms().norm(k, 0), 1e-8);
            assertClose(here.transition(k, 0), there.transition(k, 0));
        }
        assertClose(Gramians.controllability(here), Gramians.controllability(there));
        assertClose(
                Gramians.observability(here, k -> jacobians.get(0)),
                Gramians.observability(there, k -> jacobians.get(0)));
    }

    @Test
    void whatWasComputedLeavesNothingBehind() {
        int before = arrays();
        LyapunovFunction.of(Lqr.solve(there, COST).closedLoop()).transitionNorms();
        there.transition(T, 0);
        assertEquals(before, arrays());
    }
}
