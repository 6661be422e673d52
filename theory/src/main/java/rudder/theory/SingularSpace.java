package rudder.theory;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;

/**
 * The leading left singular vectors of a matrix A = U S V', with their singular values: the directions in which its
 * output is largest.
 *
 * @param basis U, d x k, orthonormal columns.
 * @param values s_1 >= .. >= s_k
 */
public record SingularSpace(DMatrixRMaj basis, double[] values) {
    /** Largest |A A'u - s^2 u| / s_1^2 of a converged pair. */
    private static final double RESIDUAL = 1e-7;

    private static final int ROUNDS = 100;
    private static final int DEGREE = 12;
    /** Largest ratio by which a filter may amplify directions; above it, rounding errors hide the small ones. */
    private static final double AMPLIFICATION = 1e8;

    /**
     * Returns the k leading left singular vectors and values of A, by filtered subspace iteration on G = A A'. The
     * filter is a Chebyshev polynomial of G. It is small on [0, c] and grows steeply above, where c is the smallest
     * Ritz value of the block. Between filters the block is rotated to its Ritz vectors.
     *
     * <p>The iteration ends when every wanted pair has a residual of at most 1e-7 s_1^2. Then {@link #similarity}
     * agrees with the full decomposition to about 1e-6. If s_k and s_{k+1} are that close, the space is not defined.
     * Values far below s_1 / 1000 do not matter for the similarity and are not accurate.
     *
     * <p>Forming G costs as much as d / 2w multiplications by A and A' of a w-column block. For w = d / 10 this is less
     * than one filter of full degree.
     *
     * <p>Source: Zhou, Saad, Tiago and Chelikowsky, "Self-consistent-field calculations using Chebyshev-filtered
     * subspace iteration", 2006.
     *
     * @param a the matrix A, d x n, finite.
     * @param k number of directions, 1..d.
     * @param algebra computes the products
     * @throws ArithmeticException if the iteration does not converge
     */
    public static SingularSpace of(DMatrixRMaj a, int k, DenseAlgebra algebra) {
        int d = a.numRows;
        Check.that(0 < k && k <= d, "%d singular vectors of a matrix with %d rows, wanted 1..%d", k, d, d);
        Check.finite("the matrix", a);
        var q = orthonormal(RandomMatrices_DDRM.rectangleGaussian(d, Math.min(d, 2 * k + 8), 0, 1, new Random(1)));
        try (var here = algebra.open()) {
            var g = gram(a, algebra, here);
            for (int round = 0; round < ROUNDS; round++) {
                var gq = algebra.multiply(g, q);
                var ritz = Ritz.of(algebra.multiplyTransposed(q, gq)); // Q'GQ = V diag(theta) V'
                q = algebra.multiply(q, ritz.vectors);
                gq = algebra.multiply(gq, ritz.vectors); // G Q V [d, w]
                if (residual(gq, q, ritz.values, k) <= RESIDUAL * ritz.values[0]) {
                    double[] s = IntStream.range(0, k)
                            .mapToDouble(i -> Math.sqrt(ritz.values[i]))
                            .toArray();
                    return new SingularSpace(CommonOps_DDRM.extract(q, 0, d, 0, k), s);
                }
                q = orthonormal(filtered(algebra, g, q, gq, ritz.values));
            }
        }
        throw new ArithmeticException("no " + k + " singular vectors of a " + d + " x " + a.numCols
                + " matrix found in " + ROUNDS + " rounds");
    }

    /**
     * Returns all d left singular vectors and values, from the eigenvectors of A A'. Values have an absolute error of
     * about 1e-8 s_1. Only the product runs on the algebra; the rest is plain Java, about a second for d = 600.
     *
     * @param a the matrix A, d x n, finite
     */
    public static SingularSpace full(DMatrixRMaj a, DenseAlgebra algebra) {
        Check.finite("the matrix", a);
        try (var here = algebra.open()) {
            var ritz = Ritz.of(gram(a, algebra, here).get()); // A A' = U S^2 U'
            return new SingularSpace(
                    ritz.vectors, Arrays.stream(ritz.values).map(Math::sqrt).toArray());
        }
    }

    /** Returns A A' in the given workspace. */
    private static DenseAlgebra.Matrix gram(DMatrixRMaj a, DenseAlgebra algebra, DenseAlgebra.Workspace here) {
        try (var once = algebra.open()) {
            var transposed = once.put(CommonOps_DDRM.transpose(a, null));
            return here.keep(once.multiplyTransposed(transposed, transposed));
        }
    }

    /** Returns the k leading directions. */
    public SingularSpace leading(int k) {
        Check.that(
                0 < k && k <= values.length,
                "%d of %d singular vectors, wanted 1..%d",
                k,
                values.length,
                values.length);
        return new SingularSpace(CommonOps_DDRM.extract(basis, 0, basis.numRows, 0, k), Arrays.copyOf(values, k));
    }

    /** Returns the number of singular values above the threshold. */
    public int above(double threshold) {
        return (int) Arrays.stream(values).filter(s -> s > threshold).count();
    }

    /** Returns {@code U U'A}; for A's own space this is the closest matrix of rank k (Eckart and Young, 1936). */
    public DMatrixRMaj project(DMatrixRMaj a, DenseAlgebra algebra) {
        return algebra.multiply(basis, algebra.multiplyTransposed(basis, a));
    }

