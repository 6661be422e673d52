package rudder.steer.natural;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import rudder.theory.DenseAlgebra;
import rudder.theory.Matrices;
import rudder.theory.Vectors;

/**
 * The Fisher matrix R of one block, positive semidefinite: the matrix itself, or a factor F with R = F'F of fewer rows.
 *
 * @param numbers R [d, d], or F [r, d]
 * @param factored whether the numbers are F
 * @param trace tr R, also of what a factor leaves out
 */
record FisherForm(DMatrixRMaj numbers, boolean factored, double trace) {

    int dimension() {
        return numbers.numCols;
    }

    /** Returns x'R x. */
    double square(double[] x) {
        double[] y = Vectors.multiply(numbers, x);
        return factored ? Vectors.dot(y, y) : Math.max(0, Vectors.dot(x, y));
    }

    /** Returns (R + a I)^-1 X' as rows, for rows X [m, d] and a > 0: [m, d]. */
    DMatrixRMaj solve(double a, DMatrixRMaj rows, DenseAlgebra algebra) {
        if (!factored) {
            var shifted = Matrices.addToDiagonal(numbers.copy(), a);
            var columns = CommonOps_DDRM.transpose(rows, null);
            return CommonOps_DDRM.transpose(algebra.solveSpd(shifted, columns), null);
        }
        // (F'F + a I)^-1 = (I - F' (a I + F F')^-1 F) / a
        var small = Matrices.addToDiagonal(CommonOps_DDRM.multTransB(numbers, numbers, null), a);
        var projected = CommonOps_DDRM.multTransB(numbers, rows, null); // F X' [r, m]
        var solved = DenseAlgebra.ejml().solveSpd(small, projected);
        var answer = rows.copy();
        CommonOps_DDRM.multAddTransA(-1, solved, numbers, answer);
        CommonOps_DDRM.divide(answer, a);
        return answer;
    }

    /** Sums outer products of gradients of one block. */
    static final class Sum {
        private final int rank;
        private final DMatrixRMaj numbers; // dense
        private DMatrixRMaj factor; // low rank
        private double trace;
        private long count;

        /** @param rank rows to keep; the full matrix for d or more */
        Sum(int dimension, int rank) {
            this.rank = rank;
            numbers = rank < dimension ? null : new DMatrixRMaj(dimension, dimension);
            factor = new DMatrixRMaj(0, dimension);
        }

        /** Adds sum_i g_i g_i' for rows g_i [n, d]. */
        void add(DMatrixRMaj gradients, DenseAlgebra algebra) {
            count += gradients.numRows;
            trace += Math.pow(NormOps_DDRM.fastNormF(gradients), 2);
            if (numbers != null) {
                CommonOps_DDRM.addEquals(numbers, algebra.multiplyTransposed(gradients, gradients)); // G'G
            } else {
                factor = truncated(CommonOps_DDRM.concatRowsMulti(factor, gradients));
            }
        }

        /** Returns the rows U'M of the largest eigenvalues of M M' = U diag U', the best factor of this rank of M'M. */
        private DMatrixRMaj truncated(DMatrixRMaj m) {
            if (m.numRows <= rank) {
                return m;
            }
            var gram = CommonOps_DDRM.multTransB(m, m, null);
            var eigen = DecompositionFactory_DDRM.eig(m.numRows, true, true);
            if (!eigen.decompose(gram)) {
                throw new IllegalStateException("the eigenvalues of " + m.numRows
                        + " gradients did not converge: compute with a higher rank, or with fewer tokens a batch");
            }
            var order = IntStream.range(0, m.numRows)
                    .boxed()
                    .sorted(Comparator.comparingDouble(
                            i -> -eigen.getEigenvalue(i).getReal()))
                    .mapToInt(i -> i)
                    .limit(rank)
                    .toArray();
            var u = new DMatrixRMaj(rank, m.numRows);
            for (int i = 0; i < rank; i++) {
                System.arraycopy(eigen.getEigenVector(order[i]).data, 0, u.data, i * m.numRows, m.numRows);
            }
            return CommonOps_DDRM.mult(u, m, null);
        }

        /** Returns the mean of what was added. */
        FisherForm mean() {
            var mean = (numbers == null ? factor : numbers).copy();
            CommonOps_DDRM.divide(mean, numbers == null ? Math.sqrt(count) : count);
            return new FisherForm(mean, numbers == null, trace / count);
        }
    }
}
