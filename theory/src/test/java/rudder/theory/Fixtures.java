package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.junit.jupiter.api.function.Executable;

/** Small random worlds, matrix algebra that reads like a textbook, and assertions on both. */
public final class Fixtures {
    private Fixtures() {}

    public static final QuadraticCost COST = new QuadraticCost(0.3, 0.7, 1.9);

    public static LinearSystem system(int horizon, int d, long seed) {
        var random = new Random(seed);
        return LinearSystem.of(
                IntStream.range(0, horizon).mapToObj(k -> matrix(d, d, random)).toList());
    }

    /** Returns a system with the mark of a plant. */
    public static LinearSystem measured(LinearSystem system, String plant) {
        return new LinearSystem() {
            @Override
            public int horizon() {
                return system.horizon();
            }

            @Override
            public int dimension() {
                return system.dimension();
            }

            @Override
            public DMatrixRMaj jacobian(int k) {
                return system.jacobian(k);
            }

            @Override
            public Optional<String> plant() {
                return Optional.of(plant);
            }
        };
    }

    /** Entries of variance 1 / columns, so that norms stay near 1. */
    public static DMatrixRMaj matrix(int rows, int columns, Random random) {
        return DMatrixRMaj.wrap(rows, columns, times(1 / Math.sqrt(columns), vector(rows * columns, random)));
    }

    public static double[] vector(int d, Random random) {
        return random.doubles(d, -1.7, 1.7).toArray();
    }

    public static double[] unit(int d, Random random) {
        return Vectors.unit(vector(d, random));
    }

    public static Setpoint setpoint(int horizon, int d, double lambda, long seed) {
        var random = new Random(seed);
        var directions =
                IntStream.rangeClosed(0, horizon).mapToObj(k -> unit(d, random)).toArray(double[][]::new);
        var gaps = random.doubles(horizon + 1, 0.5, 2).toArray();
        return Setpoint.of(directions, gaps, vector(horizon + 1, random), lambda, "random");
    }

    public static double[] times(double a, double[] x) {
        return Vectors.times(a, x);
    }

    public static DMatrixRMaj identity(int d, double value) {
        var m = CommonOps_DDRM.identity(d);
        CommonOps_DDRM.scale(value, m);
        return m;
    }

    public static DMatrixRMaj product(DMatrixRMaj first, DMatrixRMaj... rest) {
        var product = first;
        for (var factor : rest) {
            product = CommonOps_DDRM.mult(product, factor, null);
        }
        return product;
    }

    public static DMatrixRMaj transpose(DMatrixRMaj m) {
        return CommonOps_DDRM.transpose(m, null);
    }

    public static DMatrixRMaj plus(DMatrixRMaj a, DMatrixRMaj b) {
        return CommonOps_DDRM.add(a, b, null);
    }

    public static DMatrixRMaj minus(DMatrixRMaj a, DMatrixRMaj b) {
        return CommonOps_DDRM.subtract(a, b, null);
    }

    public static DMatrixRMaj inverse(DMatrixRMaj m) {
        var inverse = new DMatrixRMaj(m.numRows, m.numCols);
        assertTrue(CommonOps_DDRM.invert(m, inverse));
        return inverse;
    }

    public static DMatrixRMaj block(DMatrixRMaj m, int row, int column, int d) {
        return CommonOps_DDRM.extract(m, row * d, (row + 1) * d, column * d, (column + 1) * d);
    }

    public static void assertClose(DMatrixRMaj expected, DMatrixRMaj actual, double relative) {
        double scale = Math.max(1e-300, NormOps_DDRM.normF(expected));
        assertEquals(0, NormOps_DDRM.normF(minus(expected, actual)) / scale, relative, "relative Frobenius distance");
    }

    public static void assertClose(double[] expected, double[] actual, double relative) {
        assertClose(Vectors.column(expected), Vectors.column(actual), relative);
    }

    public static void assertRefuses(Executable call, String... words) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        for (String word : words) {
            assertTrue(message.contains(word), () -> "'" + message + "' does not say '" + word + "'");
        }
    }
}
