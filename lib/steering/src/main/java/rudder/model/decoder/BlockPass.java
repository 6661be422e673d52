package rudder.model.decoder;

import java.util.function.Consumer;
import rudder.checkpoint.Activation;
import rudder.checkpoint.ModelConfig;
import rudder.kernel.Cores;
import rudder.kernel.Floats;
import rudder.kernel.PackedInput;

/**
 * Passes of so many tokens through single blocks. A state is a column: [d, width], with the width of
 * {@link PackedInput}. Its buffers serve one pass after another.
 */
final class BlockPass {

    private final Decoder decoder;
    private final ModelConfig config;
    private final int d;
    private final int width;
    private final PackedInput normed;
    private final PackedInput heads;
    private final PackedInput gated;
    private final float[] between; // attention and MLP
    private final float[] sum;

    /** @param columns as many as there are tokens, or more */
    BlockPass(Decoder decoder, int columns) {
        this.decoder = decoder;
        config = decoder.config;
        d = config.dimension();
        normed = new PackedInput(d, columns);
        width = normed.width();
        heads = new PackedInput(config.headsWidth(), columns);
        gated = new PackedInput(config.feedForward(), columns);
        between = new float[d * width];
        sum = new float[d * width];
    }

    int width() {
        return width;
    }

    /**
     * Brings states through block k.
     *
     * @param onHeads may change the outputs of the heads
     * @param out the states that leave it
     */
    void run(int k, float[] z, Attending attention, Consumer<PackedInput> onHeads, float[] out) {
        DecoderBlock block = decoder.blocks.get(k);
        attention.heads(k, block, normed(block.attentionNorm(), z), heads.values());
        onHeads.accept(heads);
        heads.ready();
        block.output().times(heads, sum);
        residual(z, block.postAttentionNorm(), between);
        mlp(block, normed(block.mlpNorm(), between));
        block.down().times(gated, sum);
        residual(between, block.postMlpNorm(), out);
    }

    /** Returns the states behind a norm, until the next call. */
    PackedInput normed(RmsNorm norm, float[] x) {
        norm.columns(x, width, normed.values());
        normed.ready();
        return normed;
    }

    private void residual(float[] x, RmsNorm norm, float[] y) {
        if (norm != null) {
            norm.columns(sum, width, sum);
        }
        System.arraycopy(x, 0, y, 0, y.length);
        Floats.add(1, sum, 0, y, 0, y.length);
    }

    private void mlp(DecoderBlock block, PackedInput x) {
        boolean gelu = config.activation() == Activation.GELU_TANH;
        Cores.Rows rows = (first, end, out, base) -> {
            block.gate().times(x, first, end, out, base);
            float[] up = new float[(end - first) * width];
            block.up().times(x, first, end, up, -first * width);
            Floats.gate(out, base + first * width, up, up.length, gelu);
        };
        Cores.share(config.feedForward(), x.unit(), width, rows, gated.values(), 0);
        gated.ready();
    }
}
