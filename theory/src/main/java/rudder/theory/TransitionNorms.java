package rudder.theory;

import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;

/**
 * The 2-norms |Phi(k, j)| of all transition matrices of a system, 0 <= j <= k <= T, without forming the T^2/2 products.
 *
 * <p>Each norm is the root of the largest eigenvalue of Phi'Phi, applied factor by factor. All pairs iterate together: at block i the vectors of
 * every pair with j <= i < k are multiplied by A_i as one matrix, so an iteration costs about T^3/6 vectors times d^2 instead of the
 * T^2/2 d^3 of the products. Norms are good to about 1e-9, relative.
 */
public final class TransitionNorms {
    private final double[][] norms;
    private final String description;

    private TransitionNorms(double[][] norms, String description) {
        this.norms = norms;
        this.description = description;
    }

    /** All norms of a system. */
    public static TransitionNorms of(LinearSystem system) {
        int T = system.horizon();
        var pairs = IntStream.rangeClosed(1, T).boxed()
                .flatMap(k -> IntStream.range(0, k).mapToObj(j -> new int[] {k, j})).toArray(int[][]::new);
        double[] values = of(system, pairs);
        var norms = new double[T + 1][];
        for (int k = 0; k <= T; k++) {
            norms[k] = new double[k + 1];
            norms[k][k] = 1;
        }
        for (int p = 0; p < pairs.length; p++) {
            norms[pairs[p][0]][pairs[p][1]] = values[p];
        }
        return new TransitionNorms(norms, system.toString());
    }

    /** |Phi(k, j)| for the given pairs {k, j}, j < k. */
    static double[] of(LinearSystem system, int[][] pairs) {
        double[] squares = Lanczos.largest(pairs.length, system.dimension(), (runs, x) -> {
            for (int i = 0; i < system.horizon(); i++) {               // Phi x = A_{k-1} ... A_j x
                advance(system, i, true, pairs, runs, x);
            }
            for (int i = system.horizon() - 1; i >= 0; i--) {          // Phi' y = A_j' ... A_{k-1}' y
                advance(system, i, false, pairs, runs, x);
            }
            return x;
        });
        return IntStream.range(0, squares.length).mapToDouble(p -> Math.sqrt(squares[p])).toArray();
    }

    /** A_i x, or A_i' x, for the columns whose pair spans block i; in place. */
    private static void advance(LinearSystem system, int i, boolean forward, int[][] pairs, int[] runs, DMatrixRMaj x) {
        int[] columns = IntStream.range(0, runs.length).filter(c -> pairs[runs[c]][1] <= i && i < pairs[runs[c]][0]).toArray();
        if (columns.length == 0) {
            return;
        }
        var part = new DMatrixRMaj(x.numRows, columns.length);         // [d, pairs spanning i]
        for (int row = 0; row < x.numRows; row++) {
            for (int c = 0; c < columns.length; c++) {
                part.unsafe_set(row, c, x.unsafe_get(row, columns[c]));
            }
        }
        var a = system.jacobian(i);
        var next = forward ? system.algebra().multiply(a, part) : system.algebra().multiplyTransposed(a, part);
        for (int row = 0; row < x.numRows; row++) {
            for (int c = 0; c < columns.length; c++) {
                x.unsafe_set(row, columns[c], next.unsafe_get(row, c));
            }
        }
    }

    /** T. */
    public int horizon() {
        return norms.length - 1;
    }

    /** |Phi(k, j)|, 0 <= j <= k <= T; 1 for j = k. */
    public double norm(int k, int j) {
        Check.block(k, horizon());
        Check.block(j, k);
        return norms[k][j];
    }

    @Override
    public String toString() {
        return "TransitionNorms[|Phi(" + horizon() + ", 0)|=" + (float) norm(horizon(), 0) + ", " + description + "]";
    }
}
