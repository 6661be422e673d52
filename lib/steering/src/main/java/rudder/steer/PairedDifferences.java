package rudder.steer;

import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import rudder.theory.Check;
import rudder.theory.Vectors;
import rudder.theory.control.Rollout;

/** The direction of a feature by the first principal component of paired differences. */
final class PairedDifferences {

    private PairedDifferences() {}

    static void requirePairs(String name, int positive, int negative) {
        Check.that(
                positive == negative,
                "%s has %d positive and %d negative texts, wanted as many: pairs are compared, or use contrast",
                name,
                positive,
                negative);
    }

    /**
     * Returns the unit vector v with the largest sum of (v.d_i)^2, where d_i is z_k of positive run i minus that of
     * negative run i. The mean of v.d_i is not negative. Zero if all differences are.
     */
    static double[] direction(String name, List<Rollout> positive, List<Rollout> negative, int k) {
        var d = new DMatrixRMaj(positive.size(), positive.get(0).dimension());
        for (int i = 0; i < d.numRows; i++) {
            double[] difference =
                    Vectors.minus(positive.get(i).states()[k], negative.get(i).states()[k]);
            System.arraycopy(difference, 0, d.data, i * d.numCols, d.numCols);
        }
        // D = U S V': the first column of V is D'u / |D'u| with the first eigenvector u of DD'
        var gram = new DMatrixRMaj(d.numRows, d.numRows);
        CommonOps_DDRM.multTransB(d, d, gram);
        if (CommonOps_DDRM.trace(gram) == 0) {
            return new double[d.numCols];
        }
        var eigen = DecompositionFactory_DDRM.eig(d.numRows, true, true);
        Check.that(eigen.decompose(gram), "the differences of %s at block %d are not finite", name, k);
        int first = 0;
        for (int i = 1; i < d.numRows; i++) {
            first = eigen.getEigenvalue(i).getReal()
                            > eigen.getEigenvalue(first).getReal()
                    ? i
                    : first;
        }
        var v = new DMatrixRMaj(d.numCols, 1);
        CommonOps_DDRM.multTransA(d, eigen.getEigenVector(first), v);
        double[] unit = Vectors.unit(v.data);
        double sum = 0;
        for (int i = 0; i < d.numRows; i++) {
            for (int j = 0; j < d.numCols; j++) {
                sum += unit[j] * d.get(i, j);
            }
        }
        return sum < 0 ? Vectors.times(-1, unit) : unit;
    }
}
