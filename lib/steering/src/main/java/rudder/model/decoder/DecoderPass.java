package rudder.model.decoder;

import java.util.function.Consumer;
import rudder.checkpoint.ModelConfig;
import rudder.kernel.Floats;
import rudder.kernel.PackedInput;
import rudder.theory.control.HookPoint;

/**
 * Passes of so many tokens through the blocks. A state is a column: [d, width], with the width of {@link PackedInput}.
 * Its buffers serve one pass after another, so the states of a pass last until the next.
 */
final class DecoderPass {

    private final Decoder decoder;
    private final ModelConfig config;
    private final int n;
    private final int d;
    private final int width;
    private final HeapAttention attention;
    private final BlockPass blocks;
    private final float[][] states; // z_0..z_T
    private float[] columns = new float[0]; // logits as columns, for several tokens

    /** @param columns as many as there are tokens, or more */
    DecoderPass(Decoder decoder, int tokens, int columns) {
        this.decoder = decoder;
        config = decoder.config;
        n = tokens;
        d = config.dimension();
        blocks = new BlockPass(decoder, columns);
        width = blocks.width();
        attention = new HeapAttention(config, n, width);
        states = new float[config.horizon() + 1][d * width];
    }

    int tokens() {
        return n;
    }

    int width() {
        return width;
    }

    Texts.Step run(HeapCache[] caches, int[] positions, int[] tokens, HeapLaws.Pass laws, boolean logits) {
        attention.begin(caches, positions);
        int T = config.horizon();
        var inputs = new float[T][];
        var mixed = new float[T][];
        embeddings(tokens);
        for (int k = 0; k < T; k++) {
            block(k, laws, inputs, mixed);
        }
        return new Texts.Step(width, states, inputs, mixed, logits ? logits(states[T]) : null);
    }

    private void embeddings(int... tokens) {
        float scale = (float) config.embeddingScale();
        float[] x = states[0];
        float[] row = new float[d];
        for (int token = 0; token < n; token++) {
            decoder.embedding.row(tokens[token], row);
            for (int i = 0; i < d; i++) {
                x[i * width + token] = scale * row[i];
            }
        }
    }

    private void block(int k, HeapLaws.Pass laws, float[][] inputs, float[][] mixed) {
        float[] z = states[k];
        float[] out = states[k + 1];
        Consumer<PackedInput> onHeads = heads -> {
            if (laws != null) {
                float[] u = laws.add(HookPoint.HEAD_OUT, k, heads.values(), heads.size(), null);
                mixed[k] =
                        u == null ? null : add(u, heads, decoder.blocks.get(k).output());
            }
        };
        blocks.run(k, z, attention, onHeads, out);
        if (laws != null) {
            float[] u = laws.add(HookPoint.RESID_PRE, k, z, d, null);
            u = laws.add(HookPoint.RESID_POST, k, out, d, u);
            if (u != null) {
                Floats.add(1, u, 0, out, 0, out.length);
            }
            inputs[k] = u;
        }
    }

    /** Adds u to the heads' outputs, and returns what reaches the residual stream, W_o u. */
    private float[] add(float[] u, PackedInput heads, Rows output) {
        var input = new PackedInput(heads.size(), width);
        System.arraycopy(u, 0, input.values(), 0, u.length);
        Floats.add(1, u, 0, heads.values(), 0, u.length);
        input.ready();
        var mixed = new float[d * width];
        output.times(input, mixed);
        return mixed;
    }

    private float[] logits(float[] z) {
        PackedInput normed = blocks.normed(decoder.finalNorm, z);
        int vocabulary = config.vocabulary();
        float[] logits = new float[vocabulary * n];
        if (width == 1) {
            decoder.head.times(normed, logits, 0);
        } else {
            columns = columns.length == 0 ? new float[vocabulary * width] : columns;
            decoder.head.times(normed, columns, 0);
            turn(columns, logits);
        }
        decoder.cap(logits);
        return logits;
    }

    /** Returns {@link LogSums#surprisals} behind states z_T. */
    double[] surprisals(float[] z, int[] columns, int[] next) {
        return new LogSums(decoder, blocks.normed(decoder.finalNorm, z)).surprisals(columns, next);
    }

    /** Writes columns as rows; a few at a time, so that what is read once stays in a core's cache. */
    private void turn(float[] columns, float[] rows) {
        int size = rows.length / n;
        int some = 16;
        for (int from = 0; from < size; from += some) {
            int end = Math.min(size, from + some);
            for (int token = 0; token < n; token++) {
                for (int i = from; i < end; i++) {
                    rows[token * size + i] = columns[i * width + token];
                }
            }
        }
    }
}
