package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads a checkpoint's tensors onto the engine's device, one at a time through a staging buffer, and prepares them for {@link Block}:
 * query, key and value rows (and gate and up rows) stacked into one matrix; norm gains times sqrt(width) and the scale of q.k folded into
 * the matrices that read them; rows stored for interleaved rotary pairs put back into halves.
 */
final class Weights {

    private final TensorSource source;
    private final TensorNames names;
    private final ModelConfig config;
    private final NDManager manager;
    private final DataType type;
    private FloatBuffer staging = FloatBuffer.allocate(0);
    private ByteBuffer stagingBytes;

    Weights(TensorSource source, TensorNames names, ModelConfig config, NDManager manager, DataType type) {
        this.source = source;
        this.names = names;
        this.config = config;
        this.manager = manager;
        this.type = type;
    }

    /** The embedding [vocabulary, d], as stored. */
    NDArray embedding() {
        return read(new Shape(config.vocabulary(), config.dimension()), names.embedding() + ".weight");
    }

    /** The matrix that reads the final norm [vocabulary, d], or null where the embedding serves as such. */
    NDArray head() {
        String name = names.head() + ".weight";
        return source.has(name) ? read(new Shape(config.vocabulary(), config.dimension()), name) : null;
    }

    /** Gain of the final norm times sqrt(d), [d]. */
    NDArray finalGain() {
        return array(gain(names.finalNorm(), config.dimension()));
    }

    List<Block> blocks() {
        var norms = new Norm(array(new float[] {(float) (config.dimension() * config.epsilon())}));
        Norm headNorm = config.queryKeyNorms() ? new Norm(array(new float[] {(float) (config.headDimension() * config.epsilon())})) : null;
        NDArray turn = array(Attention.quarterTurn(config.headDimension()), config.headDimension(), config.headDimension());
        var blocks = new ArrayList<Block>();
        for (int k = 0; k < config.horizon(); k++) {
            blocks.add(block(k, norms, headNorm, turn));
        }
        return blocks;
    }

    private Block block(int k, Norm norm, Norm headNorm, NDArray turn) {
        int d = config.dimension();
        int f = config.feedForward();
        int w = config.headDimension();
        int queries = config.heads() * w;
        int keys = config.keyValueHeads() * w;
        String q = names.query().formatted(k);
        String key = names.key().formatted(k);
        String v = names.value().formatted(k);
        double scale = config.attentionScale();

        float[] norm1 = gain(names.attentionNorm().formatted(k), d);
        FloatBuffer rows = stage((long) (queries + 2 * keys) * d, q);
        readInto(rows, queries, d, q + ".weight");
        readInto(rows, keys, d, key + ".weight");
        readInto(rows, keys, d, v + ".weight");
        if (config.interleavedHeads()) {
            halves(rows, 0, config.heads() + config.keyValueHeads(), w, d);
        }
        scaleRows(rows, 0, queries + 2 * keys, norm1, 1);
        if (headNorm == null) {
            scaleRows(rows, 0, queries, null, scale);
        }
        NDArray qkv = upload(new Shape(queries + 2L * keys, d));

        boolean biased = source.has(q + ".bias") || source.has(key + ".bias") || source.has(v + ".bias");
        NDArray bias = biased ? bias(q, key, v, queries, keys, headNorm == null ? scale : 1, d) : null;
        NDArray headGain = headNorm == null ? null : headGain(k, w, scale);
        var attention = new Attention(config.spans().get(k), config.heads(), config.keyValueHeads(), w, qkv, bias, headGain, headNorm, turn);

        NDArray output = read(new Shape(d, queries), names.output().formatted(k) + ".weight");
        float[] norm2 = gain(names.mlpNorm().formatted(k), d);
        String gate = names.gate().formatted(k);
        rows = stage(2L * f * d, gate);
        readInto(rows, f, d, gate + ".weight");
        readInto(rows, f, d, names.up().formatted(k) + ".weight");
        scaleRows(rows, 0, 2 * f, norm2, 1);
        NDArray gateUp = upload(new Shape(2L * f, d));
        NDArray down = read(new Shape(d, f), names.down().formatted(k) + ".weight");
        return new Block(k, norm, attention, output, postGain(names.postAttentionNorm(), k), new GatedMlp(config.activation(), gateUp), down,
                postGain(names.postMlpNorm(), k));
    }

    private NDArray postGain(String pattern, int k) {
        return config.postNorms() ? array(gain(pattern.formatted(k), config.dimension())) : null;
    }

    /** Gains of the query and key norms times sqrt(w), the queries' also times the scale of q.k: [h + kv, w]. */
    private NDArray headGain(int k, int w, double scale) {
        float[] query = gain(names.queryNorm().formatted(k), w);
        float[] key = gain(names.keyNorm().formatted(k), w);
        float[] all = new float[(config.heads() + config.keyValueHeads()) * w];
        for (int i = 0; i < all.length; i++) {
            all[i] = i < config.heads() * w ? (float) (query[i % w] * scale) : key[i % w];
        }
        return array(all, config.heads() + config.keyValueHeads(), w);
    }

