package rudder.theory;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;

/** Small operations on matrices that EJML lacks. */
public final class Matrices {
    private Matrices() {}

    /** Adds value I to a square M in place and returns M. */
    public static DMatrixRMaj addToDiagonal(DMatrixRMaj m, double value) {
        for (int i = 0; i < m.numRows; i++) {
            m.add(i, i, value);
        }
        return m;
    }

    /** Replaces a square M by (M + M') / 2 and returns it. */
    static DMatrixRMaj symmetrised(DMatrixRMaj m) {
        for (int i = 0; i < m.numRows; i++) {
            for (int j = 0; j < i; j++) {
                double mean = (m.unsafe_get(i, j) + m.unsafe_get(j, i)) / 2;
                m.unsafe_set(i, j, mean);
                m.unsafe_set(j, i, mean);
            }
        }
        return m;
    }

    /** Returns -M, a new matrix. */
    public static DMatrixRMaj negative(DMatrixRMaj m) {
        var negative = m.copy();
        CommonOps_DDRM.changeSign(negative);
        return negative;
    }

    /**
     * Returns {@code |A - M| / |M|} in Frobenius norms, for instance how far a prompt's Jacobian is from the mean one.
     *
     * @throws IllegalArgumentException if the matrices have different numbers of elements
     */
    public static double deviation(DMatrixRMaj a, DMatrixRMaj mean) {
        Check.length("the Jacobian", a.getNumElements(), mean.getNumElements());
        double square = 0;
        for (int i = 0; i < mean.data.length; i++) {
            square += (a.data[i] - mean.data[i]) * (a.data[i] - mean.data[i]);
        }
        return Math.sqrt(square) / NormOps_DDRM.normF(mean);
    }
}
