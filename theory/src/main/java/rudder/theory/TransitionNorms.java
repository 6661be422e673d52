package rudder.theory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.DenseAlgebra.Matrix;
import rudder.theory.DenseAlgebra.Workspace;

/**
 * The 2-norms |Phi(k, j)| of all transition matrices of a system, {@code 0 <= j <= k <= T}, without forming the T^2/2
 * products.
 *
 * <p>Each norm is the square root of the largest eigenvalue of Phi'Phi. Phi is applied factor by factor. The factors
 * are the products over dyadic intervals of blocks, [0,2), [2,4), [0,4), ..., at most T of them. Every interval of
 * blocks is a chain of at most 2 log T factors.
 *
 * <p>All pairs (k, j) iterate together: each factor multiplies the vectors of all pairs that use it as one matrix.
 * Norms have a relative error of about 1e-9. The memory is twice that of the Jacobians. Source: {@link Lanczos}; the
 * dyadic chain is Rudder's.
 */
public final class TransitionNorms {
    private final double[][] norms;
    private final String description;

    private TransitionNorms(double[][] norms, String description) {
        this.norms = norms;
        this.description = description;
    }

    /** Returns all norms of a system. */
    public static TransitionNorms of(LinearSystem system) {
        int T = system.horizon();
        var pairs = IntStream.rangeClosed(1, T)
                .boxed()
                .flatMap(k -> IntStream.range(0, k).mapToObj(j -> new int[] {k, j}))
                .toArray(int[][]::new);
        double[] values = norms(system, TransitionNorms::dyadic, pairs);
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

    /** Returns |Phi(k, j)| for a few pairs {k, j}, j < k, without forming products. */
    static double[] of(LinearSystem system, int[][] pairs) {
        return norms(system, TransitionNorms::blocks, pairs);
    }

    /** The blocks [start, end) with their product Phi(end, start). */
    private record Span(int start, int end, Matrix product) {}

    private static List<Span> blocks(LinearSystem system, Workspace here) {
        return IntStream.range(0, system.horizon())
                .mapToObj(k -> new Span(k, k + 1, here.put(system.jacobian(k))))
                .toList();
    }

    /** Returns the blocks and the products over [q 2^p, (q+1) 2^p), ordered by start and then by length. */
    private static List<Span> dyadic(LinearSystem system, Workspace here) {
        var spans = new ArrayList<Span>();
        for (var level = blocks(system, here); !level.isEmpty(); ) {
            spans.addAll(level);
            var halves = level;
            level = IntStream.range(0, level.size() / 2)
                    .mapToObj(q -> {
                        var first = halves.get(2 * q);
                        var second = halves.get(2 * q + 1);
                        return new Span(first.start, second.end, here.multiply(second.product, first.product));
                    })
                    .toList();
        }
        spans.sort(Comparator.comparingInt(Span::start).thenComparingInt(Span::end));
        return spans;
    }

    private static double[] norms(
            LinearSystem system, BiFunction<LinearSystem, Workspace, List<Span>> chain, int[][] pairs) {
        var algebra = system.algebra();
        try (var here = algebra.open()) {
            var spans = chain.apply(system, here);
            var users = users(spans, pairs);
            double[] squares = Lanczos.largest(pairs.length, system.dimension(), (runs, x) -> {
                for (int s = 0; s < users.length; s++) { // Phi x
                    var product = spans.get(s).product;
                    advance(part -> algebra.multiply(product, part), users[s], runs, x);
                }
                for (int s = users.length - 1; s >= 0; s--) { // Phi' Phi x
                    var product = spans.get(s).product;
                    advance(part -> algebra.multiplyTransposed(product, part), users[s], runs, x);
                }
                return x;
            });
            return Arrays.stream(squares).map(Math::sqrt).toArray();
        }
    }

    /** Returns for each span the pairs whose chain contains it; a chain takes the longest span that ends by k. */
    private static BitSet[] users(List<Span> spans, int[][] pairs) {
        var users = Stream.generate(BitSet::new).limit(spans.size()).toArray(BitSet[]::new);
        for (int p = 0; p < pairs.length; p++) {
            int reached = pairs[p][1];
            for (int s = 0; s < spans.size(); s++) {
                boolean starts = spans.get(s).start == reached && spans.get(s).end <= pairs[p][0];
                boolean longest = s + 1 == spans.size()
                        || spans.get(s + 1).start != reached
                        || spans.get(s + 1).end > pairs[p][0];
                if (starts && longest) {
                    users[s].set(p);
                    reached = spans.get(s).end;
                }
            }
        }
        return users;
    }

    /** Replaces x by M x, or M'x, in the columns that belong to users. */
    private static void advance(UnaryOperator<DMatrixRMaj> product, BitSet users, int[] runs, DMatrixRMaj x) {
        int[] columns =
                IntStream.range(0, runs.length).filter(c -> users.get(runs[c])).toArray();
        if (columns.length == 0) {
            return;
        }
        var part = new DMatrixRMaj(x.numRows, columns.length); // [d, users]
        for (int row = 0; row < x.numRows; row++) {
            for (int c = 0; c < columns.length; c++) {
                part.unsafe_set(row, c, x.unsafe_get(row, columns[c]));
            }
        }
        var next = product.apply(part);
        for (int row = 0; row < x.numRows; row++) {
            for (int c = 0; c < columns.length; c++) {
                x.unsafe_set(row, columns[c], next.unsafe_get(row, c));
            }
        }
    }

    /** Returns T. */
    public int horizon() {
        return norms.length - 1;
    }

    /** Returns |Phi(k, j)|, {@code 0 <= j <= k <= T}; 1 for j = k. */
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
