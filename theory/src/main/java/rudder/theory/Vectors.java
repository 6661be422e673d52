package rudder.theory;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/** Products with plain arrays as columns. */
public final class Vectors {
    private Vectors() {}

    /** x'y, for x and y of one length. */
    public static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }

    /** |x|, the Euclidean norm. */
    public static double norm(double[] x) {
        return Math.sqrt(dot(x, x));
    }

    /** x + a y */
    public static double[] plus(double[] x, double a, double[] y) {
        double[] sum = x.clone();
        for (int i = 0; i < x.length; i++) {
            sum[i] += a * y[i];
        }
        return sum;
    }

    public static double[] times(double a, double[] x) {
        return plus(new double[x.length], a, x);
    }

    public static double[] mean(double[][] rows) {
        double[] mean = new double[rows[0].length];
        for (double[] row : rows) {
            mean = plus(mean, 1.0 / rows.length, row);
        }
        return mean;
    }

    /** M x */
    public static double[] multiply(DMatrixRMaj m, double[] x) {
        double[] y = new double[m.numRows];
        CommonOps_DDRM.mult(m, column(x), column(y));
        return y;
    }

    /** -M */
    public static DMatrixRMaj negative(DMatrixRMaj m) {
        var negative = m.copy();
        CommonOps_DDRM.changeSign(negative);
        return negative;
    }

    /** A view: d x 1. */
    public static DMatrixRMaj column(double[] x) {
        return DMatrixRMaj.wrap(x.length, 1, x);
    }

    /** A view: 1 x d. */
    public static DMatrixRMaj row(double[] x) {
        return DMatrixRMaj.wrap(1, x.length, x);
    }

    public static double[][] copy(double[][] rows) {
        double[][] copy = new double[rows.length][];
        for (int i = 0; i < rows.length; i++) {
            copy[i] = rows[i].clone();
        }
        return copy;
    }
}
