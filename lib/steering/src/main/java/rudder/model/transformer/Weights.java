package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import rudder.checkpoint.ModelConfig;
import rudder.checkpoint.TensorNames;
import rudder.checkpoint.format.TensorSource;
import rudder.model.transformer.Staging.Rows;

/**
 * Reads a checkpoint's tensors onto the engine's device and prepares them for {@link Block}. Query, key and value rows
 * are stacked into one matrix, and so are gate and up rows. Norm gains times sqrt(width), and the scale of q.k, are
 * folded into the matrices behind them. Rows stored for interleaved rotary pairs are reordered into halves. Matrices
 * have the stored precision, vectors that of the arithmetic.
 */
final class Weights {

    private final TensorSource source;
    private final TensorNames names;
    private final ModelConfig config;
    private final NDManager manager;
    /** The precision of the arithmetic. */
    final DataType type;

    private final DataType stored;
    private final Set<String> unread;
    private final Staging staging;
    private final Norm norm;
    private final Norm headNorm; // null where there is none
    private final SoftCap cap; // null where there is none
    private final Nonlinearity nonlinearity;
    private final NDArray turn;

    Weights(TensorSource source, TensorNames names, ModelConfig config, NDManager manager, DataType stored) {
        this.source = source;
        this.names = names;
        this.config = config;
        this.manager = manager;
        this.stored = stored;
        type = stored == DataType.FLOAT16 ? DataType.FLOAT32 : stored;
        unread = new LinkedHashSet<>(source.names());
        staging = new Staging(source);
        int w = config.headDimension();
        norm = new Norm(array(manager, new float[] {(float) (config.dimension() * config.epsilon())}));
        headNorm =
                config.queryKeyNorms() ? new Norm(array(manager, new float[] {(float) (w * config.epsilon())})) : null;
        cap = cap(config.attentionCap());
        nonlinearity = Nonlinearity.of(config.activation(), this::constant);
        turn = array(manager, Attention.quarterTurn(w), w, w);
    }

    /** Returns the norm without a gain that all blocks and the head share. */
    Norm norm() {
        return norm;
    }

    /** Returns the embedding [vocabulary, d]. */
    TokenMatrix embedding(Keep keep) {
        return tokenMatrix(names.embedding(), keep);
    }

    /** Returns the output head [vocabulary, d], where it is not the embedding. */
    TokenMatrix head(Keep keep) {
        return tokenMatrix(names.head(), keep);
    }

    private TokenMatrix tokenMatrix(String name, Keep keep) {
        var rows = new Rows(name + ".weight", config.vocabulary());
        requireShape(rows.name(), rows.count(), config.dimension());
        return new TokenMatrix(staging, rows, config.dimension(), manager, stored, keep);
    }

    /** Returns the gain of the final norm times sqrt(d), [d]. */
    NDArray finalGain() {
        return array(manager, gain(names.finalNorm(), config.dimension()));
    }

    /** Returns the soft cap with this bound, null for 0. */
    SoftCap cap(double bound) {
        return bound == 0 ? null : new SoftCap(array(manager, new float[] {(float) bound}));
    }

    /**
     * Checks that every tensor was read, or is one of those that no architecture needs.
     *
     * @throws IllegalArgumentException naming the tensor
     */
    void refuseUnread() {
        if (config.tiedHead()) {
            unread.remove(names.head() + ".weight"); // a copy of the embedding
        }
        unread.removeIf(name -> names.others().matcher(name).matches());
        if (!unread.isEmpty()) {
            throw new IllegalArgumentException(
                    source + ": tensor " + unread.iterator().next() + " (of " + unread.size()
                            + " left over) has no place in a model of the architecture " + config.architecture()
                            + " with this configuration; ignoring it would compute something else. "
                            + "Use a checkpoint without it.");
        }
    }

    /**
     * Reads a block; it belongs to {@code scope}, but for what all blocks share.
     *
     * @param used a block whose matrices may be written over; null for new ones
     * @throws IllegalArgumentException naming a tensor that is missing, misshapen or not finite
     */
    Block block(NDManager scope, int k, Block used) {
        int d = config.dimension();
        int f = config.feedForward();
        int w = config.headDimension();
        NDArray qkv = queriesKeysValues(
                scope,
                ".weight",
                d,
                gain(TensorNames.ofBlock(names.attentionNorm(), k), d),
                k,
                used == null ? null : used.attention().qkv());
        NDArray bias = config.biases()
                ? queriesKeysValues(scope, ".bias", 1, null, k, null).reshape(-1)
                : null;
        NDArray headGain = headNorm == null ? null : headGain(scope, k, w);
        var attention = new Attention(
                config.spans().get(k),
                config.heads(),
                config.keyValueHeads(),
                w,
                qkv,
                bias,
                headGain,
                headNorm,
                cap,
                turn);
        NDArray output = stack(
                scope,
                config.heads() * w,
                null,
                used == null ? null : used.output(),
                new Rows(TensorNames.ofBlock(names.output(), k) + ".weight", d));
        NDArray gateUp = stack(
                scope,
                d,
                gain(TensorNames.ofBlock(names.mlpNorm(), k), d),
                used == null ? null : used.mlp().gateUp(),
                new Rows(TensorNames.ofBlock(names.gate(), k) + ".weight", f),
                new Rows(TensorNames.ofBlock(names.up(), k) + ".weight", f));
        NDArray down = stack(
                scope,
                f,
                null,
                used == null ? null : used.down(),
                new Rows(TensorNames.ofBlock(names.down(), k) + ".weight", d));
        return new Block(
                k,
                norm,
                attention,
                output,
                postGain(scope, names.postAttentionNorm(), k),
                new GatedMlp(nonlinearity, gateUp),
                down,
                postGain(scope, names.postMlpNorm(), k));
    }

