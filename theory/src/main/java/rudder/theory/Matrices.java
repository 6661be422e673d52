package rudder.theory;

import org.ejml.data.DMatrixRMaj;

/** What is done to square matrices in place. */
final class Matrices {
    private Matrices() {}

    /** M + value I, in place. */
    public static void addToDiagonal(DMatrixRMaj m, double value) {
        for (int i = 0; i < m.numRows; i++) {
            m.add(i, i, value);
        }
    }

    /** (M + M') / 2, in place. */
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
}
