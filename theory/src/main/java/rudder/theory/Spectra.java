package rudder.theory;

import java.util.Arrays;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;

/**
 * Spectral radii and 2-norms of each block and of the product of all blocks. A radius above 1 at single blocks is
 * harmless as long as the product contracts. Source: {@link Lanczos} for norms, Arnoldi's method for radii.
 *
 * @param radii the largest |eigenvalue| of A_k, k = 0..T-1.
 * @param norms |A_k|, k = 0..T-1.
 * @param productRadius the largest |eigenvalue| of Phi(T, 0).
 * @param productNorm |Phi(T, 0)|
 */
public record Spectra(double[] radii, double[] norms, double productRadius, double productNorm) {
    /** A radius has converged when a Krylov space half as large again changes it by less than this, relatively. */
    private static final double SETTLED = 1e-8;

    /** Returns the spectra of a system, open or closed loop. Uses Lanczos' method for norms and Arnoldi's for radii. */
    public static Spectra of(LinearSystem system) {
        int T = system.horizon();
        int d = system.dimension();
        double[] norms = norms(system);
        var jacobians = IntStream.range(0, T).mapToObj(system::jacobian).toList();
        double[] radii = jacobians.stream()
                .mapToDouble(a -> radius(d, x -> Vectors.multiply(a, x)))
                .toArray();
        double product = radius(d, x -> {
            for (var a : jacobians) {
                x = Vectors.multiply(a, x);
            }
            return x;
        });
        return new Spectra(radii, Arrays.copyOf(norms, T), product, norms[T]);
    }

    /** Returns |A_k|, k = 0..T-1, and then |Phi(T, 0)|, without the radii, which take most of the time. */
    public static double[] norms(LinearSystem system) {
        int T = system.horizon();
        return TransitionNorms.of(
                system,
                IntStream.rangeClosed(0, T)
                        .mapToObj(k -> k < T ? new int[] {k + 1, k} : new int[] {T, 0})
                        .toArray(int[][]::new));
    }

    /**
     * Returns the largest |eigenvalue| of a d x d operator B, by Arnoldi's method. On an orthonormal basis V of a
     * growing Krylov space, B V = V H + .... The eigenvalues of the small H approximate those of B. The space grows
     * until the radius has converged, at most to d, where it is exact. Source: Golub and Van Loan, <i>Matrix
     * Computations</i>, "The unsymmetric Lanczos and Arnoldi methods".
     */
    static double radius(int d, UnaryOperator<double[]> operator) {
        var basis = new double[d + 1][];
        var h = new DMatrixRMaj(d + 1, d);
        double[] start = new Random(1).doubles(d, -1, 1).toArray();
        basis[0] = Vectors.unit(start);
        double radius = Double.NaN;
        int next = Math.min(d, 20);
        for (int m = 0; m < d; m++) {
            double[] w = operator.apply(basis[m]);
            double scale = Vectors.norm(w);
            for (int pass = 0; pass < 2; pass++) { // the second pass removes the rounding error of the first
                for (int i = 0; i <= m; i++) {
                    double projection = Vectors.dot(basis[i], w);
                    h.add(i, m, projection);
                    w = Vectors.plus(w, -projection, basis[i]);
                }
            }
            double rest = Vectors.norm(w);
            boolean invariant = rest <= 1e-13 * scale;
            if (m + 1 == next || invariant) {
                double previous = radius;
                radius = largest(CommonOps_DDRM.extract(h, 0, m + 1, 0, m + 1));
                if (invariant || Math.abs(radius - previous) <= SETTLED * radius) {
                    return radius;
                }
                next = Math.min(d, next + next / 2);
            }
            h.set(m + 1, m, rest);
            basis[m + 1] = Vectors.times(1 / rest, w);
        }
        return radius;
    }

    private static double largest(DMatrixRMaj m) {
        var eigen = DecompositionFactory_DDRM.eig(m.numRows, false);
        if (!eigen.decompose(m)) {
            throw new ArithmeticException(
                    "the eigenvalues of a " + m.numRows + " x " + m.numRows + " matrix did not converge");
        }
        return IntStream.range(0, m.numRows)
                .mapToDouble(i -> eigen.getEigenvalue(i).getMagnitude())
                .max()
                .orElseThrow();
    }

    @Override
    public String toString() {
        return "Spectra[T=" + radii.length + ", product norm " + (float) productNorm + ", product radius "
                + (float) productRadius + "]";
    }
}
