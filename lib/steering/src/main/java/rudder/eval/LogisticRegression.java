package rudder.eval;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * A logistic classifier with a ridge penalty: p(x) = 1 / (1 + exp(-(w.x + b))).
 *
 * @param w [d + 1], the weights and, last, the intercept b
 */
record LogisticRegression(double[] w) {

    private static final double C = 10; // loss weight against |w|^2 / 2, for vectors of norm 1
    private static final int STEPS = 30;
    private static final double SMALL = 1e-8;

    /**
     * Fits the classifier by Newton's method. Minimises |w|^2 / 2 + 10 sum_i log(1 + exp(-y_i (w.x_i + b))), which has
     * one minimum.
     *
     * @param x [n][d]
     * @param positive the first so many rows have y = 1, the others y = -1
     * @throws IllegalStateException if all rows are alike, or the method does not converge
     */
    static LogisticRegression fit(float[][] x, int positive) {
        int d = x[0].length + 1;
        var w = new DMatrixRMaj(d, 1);
        var fitted = new LogisticRegression(w.data);
        for (int step = 0; step < STEPS; step++) {
            // H = R + C X'DX, g = R w + C X'(p - y), R = I except for b
            var weighted = new DMatrixRMaj(x.length, d);
            var rows = new DMatrixRMaj(x.length, d);
            var gradient = new DMatrixRMaj(d, 1);
            for (int i = 0; i < x.length; i++) {
                double p = fitted.probability(x[i]);
                for (int j = 0; j < d; j++) {
                    double xj = j == d - 1 ? 1 : x[i][j];
                    rows.set(i, j, xj);
                    weighted.set(i, j, C * p * (1 - p) * xj);
                    gradient.data[j] += C * (p - (i < positive ? 1 : 0)) * xj;
                }
            }
            var hessian = new DMatrixRMaj(d, d);
            CommonOps_DDRM.multTransA(weighted, rows, hessian);
            for (int j = 0; j < d - 1; j++) {
                hessian.add(j, j, 1);
                gradient.data[j] += w.data[j];
            }
            // w <- w - H^-1 g
            var change = new DMatrixRMaj(d, 1);
            if (!CommonOps_DDRM.solve(hessian, gradient, change)) {
                throw new IllegalStateException("the texts' vectors are all alike");
            }
            CommonOps_DDRM.subtractEquals(w, change);
            if (CommonOps_DDRM.elementMaxAbs(change) < SMALL) {
                return fitted;
            }
        }
        throw new IllegalStateException("a classifier of " + x.length + " texts, " + positive + " of them positive, did"
                + " not converge in " + STEPS + " steps of Newton's method: give other texts");
    }

    /** Returns p(x), the probability that x is positive. */
    double probability(float[] x) {
        double decision = w[x.length];
        for (int j = 0; j < x.length; j++) {
            decision += w[j] * x[j];
        }
        return 1 / (1 + Math.exp(-decision));
    }
}
