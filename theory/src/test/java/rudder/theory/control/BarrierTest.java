package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import rudder.theory.Plant;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

class BarrierTest {
    private static final int T = 5;
    private static final int D = 4;
    private final Random random = new Random(21);
    private final Plant plant = Plant.of(system(T, D, 3));
    private final Setpoint bound = setpoint(T, D, 0.4, 9);
    private final DMatrixRMaj b = matrix(D, D, random);
    private final DMatrixRMaj square = product(b, transpose(b)); // B B'

    @Test
    void theFeatureStaysAboveTheBoundBehindEveryBlockOfTheBarrier() {
        int acted = 0;
        for (var inputs : new InputMatrix[] {InputMatrix.everywhere(), InputMatrix.covariance(k -> square)}) {
            for (int i = 0; i < 20; i++) {
                var run = Rollout.of(plant, Barrier.from(bound, inputs, 1), times(3, vector(D, random)));
                for (int k = 1; k < T; k++) {
                    double slack = bound.strength(k + 1, run.states()[k + 1]) - bound.target(k + 1);
                    assertTrue(slack >= -1e-12, "block " + k + ", " + slack);
                    if (Vectors.norm(run.inputs()[k]) > 0) {
                        assertEquals(0, slack, 1e-12, "no more than the bound is asked for");
                        acted++;
                    }
                }
            }
        }
        assertTrue(0 < acted && acted < 2 * 20 * (T - 1), "some states are above the bound, some below: " + acted);
    }

    /** The oracle tries other inputs that hold the bound: moved along directions that the feature does not see. */
    @Test
    void noOtherInputThatHoldsTheBoundIsSmaller() {
        double[] c = bound.direction(3);
        var barrier = Barrier.atBlock(bound, InputMatrix.covariance(k -> square), 2);
        double[] y = Vectors.plus(vector(D, random), -5, c);
        double[] w = barrier.laws(HookPoint.RESID_POST, 2)
                .get(0)
                .on(Arithmetic.heap())
                .of(Vectors.row(y), new MeasurementMemory())
                .data;
        assertEquals(bound.target(3), Vectors.dot(c, Vectors.plus(y, 1, w)), 1e-12);
        var toInputs = inverse(b); // w = B u
        double least = Vectors.norm(Vectors.multiply(toInputs, w));
        for (int i = 0; i < 100; i++) {
            double[] other = vector(D, random);
            other = Vectors.plus(other, -Vectors.dot(other, c), c);
            double larger =
                    Vectors.norm(Vectors.multiply(toInputs, Vectors.plus(w, 0.01 + random.nextDouble(), other)));
            assertTrue(larger > least, larger + " against " + least);
        }
    }

    @Test
    void aboveTheBoundNothingIsAdded() {
        var barrier = Barrier.atBlock(bound, InputMatrix.everywhere(), 0);
        double[] y = Vectors.plus(bound.closest(1, vector(D, random)), 0.01, bound.direction(1));
        assertEquals(
                0,
                Vectors.norm(SphericalLawTest.input(
                        barrier.laws(HookPoint.RESID_POST, 0).get(0), y)));
    }

    @Test
    void blocksWithoutTheFeatureHaveNoBarrier() {
        double[] v = unit(D, random);
        var absent = Setpoint.of(
                new double[][] {v, new double[D], v}, new double[] {1, 0, 1}, new double[3], 1, "absent in the middle");
        assertRefuses(() -> Barrier.atBlock(absent, InputMatrix.everywhere(), 0), "absent behind block 0");
        assertEquals(
                Set.of(1),
                new TreeSet<>(Barrier.from(absent, InputMatrix.everywhere(), 0).blocks(HookPoint.RESID_POST)));
        var none = InputMatrix.everywhere().onlyAtBlock(0);
        assertRefuses(() -> Barrier.atBlock(bound, none, 2), "no input of block 2");
        assertRefuses(() -> Barrier.from(bound, none, 1), "from 1 on");
        assertRefuses(() -> Barrier.atBlock(bound, none, T), "block 5, wanted 0..4");
    }
}