    private NDArray bias(String q, String key, String v, int queries, int keys, double scale, int d) {
        FloatBuffer all = stage(queries + 2L * keys, q);
        readInto(all, queries, 1, q + ".bias");
        readInto(all, keys, 1, key + ".bias");
        readInto(all, keys, 1, v + ".bias");
        if (config.interleavedHeads()) {
            halves(all, 0, config.heads() + config.keyValueHeads(), config.headDimension(), 1);
        }
        for (int i = 0; i < queries; i++) {
            all.put(i, (float) (all.get(i) * scale));
        }
        return upload(new Shape(queries + 2L * keys));
    }

    /** A norm's gain times sqrt(width): what is left of the norm beside {@link Norm}. */
    private float[] gain(String name, int width) {
        FloatBuffer values = stage(width, name);
        readInto(values, width, 1, name + ".weight");
        float[] gain = new float[width];
        for (int i = 0; i < width; i++) {
            gain[i] = (float) (values.get(i) * Math.sqrt(width));
        }
        return gain;
    }

    /** Rows 2i + j of each head to j w/2 + i: from interleaved rotary pairs to halves. */
    private static void halves(FloatBuffer rows, int first, int heads, int width, int columns) {
        float[] head = new float[width * columns];
        for (int h = 0; h < heads; h++) {
            int at = (first + h * width) * columns;
            rows.get(at, head);
            for (int i = 0; i < width; i++) {
                int to = (i % 2) * (width / 2) + i / 2;
                rows.put(at + to * columns, head, i * columns, columns);
            }
        }
    }

    private void scaleRows(FloatBuffer rows, int first, int count, float[] columnFactors, double factor) {
        int columns = config.dimension();
        float[] row = new float[columns];
        for (int i = first; i < first + count; i++) {
            rows.get(i * columns, row);
            for (int j = 0; j < columns; j++) {
                row[j] = (float) (row[j] * factor * (columnFactors == null ? 1 : columnFactors[j]));
            }
            rows.put(i * columns, row);
        }
    }

    private NDArray read(Shape shape, String name) {
        FloatBuffer values = stage(shape.size(), name);
        readInto(values, (int) shape.get(0), (int) shape.get(1), name);
        return upload(shape);
    }

    private void readInto(FloatBuffer into, int rows, int columns, String name) {
        long[] found = source.shape(name); // refuses a missing tensor by name
        long[] wanted = columns == 1 ? new long[] {rows} : new long[] {rows, columns};
        if (!Arrays.equals(found, wanted)) {
            throw new IllegalArgumentException(source + ": tensor " + name + " has shape " + Arrays.toString(found) + ", but the configuration of "
                    + config.architecture() + " wants " + Arrays.toString(wanted)
                    + "; the file's metadata and its tensors disagree: try another conversion of the model");
        }
        int start = into.position();
        source.read(name, into);
        for (int i = start; i < into.position(); i++) {
            if (!Float.isFinite(into.get(i))) {
                throw new IllegalArgumentException(source + ": tensor " + name + " holds " + into.get(i) + " at element " + (i - start)
                        + "; weights must be finite. The file is damaged or was converted wrongly: fetch it again.");
            }
        }
    }

    private FloatBuffer stage(long size, String name) {
        if (size > Integer.MAX_VALUE / Float.BYTES) {
            throw new IllegalArgumentException(source + ": tensor " + name + " has " + size + " elements; a single matrix over 2 GiB is not supported");
        }
        if (staging.capacity() < size) {
            stagingBytes = ByteBuffer.allocateDirect((int) size * Float.BYTES).order(ByteOrder.nativeOrder());
            staging = stagingBytes.asFloatBuffer();
        }
        return staging.clear().limit((int) size);
    }

    /** What the staging buffer holds, as an array of the engine's own memory. */
    private NDArray upload(Shape shape) {
        int size = (int) shape.size();
        try (NDManager scope = manager.newSubManager()) {
            NDArray array = scope.create(stagingBytes.slice(0, size * Float.BYTES).order(ByteOrder.nativeOrder()), shape, DataType.FLOAT32);
            return own(array);
        }
    }

    private NDArray array(float[] values, long... shape) {
        try (NDManager scope = manager.newSubManager()) {
            return own(scope.create(values, shape.length == 0 ? new Shape(values.length) : new Shape(shape)));
        }
    }

    /** A copy in the engine's own memory: what is created from Java's shares a buffer with it. */
    private NDArray own(NDArray shared) {
        NDArray own = shared.getDataType() == type ? shared.duplicate() : shared.toType(type, false);
        own.attach(manager);
        return own;
    }
}
