package rudder.steer.rival;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;

class KernelLogisticTest {
    private static final int N = 14;
    private static final int POSITIVE = 6;
    private static final int D = 3;
    private static final int F = 1 + D + D * D; // explicit features of (0.1 x.y + 1)^2
    private final Random random = new Random(4);
    private final double[][] features = features();

    private double[][] features() {
        var rows = new double[N][F];
        for (double[] row : rows) {
            double[] x = random.doubles(D, -3, 3).toArray();
            row[0] = 1;
            for (int i = 0; i < D; i++) {
                row[1 + i] = Math.sqrt(2 * 0.1) * x[i];
                for (int j = 0; j < D; j++) {
                    row[1 + D + i * D + j] = 0.1 * x[i] * x[j];
                }
            }
        }
        return rows;
    }

    private DMatrixRMaj kernel() {
        var kernel = new DMatrixRMaj(N, N);
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                for (int k = 0; k < F; k++) {
                    kernel.add(i, j, features[i][k] * features[j][k]);
                }
            }
        }
        return kernel;
    }

    /** The oracle is gradient descent on the weights of the explicit features, which knows no kernel. */
    @Test
    void theFitIsThatOfTheExplicitFeatures() {
        var kernel = kernel();
        var w = new double[F];
        double bias = 0;
        for (int step = 0; step < 300_000; step++) {
            double[] gradient = w.clone(); // of |w|^2 / 2
            double down = 0;
            for (int i = 0; i < N; i++) {
                double p = 1 / (1 + Math.exp(-decision(w, bias, i)));
                double miss = p - (i < POSITIVE ? 1 : 0);
                for (int k = 0; k < F; k++) {
                    gradient[k] += miss * features[i][k];
                }
                down += miss;
            }
            for (int k = 0; k < F; k++) {
                w[k] -= 0.02 * gradient[k];
            }
            bias -= 0.02 * down;
        }
        var fitted = KernelLogistic.fit(kernel, POSITIVE);
        double[] f = fitted.decisions(kernel);
        for (int i = 0; i < N; i++) {
            assertEquals(decision(w, bias, i), f[i], 1e-7);
        }
        assertEquals(bias, fitted.bias(), 1e-6);
    }

    private double decision(double[] w, double bias, int i) {
        double f = bias;
        for (int k = 0; k < F; k++) {
            f += w[k] * features[i][k];
        }
        return f;
    }

    @Test
    void coefficientsSumToZeroAndHaveTheirSidesSign() {
        double[] a = KernelLogistic.fit(kernel(), POSITIVE).coefficients();
        double sum = 0;
        for (int i = 0; i < N; i++) {
            assertTrue(i < POSITIVE ? a[i] > 0 : a[i] < 0);
            sum += a[i];
        }
        assertEquals(0, sum, 1e-9);
    }

    /** Far apart and many times as large as the authors' kernel, so that probabilities saturate. */
    @Test
    void sidesFarApartAreFittedToo() {
        var kernel = new DMatrixRMaj(4, 4);
        double[] x = {900, 1000, -1000, -950};
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                kernel.set(i, j, x[i] * x[j]);
            }
        }
        double[] f = KernelLogistic.fit(kernel, 2).decisions(kernel);
        assertTrue(f[0] > 1 && f[2] < -1);
    }

    @Test
    void errorsSayWhatIsWrong() {
        assertRefused(() -> KernelLogistic.fit(kernel(), 0), "0 of 14 rows");
        assertRefused(() -> KernelLogistic.fit(kernel(), N), "14 of 14 rows");
        var broken = kernel();
        broken.set(3, Double.NaN);
        assertRefused(() -> KernelLogistic.fit(broken, 2), "kernel holds NaN");
    }
}
