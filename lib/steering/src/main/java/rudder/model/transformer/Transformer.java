package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import rudder.checkpoint.ModelConfig;
import rudder.checkpoint.TensorNames;
import rudder.checkpoint.format.TensorSource;
import rudder.model.engine.EngineAlgebra;
import rudder.model.engine.Lifetime;
import rudder.theory.control.HookPoint;

/**
 * Runs tokens through a checkpoint's blocks. The weights are on the engine's device, except the {@link TokenMatrix
 * token matrices}, which read from the open checkpoint.
 */
public final class Transformer implements AutoCloseable {

    public final ModelConfig config;
    public final NDManager manager;
    /** Ends the passes in progress when the model is closed. */
    public final Lifetime lifetime = new Lifetime();
    /** The precision of the arithmetic: states, norms, softmax. */
    public final DataType type;
    /** The precision in which weight matrices are stored. */
    public final DataType stored;

    /** When weight matrices are held on the device. */
    public final Keep keep;

    private final Blocks blocks;
    private final TokenMatrix embedding;
    private final NDArray embeddingScale; // null where it is 1
    private final TokenMatrix head; // the embedding itself where they are tied
    private final NDArray finalGain;
    private final Norm finalNorm;
    private final SoftCap logitCap; // null where there is none

    /**
     * @param stored precision of the weight matrices on the device
     * @param keep when they are held there
     * @param room asks whether there is memory for all blocks, before the first one that was used is held
     */
    public Transformer(
            TensorSource source,
            TensorNames names,
            ModelConfig config,
            NDManager manager,
            DataType stored,
            Keep keep,
            BooleanSupplier room) {
        this.config = config;
        this.manager = manager;
        this.stored = stored;
        this.keep = keep;
        var weights = new Weights(source, names, config, manager, stored);
        type = weights.type;
        embedding = weights.embedding(keep);
        head = config.tiedHead() ? embedding : weights.head(keep);
        finalGain = weights.finalGain();
        blocks = new Blocks(weights, manager, keep, room, config.horizon());
        finalNorm = weights.norm();
        logitCap = weights.cap(config.logitCap());
        weights.refuseUnread();
        embeddingScale = config.embeddingScale() == 1
                ? null
                : manager.create((float) config.embeddingScale()).toType(type, false);
    }

