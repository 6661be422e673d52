package rudder.theory.bound;

import rudder.theory.TransitionNorms;
import rudder.theory.Vectors;

/**
 * The two parts of a bound on |dz_k|_{P_k}, k = 0..T. The first part propagates the first deviation. The second part
 * adds up the effects of the plant's curvature:
 *
 * <pre>|Phi(k,0)| |dz_0|_{P_0}   and   sum_{i&lt;k} |Phi(k,i+1)| L_i/2 |dz_i|_{P_i}^2,</pre>
 *
 * <p>Here |Phi(k,j)| is the norm from P_j to P_k. Source: the paper's performance bound, with each residual measured
 * where it arises, in P_{i+1}.
 *
 * @param linear the first part, T+1 numbers.
 * @param curved the second part, T+1 numbers
 */
public record BoundTerms(double[] linear, double[] curved) {
    /** Returns the bound, the sum of both parts. */
    public double[] total() {
        return Vectors.plus(linear, 1, curved);
    }

    /** Returns the second part at block k, from L_i and |dz_i|_{P_i} for i < k. */
    static double curved(int k, TransitionNorms norms, double[] curvatures, double[] deviations) {
        double sum = 0;
        for (int i = 0; i < k; i++) {
            sum += norms.norm(k, i + 1) * curvatures[i] / 2 * deviations[i] * deviations[i];
        }
        return sum;
    }

    @Override
    public String toString() {
        int T = linear.length - 1;
        return "BoundTerms[T=" + T + ", last: linear " + (float) linear[T] + " + curved " + (float) curved[T] + "]";
    }
}
