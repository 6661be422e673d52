package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;
import static rudder.theory.control.SphericalLawTest.input;

import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import rudder.theory.Vectors;

class FlowLawTest {
    private static final int D = 5;
    private static final int M = 7;
    private final Random random = new Random(8);
    private final DMatrixRMaj support =
            new DMatrixRMaj(IntStream.range(0, M).mapToObj(i -> unit(D, random)).toArray(double[][]::new));
    private final double[] coefficients = vector(M, random);
    private final double[] z = times(2, vector(D, random));

    private FlowLaw law(double length, int steps) {
        return new FlowLaw(support, coefficients, 0.1, 1, length, steps, 1);
    }

    /** The oracle takes the gradient by central differences of the log odds. */
    @Test
    void eachStepFollowsTheGradientOfTheLogOddsWhereItStands() {
        var law = law(1.5, 10);
        double[] at = z;
        for (int i = 0; i < 10; i++) {
            var gradient = new double[D];
            for (int j = 0; j < D; j++) {
                double[] e = new double[D];
                e[j] = 1;
                gradient[j] = (law.logOdds(Vectors.plus(at, 1e-5, e)) - law.logOdds(Vectors.plus(at, -1e-5, e))) / 2e-5;
            }
            at = Vectors.plus(at, 0.15, Vectors.unit(gradient));
        }
        assertClose(Vectors.minus(at, z), input(law, z), 1e-7);
    }

    @Test
    void alongThePathTheOddsRiseAndAgainstItTheyFall() {
        assertTrue(law(0.1, 10).logOdds(Vectors.plus(z, 1, input(law(0.1, 10), z)))
                > law(1, 1).logOdds(z));
        assertTrue(law(1, 1).logOdds(Vectors.plus(z, 1, input(law(-0.1, 10), z)))
                < law(1, 1).logOdds(z));
    }

    /** Euler's method is of first order: halving the step halves the error. */
    @Test
    void moreStepsApproachTheSolutionOfTheEquation() {
        double[] fine = input(law(0.5, 1000), z);
        double coarse = Vectors.distance(fine, input(law(0.5, 10), z));
        assertEquals(0.5, Vectors.distance(fine, input(law(0.5, 20), z)) / coarse, 0.05);
    }

    @Test
    void aStepHasItsLengthWhateverTheStateAndTheScaleOfTheOdds() {
        assertEquals(0.3, Vectors.norm(input(law(0.3, 1), z)), 1e-12);
        assertEquals(0.3, Vectors.norm(input(law(0.3, 1), Vectors.times(1e5, z))), 1e-12);
        var small = new FlowLaw(support, times(1e-200, coefficients), 0.1, 1, 0.3, 4, 1);
        assertClose(input(law(0.3, 4), z), input(small, z), 1e-12);
        assertClose(times(-2, input(law(0.3, 4), z)), input(law(0.3, 4).times(-2), z), 1e-14);
        for (double number : input(law(0.3, 4), new double[D])) {
            assertTrue(Double.isFinite(number), "a state of zeros has no direction, and divides nothing");
        }
    }

    @Test
    void errorsSayWhatIsOutOfBounds() {
        assertRefuses(() -> new FlowLaw(support, new double[3], 0.1, 1, 1, 1, 1), "support is 7 x 5, wanted 3 x 5");
        assertRefuses(() -> new FlowLaw(support, new double[M], 0.1, 1, 1, 1, 1), "all 7 coefficients are 0");
        assertRefuses(() -> law(1, 0), "0 steps", "1..1000");
        assertRefuses(() -> law(Double.NaN, 1), "length is NaN");
        assertRefuses(() -> new FlowLaw(support, coefficients, Double.NaN, 1, 1, 1, 1), "gamma is NaN");
    }
}
