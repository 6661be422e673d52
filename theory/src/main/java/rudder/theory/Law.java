package rudder.theory;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * What is added at one block: {@code u = W (b - C z)}. It reads m numbers of the state and answers along m vectors, so a law costs 2 m d
 * multiplications however its gains were computed; tracking one feature has m = 1.
 *
 * @param C what is read, m x d; each row is a direction
 * @param b where those m numbers should be
 * @param W what is added for each unit of error, d x m
 */
public record Law(DMatrixRMaj C, double[] b, DMatrixRMaj W) {
    /** @throws IllegalArgumentException naming the part whose shape does not fit or that holds a number that is not finite */
    public Law {
        Check.shape("C", C, b.length, W.numRows);
        Check.shape("W", W, C.numCols, b.length);
        Check.finite("C", C);
        Check.finite("b", b);
        Check.finite("W", W);
        b = b.clone();
    }

    /** u whatever the state: C = 0, b = 1, W = u. */
    public static Law constant(double[] u) {
        return new Law(new DMatrixRMaj(1, u.length), new double[] {1}, Vectors.column(u.clone()));
    }

    /** {@code (target - v.z) w}: one direction read, one answered along. */
    public static Law along(double[] v, double target, double[] w) {
        return new Law(Vectors.row(v.clone()), new double[] {target}, Vectors.column(w.clone()));
    }

    /** m, how many numbers are read. */
    public int rank() {
        return b.length;
    }

    /** d. */
    public int dimension() {
        return C.numCols;
    }

    /** u = W (b - C z). */
    public double[] input(double[] z) {
        Check.length("the state", z.length, dimension());
        return Vectors.multiply(W, Vectors.plus(b, -1, Vectors.multiply(C, z)));
    }

    /** The sum of both inputs, as one law: the rows of C and b stacked, the columns of W side by side. */
    public Law plus(Law other) {
        Check.length("a state of the law to add", other.dimension(), dimension());
        var stacked = CommonOps_DDRM.concatRowsMulti(C, other.C);
        var beside = CommonOps_DDRM.concatColumnsMulti(W, other.W);
        var both = CommonOps_DDRM.concatRowsMulti(Vectors.column(b), Vectors.column(other.b));
        return new Law(stacked, both.data, beside);
    }

    @Override
    public String toString() {
        return "Law[u = W (b - C z), m=" + rank() + ", d=" + dimension() + "]";
    }
}
