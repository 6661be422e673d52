package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.Collections;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.NormOps_DDRM;
import org.junit.jupiter.api.Test;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

class TransitionNormsTest {
    @Test
    void normsEqualTheLargestSingularValuesOfTheProducts() {
        for (var system : new LinearSystem[] {
            system(6, 40, 1), Lqr.solve(system(6, 25, 2), COST).closedLoop(), system(9, 1, 3), system(1, 3, 4)
        }) {
            var norms = TransitionNorms.of(system);
            for (int k = 0; k <= system.horizon(); k++) {
                for (int j = 0; j <= k; j++) {
                    double expected = NormOps_DDRM.normP2(system.transition(k, j));
                    assertEquals(expected, norms.norm(k, j), 1e-10 * expected, "Phi(" + k + ", " + j + ")");
                }
            }
        }
    }

    /** A thousand eigenvalues within 1e-3 of each other, the largest two 1e-6 apart. */
    @Test
    void theLargestOfManyCloseEigenvaluesIsFound() {
        int d = 1000;
        var crowded = identity(d, 1);
        for (int i = 0; i < d; i++) {
            crowded.set(i, i, 1 - 1e-6 * i);
        }
        assertEquals(1, norm(crowded), 1e-10);
    }

    @Test
    void normsOfClusteredAndDegenerateSpectraAreFoundToo() {
        int d = 50;
        var random = new Random(5);
        var clustered = identity(d, 1);
        for (int i = 0; i < d; i++) {
            clustered.set(i, i, 1 - 1e-4 * random.nextDouble());
        }
        assertEquals(NormOps_DDRM.normP2(clustered), norm(clustered), 1e-10);
        assertEquals(3, norm(identity(d, 3)), 1e-12);
        assertEquals(0, norm(identity(d, 0)));
        var column = matrix(d, 1, random);
        assertEquals(Math.pow(NormOps_DDRM.normF(column), 2), norm(product(column, transpose(column))), 1e-10);
    }

    @Test
    void transitionsAreProductsInOrder() {
        var system = system(4, 3, 6);
        assertClose(
                product(system.jacobian(3), system.jacobian(2), system.jacobian(1)), system.transition(4, 1), 1e-15);
        assertClose(identity(3, 1), system.transition(2, 2), 0);
        assertRefuses(() -> system.transition(2, 3), "block 3", "0..2");
        assertRefuses(() -> TransitionNorms.of(system).norm(5, 0), "block 5", "0..4");
        assertTrue(TransitionNorms.of(system)
                .toString()
                .matches("TransitionNorms\\[\\|Phi\\(4, 0\\)\\|=.*, LinearSystem\\[T=4, d=3]]"));
    }

    /** The deviations of a controlled run follow the controller's closed loop. */
    @Test
    void systemUnderAControllerMapsDeviationsToDeviations() {
        var system = system(4, 3, 7);
        var controller = Controller.lqr(Lqr.solve(system, COST), setpoint(4, 3, 1, 8))
                .plus(Controller.actAdd(setpoint(4, 3, 1, 9), 2));
        var random = new Random(10);
        double[] a = vector(3, random);
        double[] b = vector(3, random);
        var plant = Plant.of(system);
        var deviation = Rollout.of(plant, controller, a).minus(Rollout.of(plant, controller, b));
        assertClose(
                deviation.states()[4],
                Vectors.multiply(controller.closedLoop(system).transition(4, 0), Vectors.plus(a, -1, b)),
                1e-13);
        assertEquals(
                "LinearSystem[LinearSystem[T=4, d=3] under none]",
                Controller.none().closedLoop(system).toString());
    }

    private static double norm(DMatrixRMaj m) {
        return TransitionNorms.of(LinearSystem.of(Collections.nCopies(1, m))).norm(1, 0);
    }
}
