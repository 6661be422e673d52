package rudder.theory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;

/**
 * The largest eigenvalues of many symmetric positive semidefinite operators at once. Each has its own three-term
 * recurrence; all vectors of one iteration are handed over as the columns of one matrix, so that operators made of
 * shared factors cost matrix products instead of matrix-vector products. Operators that have converged drop out.
 *
 * <p>No basis is stored: without reorthogonalisation only copies of eigenvalues already found appear, which leaves the
 * largest unharmed. A run ends when the residual |B x - theta x| of its Ritz pair is at most 2e-8 theta. Then theta is
 * that close to an eigenvalue for certain, and at distance residual^2 / gap from the largest one unless the start
 * vector was normal to it, which has probability 0. A smaller residual is out of reach: near the root of the machine's
 * precision the copies begin.
 *
 * <p>Source: Golub and Van Loan, <i>Matrix Computations</i>, "Lanczos methods".
 */
public final class Lanczos {
    private static final double RESIDUAL = 2e-8;

    /**
     * Where the largest eigenvalues agree to 1e-5, as in a closed loop that hardly contracts some directions, a
     * thousand are used.
     */
    private static final int ITERATIONS = 20_000;

    private Lanczos() {}

    /** B_run x for each column of x; column c belongs to the operator {@code runs[c]}. */
    public interface Operators {
        DMatrixRMaj apply(int[] runs, DMatrixRMaj x);
    }

    /** The largest eigenvalue of each of the operators 0..count-1 on vectors of d numbers. */
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

    /**
     * One operator's tridiagonal matrix, with alpha on the diagonal and beta beside it, and the two vectors that extend
     * it.
     */
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

        /** beta_m v_{m+1} = B v_m - alpha_m v_m - beta_{m-1} v_{m-1}, where B v_m is a column of y. */
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
         * The largest eigenvalue of the tridiagonal matrix, by bisection between a value at or below it and one at or
         * above.
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
         * The last pivot p_m of (x I - tridiagonal) and its derivative, p_i = x - alpha_i - beta_{i-1}^2 / p_{i-1}; not
         * positive if any pivot is not, that is, if x is below the largest eigenvalue. There p_m is 0 and its
         * derivative 1 / s^2, s being the last entry of the unit eigenvector, since 1 / p_m is the last entry of the
         * inverse. The residual is beta_m |s|.
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
