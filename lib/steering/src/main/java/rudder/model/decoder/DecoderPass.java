package rudder.model.decoder;

import rudder.checkpoint.Activation;
import rudder.checkpoint.ModelConfig;
import rudder.kernel.Cores;
import rudder.kernel.Floats;
import rudder.kernel.PackedInput;
import rudder.theory.control.HookPoint;

/**
 * Passes of some tokens through the blocks. A state is a column: [d, width], with the width of {@link PackedInput}. Its
 * buffers serve one pass after another, so the states of a pass last until the next. Columns without a token hold what
 * an earlier pass left there, or 0.
 */
final class DecoderPass {

    private final Decoder decoder;
    private final ModelConfig config;
    private int n; // tokens of this pass
    private final int d;
    private final int width;
    private final HeapAttention attention;
    private final PackedInput normed;
    private final PackedInput heads;
    private final PackedInput gated;
    private final float[][] states; // z_0..z_T
    private final float[] between; // attention and MLP
    private final float[] sum;
    private float[] columns = new float[0]; // logits as columns, for several tokens

    /** @param columns tokens of a pass, at most */
    DecoderPass(Decoder decoder, int columns) {
        this.decoder = decoder;
        config = decoder.config;
        d = config.dimension();
        normed = new PackedInput(d, columns);
        width = normed.width();
        attention = new HeapAttention(config, width);
        heads = new PackedInput(config.headsWidth(), columns);
        gated = new PackedInput(config.feedForward(), columns);
        states = new float[config.horizon() + 1][d * width];
        between = new float[d * width];
        sum = new float[d * width];
    }

    int width() {
        return width;
    }

    Texts.Step run(HeapCache[] caches, int[] positions, int[] tokens, HeapLaws.Pass laws, boolean logits) {
        n = tokens.length;
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
        DecoderBlock block = decoder.blocks.get(k);
        float[] z = states[k];
        float[] out = states[k + 1];
        norm(block.attentionNorm(), z);
        attention.heads(k, block, normed, heads.values());
        if (laws != null) {
            float[] u = laws.add(HookPoint.HEAD_OUT, k, heads.values(), heads.size(), null);
            mixed[k] = u == null ? null : onHeads(block, u);
        }
        heads.ready();
        block.output().times(heads, sum);
        residual(z, block.postAttentionNorm(), between);
        norm(block.mlpNorm(), between);
        mlp(block);
        block.down().times(gated, sum);
        residual(between, block.postMlpNorm(), out);
        if (laws != null) {
            float[] u = laws.add(HookPoint.RESID_PRE, k, z, d, null);
            u = laws.add(HookPoint.RESID_POST, k, out, d, u);
            if (u != null) {
                Floats.add(1, u, 0, out, 0, out.length);
            }
            inputs[k] = u;
        }
    }

    private void norm(RmsNorm norm, float[] x) {
        norm.columns(x, width, normed.values());
        normed.ready();
    }

    /** Adds u to the heads' outputs, and returns W_o u, before a norm that may follow. */
    private float[] onHeads(DecoderBlock block, float[] u) {
        var input = new PackedInput(heads.size(), width);
        System.arraycopy(u, 0, input.values(), 0, u.length);
        Floats.add(1, u, 0, heads.values(), 0, u.length);
        input.ready();
        var mixed = new float[d * width];
        block.output().times(input, mixed);
        return mixed;
    }

    private void residual(float[] x, RmsNorm norm, float[] y) {
        if (norm != null) {
            norm.columns(sum, width, sum);
        }
        System.arraycopy(x, 0, y, 0, y.length);
        Floats.add(1, sum, 0, y, 0, y.length);
    }

    private void mlp(DecoderBlock block) {
        boolean gelu = config.activation() == Activation.GELU_TANH;
        Cores.Rows rows = (first, end, out, base) -> {
            block.gate().times(normed, first, end, out, base);
            float[] up = new float[(end - first) * width];
            block.up().times(normed, first, end, up, -first * width);
            Floats.gate(out, base + first * width, up, up.length, gelu);
        };
        Cores.share(config.feedForward(), normed.unit(), width, rows, gated.values(), 0);
        gated.ready();
    }

    private float[] logits(float[] z) {
        norm(decoder.finalNorm, z);
        int vocabulary = config.vocabulary();
        float[] logits = new float[vocabulary * n];
        if (width > 1 && columns.length == 0) {
            columns = new float[vocabulary * width];
        }
        float[] written = width == 1 ? logits : columns;
        Cores.Rows rows = (first, end, out, base) -> decoder.logits(normed, first, end, out, base);
        Cores.share(vocabulary, decoder.head.unit(normed), width, rows, written, 0);
        if (width > 1) {
            turn(written, logits);
        }
        return logits;
    }

    /** Returns {@link LogSums#surprisals} behind states z_T. */
    double[] surprisals(float[] z, int[] columns, int[] next) {
        norm(decoder.finalNorm, z);
        return new LogSums(decoder, normed).surprisals(columns, next);
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
