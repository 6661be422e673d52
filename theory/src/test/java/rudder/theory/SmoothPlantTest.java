package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.List;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;
import rudder.theory.plant.Pendulum;
import rudder.theory.plant.ResidualNetwork;

class SmoothPlantTest {
    private final Random random = new Random(1);
    private final Pendulum pendulum = new Pendulum(20, 0.05, 1, 0.1);
    private final ResidualNetwork network = ResidualNetwork.random(6, 5, 9, 0.8, 2);

    @Test
    void jacobiansEqualCentralDifferences() {
        for (SmoothPlant plant : List.of(pendulum, network)) {
            int d = plant.dimension();
            for (int k = 0; k < plant.horizon(); k++) {
                double[] z = vector(d, random);
                var differences = new DMatrixRMaj(d, d);
                for (int i = 0; i < d; i++) {
                    double[] step = new double[d];
                    step[i] = 1;
                    double[] up = plant.next(k, Vectors.plus(z, 1e-5, step));
                    double[] down = plant.next(k, Vectors.plus(z, -1e-5, step));
                    for (int row = 0; row < d; row++) {
                        differences.set(row, i, (up[row] - down[row]) / 2e-5);
                    }
                }
                assertClose(differences, plant.jacobian(k, z), 1e-9);
            }
        }
    }

    @Test
    void remainderStaysBelowHalfTheCurvatureTimesTheSquare() {
        for (SmoothPlant plant : List.of(pendulum, network)) {
            for (int trial = 0; trial < 500; trial++) {
                int k = trial % plant.horizon();
                double[] z = times(3, vector(plant.dimension(), random));
                double[] x = times(Math.pow(10, -trial % 4), vector(plant.dimension(), random));
                double radius = Vectors.norm(x);
                assertTrue(remainder(plant, k, z, x) <= plant.curvature(k, z, radius) / 2 * radius * radius + 1e-14);
            }
        }
    }

    @Test
    void pendulumsCurvatureIsAttained() {
        double[] z = {0.4, 0};
        double[] x = {1e-4, 0};
        assertEquals(pendulum.curvature(0, z, 0), 2 * remainder(pendulum, 0, z, x) / 1e-8, 1e-3);
        double steepest = pendulum.curvature(0, new double[] {Math.PI / 2, 0}, 0);
        assertEquals(steepest, pendulum.curvature(0, z, 1.3), 1e-12);
        assertEquals(steepest, pendulum.curvature(0, new double[] {-0.4 - 5 * Math.PI, 0}, 1.3), 1e-12);
        assertTrue(pendulum.curvature(0, z, 1.1) < steepest);
    }

    /** The plan was made for a rod of 1 m; the rod is 1.3 m long. */
    @Test
    void feedbackRightsThePendulumWhereThePlanLetsItFall() {
        var longer = new Pendulum(60, 0.05, 1.3, 0.1);
        var assumed = new Pendulum(60, 0.05, 1, 0.1);
        double[] tilted = {0.5, 0};
        var upright = new double[61][2];
        var feedback = Controller.tracking(Lqr.solve(assumed.linearise(upright), new QuadraticCost(1, 5, 1)), upright);
        var plan = feedback.frozenAt(Rollout.of(assumed, feedback, tilted));
        assertEquals(0, Vectors.norm(Rollout.of(longer, feedback, tilted).states()[60]), 1e-3);
        assertTrue(Vectors.norm(Rollout.of(longer, plan, tilted).states()[60]) > 0.5);
    }

    @Test
    void errorsAndLines() {
        assertRefuses(() -> new Pendulum(0, 1, 1, 1), "0 steps");
        assertRefuses(() -> ResidualNetwork.random(1, 0, 1, 1, 1), "dimension 0");
        assertRefuses(() -> network.linearise(new double[2][5]), "2 states", "6 blocks");
        assertRefuses(() -> network.next(6, new double[5]), "block 6", "0..5");
        assertEquals("ResidualNetwork[T=6, d=5, width=9]", network.toString());
        assertEquals(
                "LinearSystem[T=6, d=5, linearised ResidualNetwork[T=6, d=5, width=9]]",
                network.linearise(new double[6][5]).toString());
    }

    private static double remainder(SmoothPlant plant, int k, double[] z, double[] x) {
        double[] actual = Vectors.plus(plant.next(k, Vectors.plus(z, 1, x)), -1, plant.next(k, z));
        return Vectors.norm(Vectors.plus(actual, -1, Vectors.multiply(plant.jacobian(k, z), x)));
    }
}
