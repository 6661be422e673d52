package rudder.steer.rival;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.theory.Check;
import rudder.theory.Vectors;

/**
 * Logistic regression in the feature space of a kernel: {@code f(x_j) = sum_i a_i K_ij + bias}. It minimises
 *
 * <pre>a'Ka / 2 + sum_j log(1 + exp(-y_j f(x_j))),   y_j = 1 or -1.</pre>
 *
 * <p>The first term is |w|^2 / 2 for the weights w in feature space. The bias is not penalised.
 *
 * @param coefficients a_i; they sum to 0
 * @param bias of f
 */
record KernelLogistic(double[] coefficients, double bias) {

    private static final int STEPS = 200;
    /** The gradient's largest number at the minimum. */
    private static final double SMALL = 1e-10;

    /**
     * Fits the regression by Newton's method with halved steps. The minimum is unique, and a_j = [y_j = 1] - p(x_j)
     * there.
     *
     * @param kernel K, [n, n]
     * @param positive the first so many rows have y = 1, the others y = -1; at least one of each
     * @throws IllegalArgumentException if a side has no row, or the kernel is not finite
     */
    static KernelLogistic fit(DMatrixRMaj kernel, int positive) {
        int n = kernel.numRows;
        Check.shape("the kernel", kernel, n, n);
        Check.finite("the kernel", kernel);
        Check.that(0 < positive && positive < n, "%d of %d rows are positive, wanted some on each side", positive, n);
        var now = new KernelLogistic(new double[n], 0);
        for (int step = 0; step < STEPS; step++) {
            double[] wanted = now.stationary(kernel, positive);
            double[] misses = Vectors.minus(wanted, now.coefficients);
            double sum = 0;
            for (double a : wanted) {
                sum += a;
            }
            if (Math.abs(sum) < SMALL && largest(misses) < SMALL) {
                return now;
            }
            now = now.improved(kernel, positive, now.newton(kernel, positive));
        }
        throw new IllegalStateException("the logistic regression of " + n + " states did not settle in " + STEPS
                + " steps: its kernel has entries up to " + CommonOps_DDRM.elementMaxAbs(kernel));
    }

    /** Returns a_j = [y_j = 1] - p_j of the present f, which are the coefficients at the minimum. */
    private double[] stationary(DMatrixRMaj kernel, int positive) {
        double[] f = decisions(kernel);
        var a = new double[f.length];
        for (int j = 0; j < a.length; j++) {
            a[j] = (j < positive ? 1 : 0) - probability(f[j]);
        }
        return a;
    }

    /**
     * Returns the change of a and, last, of the bias. Let s_j = [y_j = 1] - p_j and W = diag(p (1 - p)). The step
     * solves {@code (I + WK) da + W 1 db = s - a}, {@code 1'(a + da) = 0}.
     */
    private double[] newton(DMatrixRMaj kernel, int positive) {
        int n = coefficients.length;
        double[] f = decisions(kernel);
        double[] s = stationary(kernel, positive);
        var system = new DMatrixRMaj(n + 1, n + 1);
        var right = new DMatrixRMaj(n + 1, 1);
        for (int j = 0; j < n; j++) {
            double p = probability(f[j]);
            double w = p * (1 - p);
            for (int i = 0; i < n; i++) {
                system.set(j, i, w * kernel.get(j, i) + (i == j ? 1 : 0));
            }
            system.set(j, n, w);
            system.set(n, j, 1);
            right.data[j] = s[j] - coefficients[j];
            right.data[n] -= coefficients[j];
        }
        var change = new DMatrixRMaj(n + 1, 1);
        if (!CommonOps_DDRM.solve(system, right, change)) {
            throw new IllegalStateException("the logistic regression of " + n + " states has a singular step");
        }
        return change.data;
    }

    /** Returns this moved by the change, or by half of it and so on, until the loss is no larger. */
    private KernelLogistic improved(DMatrixRMaj kernel, int positive, double[] change) {
        double loss = loss(kernel, positive);
        double[] da = Arrays.copyOf(change, coefficients.length);
        for (double part = 1; part > 1e-9; part /= 2) {
            var moved =
                    new KernelLogistic(Vectors.plus(coefficients, part, da), bias + part * change[coefficients.length]);
            if (moved.loss(kernel, positive) <= loss + SMALL * SMALL) {
                return moved;
            }
        }
        return new KernelLogistic(Vectors.plus(coefficients, 1, da), bias + change[coefficients.length]);
    }

    private double loss(DMatrixRMaj kernel, int positive) {
        double[] f = decisions(kernel);
        double loss = 0;
        for (int j = 0; j < f.length; j++) {
            double margin = j < positive ? f[j] : -f[j];
            loss += coefficients[j] * (f[j] - bias) / 2
                    + Math.max(0, -margin)
                    + Math.log1p(Math.exp(-Math.abs(margin)));
        }
        return loss;
    }

    /** Returns f at the rows, K a + bias. */
    double[] decisions(DMatrixRMaj kernel) {
        double[] f = Vectors.multiply(kernel, coefficients);
        for (int j = 0; j < f.length; j++) {
            f[j] += bias;
        }
        return f;
    }

    private static double probability(double f) {
        return 1 / (1 + Math.exp(-f));
    }

    private static double largest(double[] x) {
        double largest = 0;
        for (double number : x) {
            largest = Math.max(largest, Math.abs(number));
        }
        return largest;
    }
}
