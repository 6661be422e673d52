package rudder.model.gradient;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.ejml.data.DMatrixRMaj;
import rudder.model.engine.PaddedTokens;
import rudder.model.transformer.Block;
import rudder.model.transformer.ForwardPass;
import rudder.model.transformer.KvCache;
import rudder.model.transformer.Transformer;

/**
 * Computes gradients of log-likelihoods with respect to the output of every block at every token, for a batch of texts.
 *
 * <p>L = sum_t ln p(y_t | tokens up to t) over some columns t. At the logits l_t its gradient is e_{y_t} - p_t. Final
 * norm and head take it back to z_T, and {@link BlockGradient} from the output of each block to its input. A first pass
 * keeps the states that enter the blocks, keys and values; the rest of a block is computed again when its turn comes.
 * That takes about three times as long as reading the texts.
 *
 * @param transformer the model
 */
public record ContinuationGradient(Transformer transformer) {

    /** Positions whose logits are in memory at the same time. */
    private static final int CHUNK = 64;

    /** Stands for a column whose next token does not count. */
    public static final int NONE = -1;

    /**
     * Computes the gradients of texts of different lengths, from the last block to block 0.
     *
     * @param texts whole texts
     * @param generated how many tokens at the end of each text count
     * @param inputs as {@link #of} takes them
     * @param read receives the gradients at the tokens before those that count, text after text, [n, d], and the block
     */
    public void ofTokens(List<int[]> texts, int[] generated, double[][] inputs, ObjIntConsumer<DMatrixRMaj> read) {
        var padded = PaddedTokens.of(texts.stream()
                .map(text -> Arrays.copyOf(text, text.length - 1)) // the last token predicts nothing
                .toList());
        int length = IntStream.of(generated).max().orElseThrow();
        var next = new int[generated.length][length]; // all texts end in the last column
        for (int row = 0; row < next.length; row++) {
            int[] text = texts.get(row);
            Arrays.fill(next[row], NONE);
            System.arraycopy(text, text.length - generated[row], next[row], length - generated[row], generated[row]);
        }
        of(padded, next, inputs, (g, k) -> read.accept(rows(g, generated, length), k));
    }

    private static DMatrixRMaj rows(NDArray g, int[] generated, int length) {
        double[][] all = Transformer.toRows(g); // [B length][d]
        var rows = new DMatrixRMaj(IntStream.of(generated).sum(), all[0].length);
        int at = 0;
        for (int row = 0; row < generated.length; row++) {
            for (int i = length - generated[row]; i < length; i++) {
                System.arraycopy(all[row * length + i], 0, rows.data, at, rows.numCols);
                at += rows.numCols;
            }
        }
        return rows;
    }

    /**
     * Computes the gradients of one batch, from the last block to block 0.
     *
     * @param texts the tokens that are read
     * @param next y_t for the last n columns [B][n], {@link #NONE} where L has no term
     * @param inputs u_k, added behind block k at every token, [T][d]; null for the unsteered model
     * @param read receives the gradient with respect to the output of a block at the last n columns [B, n, d], and the
     *     block; the array is freed afterwards
     */
    public void of(PaddedTokens texts, int[][] next, double[][] inputs, ObjIntConsumer<NDArray> read) {
        int horizon = transformer.config.horizon();
        int columns = texts.columns();
        int length = next[0].length;
        int width = transformer.config.headDimension();
        var spans = transformer.config.distinctSpans();
        try (NDManager scope = transformer.manager.newSubManager();
                KvCache cache = transformer.cache(texts.pads(), columns)) {
            NDArray[] states = states(scope, texts, cache, columns - length, inputs);
            var pass = new ForwardPass(scope, transformer.type, spans, width, texts.pads(), columns - length, length);
            NDArray g = atTheEnd(states[horizon], next);
            for (int k = horizon - 1; k > 0; k--) {
                read.accept(g, k);
                transformer.lifetime.check(2L * horizon - k, 2L * horizon, "blocks");
                try (NDManager within = scope.newSubManager()) {
                    Block block = transformer.block(within, k);
                    var gradient = new BlockGradient(
                            block, pass.view(block.attention().span()), cache.keys(within, k), cache.values(within, k));
                    NDArray before = g;
                    before.attach(within);
                    states[k].attach(within);
                    g = gradient.of(states[k], before);
                    g.attach(scope);
                }
            }
            read.accept(g, 0);
        }
    }

    /** Returns the states z_0..z_T of the columns from one on, [B, n, d] each; the cache gets keys and values. */
    private NDArray[] states(NDManager scope, PaddedTokens texts, KvCache cache, int from, double[][] inputs) {
        int horizon = transformer.config.horizon();
        var pass = new ForwardPass(
                scope,
                transformer.type,
                transformer.config.distinctSpans(),
                transformer.config.headDimension(),
                texts.pads(),
                0,
                texts.columns());
        var states = new NDArray[horizon + 1];
        var columns = new NDIndex().addAllDim().addSliceDim(from, texts.columns());
        NDArray x = transformer.embed(scope, texts.tokens());
        for (int k = 0; k < horizon; k++) {
            transformer.lifetime.check(k, 2L * horizon, "blocks");
            states[k] = x.get(scope, columns);
            try (NDManager within = scope.newSubManager()) {
                x.attach(within);
                NDArray out = transformer.block(within, k).forward(x, pass, cache, heads -> {});
                NDArray steered = inputs == null ? out : out.add(transformer.rows(within, inputs[k])); // + u_k
                steered.attach(scope);
                x = steered;
            }
        }
        cache.advance(texts.columns());
        states[horizon] = x.get(scope, columns);
        return states;
    }

    /** Returns the gradient with respect to z_T [B, n, d]. */
    private NDArray atTheEnd(NDArray last, int[][] next) {
        NDArray z = last.reshape(-1, transformer.config.dimension()); // [B n, d]
        long[] wanted =
                Arrays.stream(next).flatMapToInt(Arrays::stream).asLongStream().toArray();
        var gradients = new NDList();
        for (int first = 0; first < wanted.length; first += CHUNK) {
            transformer.lifetime.check(first, wanted.length, "tokens");
            int end = Math.min(wanted.length, first + CHUNK);
            try (NDManager within = z.getManager().newSubManager()) {
                NDArray chunk = z.get(within, new NDIndex().addSliceDim(first, end));
                long[] some = Arrays.copyOfRange(wanted, first, end);
                NDArray counts = within.create(
                                LongStream.of(some)
                                        .mapToDouble(y -> y == NONE ? 0 : 1)
                                        .toArray(),
                                new Shape(some.length, 1))
                        .toType(transformer.type, false);
                NDArray tokens = within.create(
                        LongStream.of(some).map(y -> Math.max(0, y)).toArray());
                NDArray logits = transformer.logits(chunk); // [chunk, vocabulary]
                NDArray y = tokens.oneHot(transformer.config.vocabulary(), transformer.type)
                        .subi(logits.softmax(-1))
                        .muli(counts); // e_y - p, or 0
                NDArray g = transformer.logitsVjp(chunk, logits, y);
                g.attach(z.getManager());
                gradients.add(g);
            }
        }
        return NDArrays.concat(gradients).reshape(last.getShape());
    }
}
