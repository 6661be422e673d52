package rudder.theory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;

/**
 * Computes the largest eigenvalues of many symmetric positive semidefinite operators B. Each has its own Lanczos
 * recurrence
 *
 * <pre>beta_m v_{m+1} = B v_m - alpha_m v_m - beta_{m-1} v_{m-1}.</pre>
 *
 * <p>All vectors of one iteration are the columns of one matrix. So operators with shared factors cost matrix products
 * instead of matrix-vector products. Converged operators drop out.
 *
 * <p>No basis is stored. Without reorthogonalisation, copies of eigenvalues already found appear; they do not affect
 * the largest. A run ends when the residual |B x - theta x| of its Ritz pair is at most 2e-8 theta. Then theta is that
 * close to some eigenvalue. Its distance from the largest one is residual^2 / gap, unless the start vector is
 * orthogonal to that eigenvector, which has probability 0. A smaller residual is not possible: the copies begin near
 * the square root of machine precision.
 *
 * <p>Source: Golub and Van Loan, <i>Matrix Computations</i>, "Lanczos methods".
 */
public final class Lanczos {
    private static final double RESIDUAL = 2e-8;

    /** Largest eigenvalues that agree to 1e-5 need a thousand; a closed loop that hardly contracts has them. */
    private static final int ITERATIONS = 20_000;

    private Lanczos() {}

    /** The operators B_0, B_1, ..., applied to several vectors at once. */
    public interface Operators {
        /** Returns B x for each column x, d x columns; column c belongs to the operator {@code runs[c]}. */
        DMatrixRMaj apply(int[] runs, DMatrixRMaj x);
    }

    /**
     * Returns the largest eigenvalue of each of the operators 0..count-1 on vectors of d numbers.
     *
     * @throws ArithmeticException if an operator has not converged after 20,000 iterations
     */
    public static double[] largest(int count, int d, Operators operators) {
        var random = new Random(1);
        var values = new double[count];
        List<Run> active = new ArrayList<>();
        for (int run = 0; run < count; run++) {
            active.add(new Run(run, random.doubles(d, -1, 1).toArray()));
        }
        for (int iteration = 0; !active.isEmpty(); iteration++) {
            if (iteration == ITERATIONS) {
                throw new ArithmeticException("no largest eigenvalue found in " + ITERATIONS + " Lanczos iterations");
            }
            var x = new DMatrixRMaj(d, active.size()); // [d, runs]
            for (int c = 0; c < active.size(); c++) {
                for (int i = 0; i < d; i++) {
                    x.unsafe_set(i, c, active.get(c).v[i]);
                }
            }
            var y = operators.apply(active.stream().mapToInt(run -> run.index).toArray(), x);
            for (int c = 0; c < active.size(); c++) {
                var run = active.get(c);
                run.extend(y, c);
                values[run.index] = run.theta;
            }
            active = active.stream().filter(run -> !run.converged()).toList();
        }
        return values;
    }

    /** The tridiagonal matrix of one operator, alpha on the diagonal and beta beside it, with its last two vectors. */
    private static final class Run {
        final int index;
        double[] v;
        double[] previous;
        double[] alpha = {};
        double[] beta = {};
        double theta;
        private double residual;

        Run(int index, double[] start) {
            this.index = index;
            v = Vectors.unit(start);
            previous = new double[v.length];
        }

        /** Adds one step of the recurrence, where B v_m is a column of y. */
        void extend(DMatrixRMaj y, int column) {
            int m = alpha.length;
            double last = m == 0 ? 0 : beta[m - 1];
            var w = new double[v.length];
            for (int i = 0; i < w.length; i++) {
                w[i] = y.unsafe_get(i, column) - last * previous[i];
            }
            alpha = Arrays.copyOf(alpha, m + 1);
            beta = Arrays.copyOf(beta, m + 1);
            alpha[m] = Vectors.dot(v, w);
            w = Vectors.plus(w, -alpha[m], v);
            beta[m] = Vectors.norm(w);
            theta = largest(m == 0 ? 0 : theta, Math.max(theta, alpha[m]) + last);
            residual = beta[m] / Math.sqrt(pivot(theta)[1]);
            previous = v;
            v = Vectors.times(1 / beta[m], w);
        }

        boolean converged() {
            return residual <= RESIDUAL * theta;
        }

        /**
         * Returns the largest eigenvalue of the tridiagonal matrix, by bisection between a lower and an upper bound.
         */
        private double largest(double low, double high) {
            for (double middle = (low + high) / 2; low < middle && middle < high; middle = (low + high) / 2) {
                if (pivot(middle)[0] > 0) {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            return high;
        }

        /**
         * Returns the last pivot p_m of (x I - tridiagonal) and its derivative. The pivots are {@code p_i = x - alpha_i
         * - beta_{i-1}^2 / p_{i-1}}. If x is below the largest eigenvalue, some pivot is not positive and is returned
         * instead.
         *
         * <p>At the eigenvalue p_m is 0. Its derivative there is 1 / s^2, where s is the last entry of the unit
         * eigenvector. This holds because 1 / p_m is the last entry of the inverse. The residual is beta_m |s|.
         */
        private double[] pivot(double x) {
            double p = x - alpha[0];
            double slope = 1;
            for (int i = 1; i < alpha.length && p > 0; i++) {
                double ratio = beta[i - 1] / p;
                slope = 1 + ratio * ratio * slope;
                p = x - alpha[i] - beta[i - 1] * ratio;
            }
            return new double[] {p, slope};
        }
    }
}