    /** Returns a random space of given singular values, the chance level of {@link #similarity}. */
    public static SingularSpace random(int d, double[] values, Random random) {
        return new SingularSpace(
                orthonormal(RandomMatrices_DDRM.rectangleGaussian(d, values.length, 0, 1, random)), values);
    }

    /**
     * Returns {@code |S_W U_W' U_X S_X|_* / (|s_W| |s_X|)}, where |.|_* is the sum of the singular values. Equal spaces
     * with equal values have 1, orthogonal spaces have 0. Source: the paper's alignment of two Jacobians.
     *
     * @throws IllegalArgumentException if the vectors have different lengths
     */
    public double similarity(SingularSpace other) {
        Check.that(
                basis.numRows == other.basis.numRows,
                "vectors of %d and %d numbers, wanted the same length",
                basis.numRows,
                other.basis.numRows);
        var product = CommonOps_DDRM.multTransA(basis, other.basis, null); // U_W' U_X [k, k]
        CommonOps_DDRM.multRows(values, product);
        CommonOps_DDRM.multCols(product, other.values);
        var svd = DecompositionFactory_DDRM.svd(product.numRows, product.numCols, false, false, true);
        svd.decompose(product);
        double nuclear = IntStream.range(0, svd.numberOfSingularValues())
                .mapToDouble(i -> svd.getSingularValues()[i])
                .sum();
        return nuclear / (Vectors.norm(values) * Vectors.norm(other.values));
    }

    /** Returns the {@link #similarity} of each space with each: symmetric, with ones on the diagonal. */
    public static double[][] alignment(List<SingularSpace> spaces) {
        var alignment = new double[spaces.size()][spaces.size()];
        for (int i = 0; i < spaces.size(); i++) {
            alignment[i][i] = 1;
            for (int j = 0; j < i; j++) {
                alignment[i][j] = spaces.get(i).similarity(spaces.get(j));
                alignment[j][i] = alignment[i][j];
            }
        }
        return alignment;
    }

    /**
     * Returns T_m(2 G / c - I) Q up to a factor, by its three-term recurrence. The degree m is as high as rounding
     * allows. T_m is (4 / c)^m R_m, and only R_m is computed. The recurrence of R_m needs sums only, so nothing leaves
     * the algebra before the end.
     */
    private static DMatrixRMaj filtered(
            DenseAlgebra algebra, DenseAlgebra.Matrix g, DMatrixRMaj q, DMatrixRMaj gq, double[] theta) {
        double c = Math.max(theta[theta.length - 1], 1e-12 * theta[0]);
        double x = 2 * theta[0] / c - 1;
        double growth = Math.log(x + Math.sqrt(x * x - 1)); // T_m(x) ~ exp(m growth) / 2
        int degree = (int) Math.max(1, Math.min(DEGREE, Math.log(AMPLIFICATION) / growth));
        try (var here = algebra.open()) {
            var previous = here.put(q);
            var current = here.put(CommonOps_DDRM.add(0.5, gq, -c / 4, q, null)); // R_1 = G Q / 2 - c Q / 4
            for (int m = 1; m < degree; m++) {
                try (var step = algebra.open()) {
                    var next = step.plus(step.plus(step.multiply(g, current), -c / 2, current), -c * c / 16, previous);
                    previous = current;
                    current = here.keep(next); // R_{m+1} = (G - c / 2) R_m - c^2 / 16 R_{m-1}
                }
            }
            return current.get();
        }
    }

    private static double residual(DMatrixRMaj gq, DMatrixRMaj q, double[] theta, int k) {
        double largest = 0;
        for (int column = 0; column < k; column++) {
            double sum = 0;
            for (int row = 0; row < q.numRows; row++) {
                double r = gq.get(row, column) - theta[column] * q.get(row, column);
                sum += r * r;
            }
            largest = Math.max(largest, Math.sqrt(sum));
        }
        return largest;
    }

    private static DMatrixRMaj orthonormal(DMatrixRMaj columns) {
        var qr = DecompositionFactory_DDRM.qr(columns.numRows, columns.numCols);
        qr.decompose(columns);
        return qr.getQ(null, true);
    }

    /** The eigenvalues of a small positive semidefinite matrix in descending order, with their vectors as columns. */
    private record Ritz(double[] values, DMatrixRMaj vectors) {
        static Ritz of(DMatrixRMaj s) {
            var eigen = DecompositionFactory_DDRM.eig(s.numRows, true, true);
            if (!eigen.decompose(Matrices.symmetrised(s))) {
                throw new ArithmeticException(
                        "the eigenvalues of a " + s.numRows + " x " + s.numRows + " matrix did not converge");
            }
            int[] order = IntStream.range(0, s.numRows)
                    .boxed()
                    .sorted(Comparator.comparingDouble(
                            i -> -eigen.getEigenvalue(i).getReal()))
                    .mapToInt(i -> i)
                    .toArray();
            var vectors = new DMatrixRMaj(s.numRows, s.numRows);
            for (int i = 0; i < order.length; i++) {
                CommonOps_DDRM.insert(eigen.getEigenVector(order[i]), vectors, 0, i);
            }
            return new Ritz(
                    IntStream.of(order)
                            .mapToDouble(i -> Math.max(0, eigen.getEigenvalue(i).getReal()))
                            .toArray(),
                    vectors);
        }
    }

    @Override
    public String toString() {
        return "SingularSpace[" + values.length + " of " + basis.numRows + " directions, s from " + (float) values[0]
                + " to " + (float) values[values.length - 1] + "]";
    }
}
