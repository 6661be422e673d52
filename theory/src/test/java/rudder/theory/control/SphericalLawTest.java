package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.Random;
import org.junit.jupiter.api.Test;
import rudder.theory.Vectors;

class SphericalLawTest {
    private static final int D = 6;
    private final Random random = new Random(5);
    private final double[] v = unit(D, random);

    /** The oracle turns in the plane of state and direction, by a fraction from softmax probabilities. */
    @Test
    void aStateTurnsTowardsTheDirectionByTheGatesFractionOfItsAngle() {
        int turned = 0;
        for (int i = 0; i < 50; i++) {
            double[] z = times(3, vector(D, random));
            double degrees = ControlLaw.degreesBetween(z, v);
            double cosine = Math.cos(Math.toRadians(degrees));
            double likely = Math.exp(4 * cosine) / (Math.exp(4 * cosine) + Math.exp(-4 * cosine)); // of v
            double t = Math.max(0, Math.min(1, 0.7 * (1 - 2 * likely + 0.15) / 1.15));
            double[] wanted = input(ControlLaw.rotation(z, v, t * degrees), z);
            double[] found = input(new SphericalLaw(v, 4, 0.7, -0.15, 1), z);
            assertEquals(0, Vectors.distance(wanted, found), 1e-12 * Vectors.norm(z));
            assertEquals(Vectors.norm(z), Vectors.norm(Vectors.plus(z, 1, found)), 1e-12);
            turned += t > 0 ? 1 : 0;
        }
        assertTrue(10 < turned && turned < 50, "both sides of the gate, " + turned);
    }

    @Test
    void aShutGateAddsExactlyNothing() {
        var law = new SphericalLaw(v, 20, 1, 0.4, 1);
        assertEquals(0, Vectors.norm(input(law, times(7, v))));
        double[] beside = Vectors.plus(vector(D, random), 9, v);
        assertEquals(0, Vectors.norm(input(law, beside)));
        assertEquals(0, Vectors.norm(input(new SphericalLaw(v, 20, 0, -0.9, 1), Vectors.times(-1, beside))));
    }

    @Test
    void aFullTurnEndsOnTheDirectionAndTheGainScalesTheInput() {
        double[] z = Vectors.plus(vector(D, random), -9, v);
        var law = new SphericalLaw(v, 1e3, 1, 0, 1);
        assertClose(Vectors.times(Vectors.norm(z), v), Vectors.plus(z, 1, input(law, z)), 1e-12);
        assertClose(Vectors.times(-0.3, input(law, z)), input(law.times(-0.3), z), 1e-12);
    }

    @Test
    void noStateDividesByZero() {
        for (double[] z : new double[][] {new double[D], v, Vectors.times(-1, v)}) {
            for (double number : input(new SphericalLaw(v, 20, 0.5, -0.5, 1), z)) {
                assertTrue(Double.isFinite(number));
            }
        }
    }

    @Test
    void errorsSayWhatIsOutOfBounds() {
        assertRefuses(() -> new SphericalLaw(new double[] {2, 0}, 20, 0.5, 0, 1), "norm 2.0", "wanted 1");
        assertRefuses(() -> new SphericalLaw(v, 0, 0.5, 0, 1), "kappa is 0.0");
        assertRefuses(() -> new SphericalLaw(v, 20, -1, 0, 1), "alpha is -1.0");
        assertRefuses(() -> new SphericalLaw(v, 20, 0.5, 1, 1), "beta is 1.0", "between -1 and 1");
        assertRefuses(() -> new SphericalLaw(v, 20, 0.5, 0, Double.NaN), "gain");
    }

    static double[] input(ControlLaw law, double[] z) {
        return law.on(Arithmetic.heap()).of(Vectors.row(z), new MeasurementMemory()).data;
    }
}
