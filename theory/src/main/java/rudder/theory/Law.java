package rudder.theory;

import java.util.Map;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * What is added at one block: {@code u = W y + sum_i past_i y_i} for the errors {@code y = b - C z} measured here and, where a controller remembers, y_i
 * measured by the laws of earlier blocks. A law reads m numbers of the state and answers along m vectors, so it costs 2 m d multiplications
 * however its gains were computed; tracking one feature has m = 1.
 *
 * @param C what is read, m x d; each row is a direction
 * @param b where those m numbers should be
 * @param W what is added for each unit of error, d x m
 * @param past what is added for each unit of an earlier block's error, by block, d x that block's m; empty for most laws
 */
public record Law(DMatrixRMaj C, double[] b, DMatrixRMaj W, Map<Integer, DMatrixRMaj> past) {
    /** @throws IllegalArgumentException naming the part whose shape does not fit or that holds a number that is not finite */
    public Law {
        Check.shape("C", C, b.length, W.numRows);
        Check.shape("W", W, C.numCols, b.length);
        Check.finite("C", C);
        Check.finite("b", b);
        Check.finite("W", W);
        b = b.clone();
        past = Map.copyOf(past);
        past.forEach((i, gain) -> {
            Check.shape("the gain on block " + i + "'s errors", gain, W.numRows, gain.numCols);
            Check.finite("the gain on block " + i + "'s errors", gain);
        });
    }

    /** A law without memory, {@code u = W (b - C z)}. */
    public Law(DMatrixRMaj C, double[] b, DMatrixRMaj W) {
        this(C, b, W, Map.of());
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

    /** y = b - C z, m numbers. */
    public double[] error(double[] z) {
        Check.length("the state", z.length, dimension());
        return Vectors.plus(b, -1, Vectors.multiply(C, z));
    }

    /** u = W (b - C z): the input of a law without memory; else the part of it that needs none. */
    public double[] input(double[] z) {
        return Vectors.multiply(W, error(z));
    }

    /** Both laws' present inputs as one law: the rows of C and b stacked, the columns of W side by side. */
    Law beside(Law other) {
        return new Law(CommonOps_DDRM.concatRowsMulti(C, other.C),
                CommonOps_DDRM.concatRowsMulti(Vectors.column(b), Vectors.column(other.b)).data,
                CommonOps_DDRM.concatColumnsMulti(W, other.W));
    }

    @Override
    public String toString() {
        return "Law[m=" + rank() + ", d=" + dimension() + (past.isEmpty() ? "]" : ", remembers " + past.size() + " blocks]");
    }
}