    /**
     * Collects states and inputs of a pass at the last column, or the means over columns that weights give.
     *
     * @param states entering each block and leaving the last [B, d].
     * @param inputs added to each block's output [B, d], null where there is none.
     * @param mixed inputs on the heads, multiplied by the output matrix [B, d], before a norm that may follow it; null
     *     where there is none.
     * @param heads the concatenated outputs of the heads before any input [B, h w]; a null list if not wanted.
     * @param weights of the columns of a whole prompt [B][L], null for the last column.
     */
    public record Trace(
            List<NDArray> states, List<NDArray> inputs, List<NDArray> mixed, List<NDArray> heads, double[][] weights) {
        public Trace() {
            this(null);
        }

        public Trace(double[][] weights) {
            this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), null, weights);
        }

        public static Trace withHeads(double[][] weights) {
            return new Trace(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), weights);
        }

        /** Returns what is read of x [B, L, d]: [B, 1, d]. */
        private NDArray read(NDArray x) {
            if (weights == null || x == null) {
                return lastAlone(x);
            }
            NDArray w = x.getManager().create(weights).toType(x.getDataType(), false); // [B, L]
            return w.expandDims(1).batchMatMul(x);
        }
    }

    /** Returns block k; it belongs to {@code scope} unless this model holds it. */
    public Block block(NDManager scope, int k) {
        return blocks.get(scope, k);
    }

    public KvCache cache(int[] pads, int capacity) {
        return new KvCache(manager, config, type, pads, capacity);
    }

    /**
     * Runs the next tokens [B][L] through all blocks, z_{k+1} = phi_k(z_k) + u_k.
     *
     * @param scope owns the result and the arrays of the trace
     * @param laws add the inputs; may be null
     * @param everyToken whether inputs enter at every token or at the last token only
     * @param trace is filled; may be null
     * @return the residual stream that leaves the last block [B, L, d]
     */
    public NDArray run(
            NDManager scope, int[][] tokens, KvCache cache, DeviceLaws laws, boolean everyToken, Trace trace) {
        int length = tokens[0].length;
        NDArray x = embed(scope, tokens);
        var pass = new ForwardPass(
                scope, type, config.distinctSpans(), config.headDimension(), cache.pads, cache.columns(), length);
        DeviceLaws.Step inputs = laws == null ? null : laws.run(scope);
        for (int k = 0; k < blocks.size(); k++) {
            if (length > 1) { // shorter passes end soon, and their callers check
                lifetime.check(k, blocks.size(), "blocks");
            }
            try (var lease = blocks.lease(k);
                    NDManager within = scope.newSubManager()) {
                Block block = lease.block();
                x.attach(within);
                NDArray entering = x;
                NDArray out =
                        block.forward(x, pass, cache, heads -> onHeads(scope, block, inputs, heads, everyToken, trace));
                NDArray u = inputs == null
                        ? null
                        : sum(
                                input(inputs, HookPoint.RESID_PRE, block, entering, everyToken),
                                input(inputs, HookPoint.RESID_POST, block, out, everyToken));
                add(out, u, everyToken);
                if (trace != null) {
                    keep(scope, trace.states, trace.read(entering));
                    keep(scope, trace.inputs, lastAlone(u));
                }
                out.attach(scope);
                x = out;
            }
        }
        if (trace != null) {
            keep(scope, trace.states, trace.read(x));
        }
        cache.advance(length);
        return x;
    }

    private void onHeads(
            NDManager scope, Block block, DeviceLaws.Step inputs, NDArray heads, boolean everyToken, Trace trace) {
        if (trace != null && trace.heads != null) {
            keep(scope, trace.heads, trace.read(heads).duplicate());
        }
        NDArray u = inputs == null ? null : input(inputs, HookPoint.HEAD_OUT, block, heads, everyToken);
        add(heads, u, everyToken);
        if (trace != null) {
            keep(scope, trace.mixed, u == null ? null : block.norm().linear(last(u), block.output()));
        }
    }

    private static NDArray input(
            DeviceLaws.Step inputs, HookPoint point, Block block, NDArray read, boolean everyToken) {
        return inputs.input(point, block.index(), everyToken ? read : last(read));
    }

    private static NDArray sum(NDArray a, NDArray b) {
        return a == null ? b : b == null ? a : a.add(b);
    }

    private static void add(NDArray x, NDArray u, boolean everyToken) {
        if (u != null) {
            (everyToken ? x : last(x)).addi(u);
        }
    }

    private void keep(NDManager scope, List<NDArray> list, NDArray lastColumn) {
        NDArray kept = lastColumn == null
                ? null
                : lastColumn.reshape(lastColumn.getShape().get(0), -1);
        if (kept != null) {
            kept.attach(scope);
        }
        list.add(kept);
    }

    public static NDArray last(NDArray x) {
        if (x == null) {
            return null;
        }
        long length = x.getShape().get(1);
        return length == 1 ? x : x.get(new NDIndex().addAllDim().addSliceDim(length - 1, length)); // [B, 1, d]
    }

    /** Returns the last token's column, copied where it is one of several: a view would keep all of them in memory. */
    private static NDArray lastAlone(NDArray x) {
        return x == null || x.getShape().get(1) == 1 ? x : last(x).duplicate();
    }

    /**
     * Checks embedding and head, of which passes read the rows that they need. Reads them once.
     *
     * @throws IllegalArgumentException naming the tensor, if a number is not finite
     */
    public void requireFiniteTokenMatrices() {
        embedding.requireFinite();
        head.requireFinite();
    }

    /** Returns z_0 of each token, [n][d]. */
    public double[][] embeddings(int[] tokens) {
        try (NDManager scope = manager.newSubManager()) {
            return toRows(embed(scope, new int[][] {tokens}));
        }
    }

    /** Returns z_0, the tokens' embeddings [B, L, d]. */
    public NDArray embed(NDManager scope, int[][] tokens) {
        NDArray x = embedding.of(scope, tokens).toType(type, false);
        return embeddingScale == null ? x : x.mul(embeddingScale);
    }

    /** Returns the next-token logits [.., vocabulary] of states z_T [.., d]. */
    public NDArray logits(NDArray z) {
        NDArray logits = head.products(finalNorm.of(z).muli(finalGain), finalNorm);
        return logitCap == null ? logits : logitCap.of(logits);
    }

    /** Returns Y d logits / d z, [n, d], at states z [n, d] with the given logits, for rows Y [n, vocabulary]. */
    public NDArray logitsVjp(NDArray z, NDArray logits, NDArray y) {
        NDArray uncapped = logitCap == null ? y : logitCap.slope(logits).muli(y);
        return finalNorm.linearise(z).rows(head.combinations(uncapped).muli(finalGain));
    }

    /** Returns the logits [B, vocabulary] at the last column of a pass's result [B, L, d]. */
    public NDArray lastLogits(NDArray x) {
        return logits(last(x).reshape(-1, config.dimension()));
    }

    /** Copies vectors to the device as rows, [m, d]. */
    public NDArray rows(NDManager scope, double[]... vectors) {
        double[] flat = Arrays.stream(vectors).flatMapToDouble(Arrays::stream).toArray();
        return scope.create(flat, new Shape(vectors.length, flat.length / vectors.length))
                .toType(type, false);
    }

    /** Copies an array [m, n] to the host as m vectors. */
    public static double[][] toRows(NDArray x) {
        double[] flat = EngineAlgebra.numbers(x);
        int width = Math.toIntExact(x.getShape().get(x.getShape().dimension() - 1));
        double[][] rows = new double[flat.length / width][];
        Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, i * width, (i + 1) * width));
        return rows;
    }

    @Override
    public void close() {
        manager.close();
    }
}
