package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.theory.Fixtures.*;

import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.Test;

class StatisticsTest {
    @Test
    void halfOfTheValuesLieOnEitherSideOfTheMedian() {
        assertEquals(2, Statistics.median(3, 1, 2));
        assertEquals(2.5, Statistics.median(4, 1, 3, 2));
        assertEquals(7, Statistics.median(7));
    }

    @Test
    void quantilesInterpolateBetweenNeighbours() {
        double[] values = {40, 10, 30, 20, 0};
        assertEquals(0, Statistics.quantile(values, 0));
        assertEquals(40, Statistics.quantile(values, 1));
        assertEquals(Statistics.median(values), Statistics.quantile(values, 0.5));
        assertEquals(1, Statistics.quantile(values, 0.025), 1e-14);
        assertEquals(5, Statistics.quantile(new double[] {5}, 0.3));
    }

    /** The oracle solves the normal equations of [x 1]. */
    @Test
    void theLineSolvesTheNormalEquations() {
        var random = new Random(4);
        double[] x = vector(9, random);
        double[] y = vector(9, random);
        var design = new DMatrixRMaj(9, 2);
        for (int i = 0; i < 9; i++) {
            design.set(i, 0, x[i]);
            design.set(i, 1, 1);
        }
        var normal = CommonOps_DDRM.multTransA(design, design, null);
        double[] right = Vectors.multiply(transpose(design), y);
        var line = Statistics.leastSquares(x, y, 1);
        assertClose(Vectors.multiply(inverse(normal), right), new double[] {line.slope(), line.intercept()}, 1e-12);
    }

    @Test
    void pointsAboveEachOtherTakeTheGivenSlope() {
        var line = Statistics.leastSquares(new double[] {2, 2}, new double[] {5, 7}, 1);
        assertEquals(new Statistics.Line(1, 4), line);
    }

    @Test
    void errorsSayWhatIsMissing() {
        assertRefuses(() -> Statistics.median(), "no values");
        assertRefuses(() -> Statistics.quantile(new double[] {1}, 1.5), "1.5", "0..1");
        assertRefuses(() -> Statistics.leastSquares(new double[2], new double[3], 1), "y has length 3, wanted 2");
    }
}
