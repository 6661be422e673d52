package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.theory.Fixtures.*;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import rudder.theory.control.Controller;

class FeedbackVectorsTest {
    private static final int T = 4;
    private static final int D = 3;

    private final Setpoint setpoint = setpoint(T, D, 1.5, 2);

    @Test
    void vectorsAndControllersKeepThePlantOfTheirSystem() {
        var system = measured(system(T, D, 1), "a");
        var wanted = Optional.of("a");
        assertEquals(wanted, Lqr.feedback(system, COST, setpoint).plant());
        assertEquals(wanted, Lqr.solve(system, COST).feedback(setpoint).plant());
        var vectors = MatrixFreeLqr.feedback(Differential.of(system), COST, setpoint, 1e-10);
        assertEquals(wanted, vectors.plant());
        assertEquals(wanted, Controller.lqr(vectors, setpoint).plant());
        assertEquals(wanted, Controller.lqr(Lqr.solve(system, COST), setpoint).plant());
        assertRefuses(
                () -> Controller.lqr(vectors, setpoint.measuredOn("b")), "measured on b and on a", "wanted one plant");
    }

    @Test
    void oneRecursionServesSeveralSetpointsAndEveryStrength() {
        var system = system(T, D, 1);
        var other = setpoint(T, D, 1, 7);
        var both = Lqr.feedback(system, COST, List.of(setpoint, other));
        for (int k = 0; k < T; k++) {
            assertArrayEquals(
                    Lqr.feedback(system, COST, other).vector(k), both.get(1).vector(k));
            assertArrayEquals(
                    both.get(0).vector(k),
                    Lqr.feedback(system, COST, setpoint.withStrength(-2)).vector(k));
        }
    }

    @Test
    void nobodyCanChangeThem() {
        double[][] rows = {{1, 2}, {3, 4}};
        var vectors = FeedbackVectors.of(rows);
        rows[1][0] = 9;
        vectors.vector(1)[1] = 9;
        assertArrayEquals(new double[] {3, 4}, vectors.vector(1));
        assertEquals("FeedbackVectors[T=2, d=2]", vectors.toString());
        assertEquals(Optional.empty(), vectors.plant());
    }

    @Test
    void errorsNameTheBlock() {
        assertRefuses(() -> FeedbackVectors.of(new double[0][]), "no vectors");
        assertRefuses(() -> FeedbackVectors.of(new double[][] {{1}, {1, 2}}), "block 1", "2, wanted 1");
        assertRefuses(() -> FeedbackVectors.of(new double[][] {{Double.NaN}}), "block 0", "NaN");
        assertRefuses(() -> FeedbackVectors.of(new double[T][D]).vector(T), "block 4", "0..3");
        assertRefuses(
                () -> Controller.lqr(FeedbackVectors.of(new double[T][D + 1]), setpoint), "K_k v_k", "4, wanted 3");
    }
}
