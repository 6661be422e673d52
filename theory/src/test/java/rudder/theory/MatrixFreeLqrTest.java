package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static rudder.theory.Fixtures.*;

import java.util.Collections;
import java.util.Random;
import java.util.function.BiFunction;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.Test;
import rudder.theory.control.Controller;

class MatrixFreeLqrTest {
    @Test
    void vectorsEqualTheDenseGainsTimesTheDirections() {
        for (var cost : new QuadraticCost[] {
            COST, new QuadraticCost(0.1, 10, 1), new QuadraticCost(0.1, 1, 0.1), new QuadraticCost(5, 0.01, 0.2)
        }) {
            var system = system(9, 20, 1);
            var setpoint = setpoint(9, 20, 1, 2);
            var solution = Lqr.solve(system, cost);
            var w = MatrixFreeLqr.feedback(Differential.of(system), cost, setpoint, 1e-10);
            for (int k = 0; k < 9; k++) {
                assertClose(solution.feedback(k, setpoint.direction(k)), w.vector(k), 1e-8);
            }
            double[] z = vector(20, new Random(3));
            assertClose(
                    Controller.lqr(solution, setpoint).input(4, z),
                    Controller.lqr(w, setpoint).input(4, z),
                    1e-8);
        }
    }

    @Test
    void freeStatesNeedNoInput() {
        var setpoint = setpoint(3, 4, 1, 2);
        var w = MatrixFreeLqr.feedback(Differential.of(system(3, 4, 1)), new QuadraticCost(0, 1, 0), setpoint, 1e-10);
        assertEquals(0, Vectors.norm(w.vector(1)));
    }

    /** NaN is below no goal: such a problem would count as solved, with the input 0. */
    @Test
    void productsThatAreNotFiniteAreRefusedWithTheirBlock() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            for (boolean forwards : new boolean[] {true, false}) {
                assertRefuses(
                        () -> MatrixFreeLqr.feedback(spoilt(1, bad, forwards), COST, setpoint(3, 4, 1, 2), 1e-9),
                        forwards ? "jvp" : "vjp",
                        "block 1",
                        "" + bad);
            }
        }
        var growing = Differential.of(LinearSystem.of(Collections.nCopies(3, identity(4, 1e50))));
        assertRefuses(
                () -> MatrixFreeLqr.feedback(growing, COST, setpoint(3, 4, 1, 2), 1e-9), "grows too fast", "block 0");
    }

    /** A system of which one block's products hold a wrong number. */
    private static Differential spoilt(int block, double bad, boolean forwards) {
        var plant = Differential.of(system(3, 4, 1));
        return differential(
                (k, x) -> filled(plant.jvp(k, x), bad, forwards && k == block),
                (k, y) -> filled(plant.vjp(k, y), bad, !forwards && k == block));
    }

    private static DMatrixRMaj filled(DMatrixRMaj product, double number, boolean here) {
        if (here) {
            CommonOps_DDRM.fill(product, number);
        }
        return product;
    }

    private static Differential differential(
            BiFunction<Integer, DMatrixRMaj, DMatrixRMaj> jvp, BiFunction<Integer, DMatrixRMaj, DMatrixRMaj> vjp) {
        return new Differential() {
            @Override
            public int horizon() {
                return 3;
            }

            @Override
            public int dimension() {
                return 4;
            }

            @Override
            public DMatrixRMaj jvp(int k, DMatrixRMaj vectors) {
                return jvp.apply(k, vectors);
            }

            @Override
            public DMatrixRMaj vjp(int k, DMatrixRMaj covectors) {
                return vjp.apply(k, covectors);
            }
        };
    }

    @Test
    void errorsNameWhatIsWrong() {
        var system = system(3, 4, 1);
        assertRefuses(
                () -> MatrixFreeLqr.feedback(Differential.of(system), COST, setpoint(4, 4, 1, 2), 1e-9),
                "horizon",
                "4, wanted 3");
        assertRefuses(
                () -> MatrixFreeLqr.feedback(Differential.of(system), COST, setpoint(3, 4, 1, 2), 0),
                "tolerance is 0.0");
        assertRefuses(
                () -> Controller.lqr(FeedbackVectors.of(new double[2][4]), setpoint(3, 4, 1, 2)),
                "K_k v_k",
                "2, wanted 3");
        var plant = Differential.of(system);
        var skewed = differential(plant::jvp, (k, y) -> plant.vjp(2 - k, y));
        assertThrows(
                ArithmeticException.class, () -> MatrixFreeLqr.feedback(skewed, COST, setpoint(3, 4, 1, 2), 1e-12));
    }
}