    /** Stacks the projections' weights or biases. Queries carry the scale of q.k unless their norm's gain does. */
    private NDArray queriesKeysValues(NDManager scope, String suffix, int columns, float[] gain, int k, NDArray used) {
        int queries = config.heads() * config.headDimension();
        int keys = config.keyValueHeads() * config.headDimension();
        double scale = config.queryKeyNorms() ? 1 : config.attentionScale();
        int apart = config.interleavedHeads() ? config.headDimension() : 0;
        return stack(
                scope,
                columns,
                gain,
                used,
                new Rows(TensorNames.ofBlock(names.query(), k) + suffix, 0, queries, scale, apart),
                new Rows(TensorNames.ofBlock(names.key(), k) + suffix, 0, keys, 1, apart),
                new Rows(TensorNames.ofBlock(names.value(), k) + suffix, keys));
    }

    private NDArray postGain(NDManager scope, String pattern, int k) {
        return config.postNorms() ? array(scope, gain(TensorNames.ofBlock(pattern, k), config.dimension())) : null;
    }

    /** Returns the gains of query and key norms times sqrt(w), queries' also times the scale of q.k: [h + kv, w]. */
    private NDArray headGain(NDManager scope, int k, int w) {
        float[] query = gain(TensorNames.ofBlock(names.queryNorm(), k), w);
        float[] key = gain(TensorNames.ofBlock(names.keyNorm(), k), w);
        float[] all = new float[(config.heads() + config.keyValueHeads()) * w];
        for (int i = 0; i < all.length; i++) {
            all[i] = i < config.heads() * w ? (float) (query[i % w] * config.attentionScale()) : key[i % w];
        }
        return array(scope, all, config.heads() + config.keyValueHeads(), w);
    }

    /** Returns a norm's gain times sqrt(width), which {@link Norm} leaves out. */
    private float[] gain(String name, int width) {
        requireShape(name + ".weight", width, 1);
        float[] gain = source.read(name + ".weight");
        for (int i = 0; i < width; i++) {
            gain[i] = (float) ((gain[i] + (double) config.gainOffset()) * Math.sqrt(width));
            if (!Float.isFinite(gain[i])) {
                throw staging.notFinite(name + ".weight", i, gain[i]);
            }
        }
        return gain;
    }

    /** Returns {@link Staging#stack} of the tensors' rows, in the stored precision; a single column is a vector. */
    private NDArray stack(NDManager scope, int columns, float[] columnFactors, NDArray used, Rows... parts) {
        for (Rows part : parts) {
            requireShape(part.name(), part.count(), columns);
        }
        return staging.stack(scope, columns == 1 ? type : stored, columns, columnFactors, used, parts);
    }

    private void requireShape(String name, int rows, int columns) {
        long[] found = source.shape(name); // refuses a missing tensor by name
        long[] wanted = columns == 1 ? new long[] {rows} : new long[] {rows, columns};
        if (!Arrays.equals(found, wanted)) {
            throw new IllegalArgumentException(source + ": tensor " + name + " has shape " + Arrays.toString(found)
                    + ", but the configuration of " + config.architecture() + " wants " + Arrays.toString(wanted)
                    + "; the file's metadata and its tensors disagree: try another conversion of the model");
        }
        unread.remove(name);
    }

    private NDArray constant(double value) {
        try (NDManager scope = manager.newSubManager()) {
            return owned(manager, scope.create(new double[] {value}));
        }
    }

    private NDArray array(NDManager owner, float[] values, long... shape) {
        try (NDManager scope = manager.newSubManager()) {
            return owned(owner, scope.create(values, shape.length == 0 ? new Shape(values.length) : new Shape(shape)));
        }
    }

    /** Returns an array in this model's precision. The given one shares Java's memory. */
    private NDArray owned(NDManager owner, NDArray shared) {
        NDArray own = shared.getDataType() == type ? shared.duplicate() : shared.toType(type, false);
        own.attach(owner);
        return own;
    }
}
