package rudder.theory.bound;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.junit.jupiter.api.Test;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.Plant;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

class LyapunovFunctionTest {
    private static final int T = 6;
    private static final int D = 8;
    private final LinearSystem system = Lqr.solve(system(T, D, 1), COST).closedLoop();
    private final LyapunovFunction lyapunov = LyapunovFunction.of(system);

    @Test
    void valueIsTheSquaredLengthOfAllThatADeviationBecomes() {
        double[] x = vector(D, new Random(2));
        var rollout = Rollout.of(Plant.of(system), Controller.none(), x);
        double sum = 0;
        for (double[] z : rollout.states()) {
            sum += Vectors.dot(z, z);
        }
        assertEquals(sum, Math.pow(lyapunov.norm(0, x), 2), 1e-13 * sum);
        assertEquals(Vectors.norm(rollout.states()[T]), lyapunov.norms(rollout)[T], 1e-14);
    }

    @Test
    void oneStepContractsByExactlyTheStatesLength() {
        var random = new Random(3);
        for (int k = 0; k < T; k++) {
            double[] x = vector(D, random);
            double after = Math.pow(lyapunov.norm(k + 1, Vectors.multiply(system.jacobian(k), x)), 2);
            assertEquals(Math.pow(lyapunov.norm(k, x), 2) - Vectors.dot(x, x), after, 1e-12);
        }
    }

    @Test
    void stepsNormIsTheRootOfOneLessTheInverseOfThePeak() {
        var norms = lyapunov.transitionNorms();
        for (int k = 0; k < T; k++) {
            double dense = induced(system.jacobian(k), k, k + 1);
            assertEquals(dense, lyapunov.contraction(k), 1e-10);
            assertEquals(dense, norms.norm(k + 1, k), 1e-10);
            assertTrue(dense < 1);
        }
    }

    /** |M|_{P->P'} = |P'^{1/2} M P^{-1/2}|_2, with symmetric square roots instead of Cholesky factors. */
    @Test
    void transitionNormsEqualThoseOfDenseProductsInSymmetricRoots() {
        var norms = lyapunov.transitionNorms();
        for (int k = 0; k <= T; k++) {
            for (int j = 0; j <= k; j++) {
                assertEquals(induced(system.transition(k, j), j, k), norms.norm(k, j), 1e-10);
            }
        }
    }

    @Test
    void matrixOfASystemThatStandsStillCountsTheBlocksLeft() {
        var still = LyapunovFunction.of(LinearSystem.of(java.util.Collections.nCopies(3, identity(2, 1))));
        assertClose(identity(2, 4), still.matrix(0), 0);
        assertEquals(4, still.peak(0), 1e-12);
    }

    @Test
    void errorsNameTheBlock() {
        assertRefuses(
                () -> LyapunovFunction.of(LinearSystem.of(java.util.Collections.nCopies(3, identity(2, 1e80)))),
                "block 1");
        assertRefuses(() -> lyapunov.matrix(T + 1), "block 7", "0..6");
        assertRefuses(() -> lyapunov.norm(0, new double[2]), "length 2, wanted 8");
        assertTrue(lyapunov.toString().startsWith("LyapunovFunction[trace P_0="));
    }

    private double induced(DMatrixRMaj m, int from, int to) {
        return NormOps_DDRM.normP2(product(root(lyapunov.matrix(to)), m, inverse(root(lyapunov.matrix(from)))));
    }

    /** The symmetric square root, by eigenvectors. */
    private static DMatrixRMaj root(DMatrixRMaj p) {
        var eigen = DecompositionFactory_DDRM.eig(p.numRows, true, true);
        assertTrue(eigen.decompose(p.copy()));
        var root = new DMatrixRMaj(p.numRows, p.numRows);
        for (int i = 0; i < p.numRows; i++) {
            var v = eigen.getEigenVector(i);
            CommonOps_DDRM.multAddTransB(Math.sqrt(eigen.getEigenvalue(i).getReal()), v, v, root);
        }
        return root;
    }
}
