package rudder.theory;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * Algebra with plain arrays as column vectors. Arguments stay as they are. Lengths are not checked: two vectors must
 * have the same length.
 */
public final class Vectors {
    private Vectors() {}

    /** Returns x'y, summed in the order of the coordinates. */
    public static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }

    /** Returns the Euclidean norm |x|. */
    public static double norm(double[] x) {
        return Math.sqrt(dot(x, x));
    }

    /** Returns the Euclidean distance |x - y|. */
    public static double distance(double[] x, double[] y) {
        return norm(minus(x, y));
    }

    /** Returns x / |x|, computed as (1 / |x|) x; for x = 0 every number is NaN. */
    public static double[] unit(double[] x) {
        return times(1 / norm(x), x);
    }

    /** Returns x + a y. */
    public static double[] plus(double[] x, double a, double[] y) {
        double[] sum = x.clone();
        for (int i = 0; i < x.length; i++) {
            sum[i] += a * y[i];
        }
        return sum;
    }

    /** Returns x - y. */
    public static double[] minus(double[] x, double[] y) {
        return plus(x, -1, y);
    }

    /** Returns a x. */
    public static double[] times(double a, double[] x) {
        return plus(new double[x.length], a, x);
    }

    /** Returns the mean of the rows, [n][d] to d numbers, as a sum of rows times 1/n; n >= 1. */
    public static double[] mean(double[][] rows) {
        double[] mean = new double[rows[0].length];
        for (double[] row : rows) {
            mean = plus(mean, 1.0 / rows.length, row);
        }
        return mean;
    }

    /** Returns M x, for M of m x d and x of d numbers. */
    public static double[] multiply(DMatrixRMaj m, double[] x) {
        double[] y = new double[m.numRows];
        CommonOps_DDRM.mult(m, column(x), column(y));
        return y;
    }

    /** Returns x as a d x 1 matrix that shares its numbers. */
    public static DMatrixRMaj column(double[] x) {
        return DMatrixRMaj.wrap(x.length, 1, x);
    }

    /** Returns x as a 1 x d matrix that shares its numbers. */
    public static DMatrixRMaj row(double[] x) {
        return DMatrixRMaj.wrap(1, x.length, x);
    }

    /** Returns the numbers in single precision. */
    public static float[] floats(double[] x) {
        return floats(x, x.length);
    }

    /** Returns a matrix's numbers in single precision, row by row. */
    public static float[] floats(DMatrixRMaj m) {
        return floats(m.data, m.getNumElements());
    }

    private static float[] floats(double[] x, int n) {
        float[] y = new float[n];
        for (int i = 0; i < n; i++) {
            y[i] = (float) x[i];
        }
        return y;
    }

    /** Returns the numbers in double precision. */
    public static double[] doubles(float[] x) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = x[i];
        }
        return y;
    }

    /** Returns a copy of the rows. */
    public static double[][] copy(double[][] rows) {
        double[][] copy = new double[rows.length][];
        for (int i = 0; i < rows.length; i++) {
            copy[i] = rows[i].clone();
        }
        return copy;
    }
}
