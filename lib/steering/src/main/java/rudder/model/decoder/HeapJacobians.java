package rudder.model.decoder;

import rudder.checkpoint.ModelConfig;
import rudder.kernel.Cores;
import rudder.kernel.Floats;
import rudder.kernel.PackedInput;
import rudder.kernel.PackedMatrix;

/**
 * Jacobians A_k = d phi_k / d z of blocks at the last tokens of texts, from packed weights.
 *
 * <p>A = (I + J_mlp)(I + J_attention). A sublayer has J = P W_out F W_in N: input norm, input matrix, attention or
 * gate, output matrix, output norm. The norms are rank-one corrections, and F W_in is made row by row from unpacked
 * rows. So W_out (F W_in) and J_mlp B are the only large products, of 2 d^2 (f + h w + d) operations. In them columns
 * are the vectors that packed rows are multiplied by.
 *
 * <p>Its buffers serve one Jacobian after another. Not thread-safe.
 */
public final class HeapJacobians {

    private final Decoder decoder;
    private final ModelConfig config;
    private final int d;
    private final int f;
    private final PackedInput normed; // the last token's state behind a norm
    private final PackedInput heads; // F W_in of attention
    private final PackedInput gated; // F W_in of the MLP
    private final PackedInput above; // B = I + J_attention
    private final int width;
    private final float[] product; // [d, width]
    private final float[] below; // J_mlp, [d, width]

    HeapJacobians(Decoder decoder) {
        this.decoder = decoder;
        config = decoder.config;
        d = config.dimension();
        f = config.feedForward();
        normed = new PackedInput(d);
        heads = new PackedInput(config.headsWidth(), d);
        gated = new PackedInput(f, d);
        above = new PackedInput(d, d);
        width = above.width();
        product = new float[d * width];
        below = new float[d * width];
    }

    /** Returns the bytes of the buffers, of a sum, and of a copy of J_mlp. */
    static long bytes(ModelConfig config) {
        long d = config.dimension();
        return Float.BYTES
                * PackedInput.width(config.dimension())
                * (2 * (config.headsWidth() + config.feedForward() + d) + 4 * d); // inputs are held as panels, too
    }

    /** Returns an empty sum for {@link #add}. */
    public float[] zero() {
        return new float[d * width];
    }

    /** Returns the floats in a row of a sum: d, and zeros behind them. */
    public int width() {
        return width;
    }

    /**
     * Adds A_k at z to a sum.
     *
     * @param z state of the last token before block k, [d]
     * @param last where the token stands in block k
     * @param sum [d, {@link #width}]
     */
    public void add(int k, float[] z, LastToken last, float[] sum) {
        DecoderBlock block = decoder.blocks.get(k);
        norm(block.attentionNorm(), z);
        float[] projected = new float[block.projections().rows()];
        block.projections().times(normed, projected);
        float[] y = attention(block, z, new LastAttention(config, block, projected, last));
        norm(block.mlpNorm(), y);
        mlp(block, y);
        PackedMatrix.of(below, d, d, width).times(above, product, 0);
        Floats.add(1, above.values(), 0, sum, 0, sum.length);
        Floats.add(1, product, 0, sum, 0, sum.length);
    }

    private void norm(RmsNorm norm, float[] x) {
        norm.of(x, 0, normed.values(), 0);
        normed.ready();
    }

    /** Makes B, and returns the state behind attention, [d]. */
    private float[] attention(DecoderBlock block, float[] z, LastAttention attention) {
        attention.timesWeights(width, heads.values());
        heads.ready();
        block.output().times(heads, product);
        float[] y = out(block.output(), attention.value(), block.postAttentionNorm());
        behind(block.attentionNorm().derivative(z, 0), 1, above.values());
        above.ready();
        Floats.add(1, z, 0, y, 0, d);
        return y;
    }

    /** Makes J_mlp at the state y between attention and MLP. */
    private void mlp(DecoderBlock block, float[] y) {
        float[] gate = new float[f];
        float[] up = new float[f];
        block.gate().times(normed, gate, 0);
        block.up().times(normed, up, 0);
        float[] value = new float[f];
        float[] byGate = new float[f];
        float[] byUp = new float[f];
        for (int i = 0; i < f; i++) {
            byUp[i] = (float) Gate.value(config.activation(), gate[i]);
            byGate[i] = (float) Gate.slope(config.activation(), gate[i]) * up[i];
            value[i] = byUp[i] * up[i];
        }
        Cores.Rows rows = (first, end, to, base) -> {
            float[] g = new float[d];
            float[] u = new float[d];
            for (int i = first; i < end; i++) {
                block.gate().row(i, g);
                block.up().row(i, u);
                combine(byGate[i], g, byUp[i], u, to, base + i * width);
            }
        };
        Cores.share(f, gated.unit(), width, rows, gated.values(), 0);
        gated.ready();
        block.down().times(gated, product);
        if (block.postMlpNorm() != null) {
            out(block.down(), value, block.postMlpNorm());
        }
        behind(block.mlpNorm().derivative(y, 0), 0, below);
    }

    private static void combine(float s, float[] a, float t, float[] b, float[] to, int at) {
        for (int j = 0; j < a.length; j++) {
            to[at + j] = s * a[j] + t * b[j];
        }
    }

    /** Brings the product behind the output norm, where there is one, and returns the sublayer's output at x, [d]. */
    private float[] out(Rows matrix, float[] x, RmsNorm norm) {
        var input = new PackedInput(x.length);
        System.arraycopy(x, 0, input.values(), 0, x.length);
        input.ready();
        float[] y = new float[d];
        matrix.times(input, y);
        if (norm != null) {
            norm.derivative(y, 0).columns(product, width);
            norm.of(y, 0, y, 0);
        }
        return y;
    }

    /** Writes the product times an input norm's derivative, and so much of the identity. */
    private void behind(RmsNorm.Derivative norm, float identity, float[] to) {
        Cores.Rows rows = (first, end, out, base) -> {
            for (int i = first; i < end; i++) {
                System.arraycopy(product, i * width, out, base + i * width, width);
                norm.row(out, base + i * width);
                out[base + i * width + i] += identity;
            }
        };
        Cores.share(d, above.unit(), width, rows, to, 0);
    }
}
