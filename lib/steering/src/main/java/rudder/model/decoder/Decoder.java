package rudder.model.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.Activation;
import rudder.checkpoint.AttentionSpan;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.ModelConfig;
import rudder.checkpoint.format.TensorSource;
import rudder.kernel.Cores;
import rudder.kernel.Floats;
import rudder.kernel.PackedInput;
import rudder.kernel.PackedMatrix;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;

/**
 * A model's blocks for one token at a time, {@code z_{k+1} = phi_k(z_k) + u_k}. A token costs one pass over the packed
 * weights. Thread-safe: each text is a {@link Text} of its own.
 */
public final class Decoder {

    private final ModelConfig config;
    private final PackedMatrix embedding;
    private final PackedMatrix head;
    private final RmsNorm finalNorm;
    private final List<DecoderBlock> blocks = new ArrayList<>();

    /**
     * @param checkpoint open, with sound tensors that {@link #obstacle} finds readable
     * @throws IllegalStateException if a tensor is not
     */
    public Decoder(Checkpoint checkpoint) {
        config = checkpoint.config();
        var source = checkpoint.tensors();
        var names = checkpoint.names();
        embedding = Rows.of(source, names.embedding());
        head = config.tiedHead() ? embedding : Rows.of(source, names.head());
        finalNorm = RmsNorm.of(source, names.finalNorm(), config);
        for (int k = 0; k < config.horizon(); k++) {
            blocks.add(DecoderBlock.of(source, names, config, k));
        }
    }

    /** Says why no decoder reads these tensors; null if one does. Needs {@link PackedMatrix#available}. */
    public static String obstacle(TensorSource source) {
        return source.names().stream()
                .filter(name -> source.shape(name).length == 2)
                .filter(name -> Rows.packed(source, name).isEmpty())
                .findFirst()
                .map(name -> "no kernel reads " + name)
                .orElse(null);
    }

    /** @throws IllegalArgumentException if the controller has a law for a block or a width that this model lacks */
    public HeapLaws laws(Controller controller) {
        return new HeapLaws(controller, config);
    }

    /** Returns an empty text. */
    public Text text() {
        return new Text();
    }

    /**
     * The states and inputs of one token's pass.
     *
     * @param states z_0..z_T, [T+1][d]
     * @param inputs u_0..u_{T-1} on the residual stream, [T][d]; null where there is none
     * @param mixed inputs on the heads, multiplied by the output matrix, [T][d]; null where there is none
     * @param logits of the next token, [vocabulary]
     */
    public record Step(float[][] states, double[][] inputs, float[][] mixed, float[] logits) {}

    /** One text: its keys and values, and buffers. Not thread-safe. */
    public final class Text {

        private final int d = config.dimension();
        private final int h = config.heads();
        private final int kv = config.keyValueHeads();
        private final int w = config.headDimension();
        private final HeapCache cache = new HeapCache(config.horizon(), kv, w);
        private final PackedInput normed = new PackedInput(d);
        private final float[] projected = new float[(h + 2 * kv) * w];
        private final PackedInput heads = new PackedInput(h * w);
        private final float[] sum = new float[d];
        private final PackedInput gated = new PackedInput(config.feedForward());
        private final Map<AttentionSpan, float[]> turns = new HashMap<>();
        private final float[] head = new float[w];

        /** Returns the number of tokens read. */
        public int length() {
            return cache.length();
        }

        /** Takes over the keys and values of tokens that the engine has read, for each block [kv, t, w]. */
        public void fill(int tokens, float[][] keys, float[][] values) {
            for (int k = 0; k < config.horizon(); k++) {
                cache.fill(k, tokens, keys[k], values[k]);
            }
        }

        /** Reads the next token, steered if there are laws. */
        public Step next(int token, HeapLaws laws) {
            var pass = laws == null ? null : laws.pass();
            int T = config.horizon();
            var states = new float[T + 1][];
            var inputs = new double[T][];
            var mixed = new float[T][];
            turns.clear();
            float[] x = new float[d];
            embedding.row(token, x);
            float scale = (float) config.embeddingScale();
            for (int i = 0; i < d; i++) {
                x[i] *= scale;
            }
            for (int k = 0; k < T; k++) {
                states[k] = x;
                x = block(k, x, pass, inputs, mixed);
            }
            states[T] = x;
            cache.advance();
            return new Step(states, inputs, mixed, logits(x));
        }

        private float[] block(int k, float[] z, HeapLaws.Pass laws, double[][] inputs, float[][] mixed) {
            DecoderBlock block = blocks.get(k);
            block.attentionNorm().of(z, 0, normed.values(), 0);
            normed.ready();
            attention(k, block);
            if (laws != null) {
                double[] u = laws.add(HookPoint.HEAD_OUT, k, heads.values(), h * w, null);
                mixed[k] = u == null ? null : onHeads(block, u);
            }
            heads.ready();
            block.output().times(heads, sum);
            float[] y = residual(z, block.postAttentionNorm());
            block.mlpNorm().of(y, 0, normed.values(), 0);
            normed.ready();
            mlp(block);
            block.down().times(gated, sum);
            float[] out = residual(y, block.postMlpNorm());
            if (laws != null) {
                double[] u = laws.add(HookPoint.RESID_PRE, k, z, d, null);
                u = laws.add(HookPoint.RESID_POST, k, out, d, u);
                for (int i = 0; u != null && i < d; i++) {
                    out[i] += (float) u[i];
                }
                inputs[k] = u;
            }
            return out;
        }

        /** Adds u to the heads' outputs, and returns what reaches the residual stream, W_o u. */
        private float[] onHeads(DecoderBlock block, double[] u) {
            var input = new PackedInput(h * w);
            for (int i = 0; i < u.length; i++) {
                input.values()[i] = (float) u[i];
                heads.values()[i] += (float) u[i];
            }
            input.ready();
            var mixed = new float[d];
            block.output().times(input, mixed);
            return mixed;
        }

        private float[] residual(float[] x, RmsNorm norm) {
            if (norm != null) {
                norm.of(sum, 0, sum, 0);
            }
            float[] y = x.clone();
            for (int i = 0; i < d; i++) {
                y[i] += sum[i];
            }
            return y;
        }

        private void attention(int k, DecoderBlock block) {
            block.projections().times(normed, projected);
            if (block.bias() != null) {
                Floats.add(1, block.bias(), 0, projected, 0, projected.length);
            }
            float[] turn = turns.computeIfAbsent(block.span(), this::turn);
            for (int i = 0; i < h + kv; i++) {
                int at = i * w;
                if (config.interleavedHeads()) {
                    halves(at);
                }
                RmsNorm norm = i < h ? block.queryNorm() : block.keyNorm();
                if (norm != null) {
                    norm.of(projected, at, projected, at);
                }
                rotate(at, turn);
            }
            cache.store(k, projected, h * w, (h + kv) * w);
            int columns = cache.length() + 1;
            int window = block.span().window();
            int first = window == 0 ? 0 : Math.max(0, columns - window);
            Cores.Rows rows = (from, end, out, base) -> {
                float[] scores = new float[columns];
                for (int i = from; i < end; i++) {
                    head(k, i, first, columns, scores, out, base + i * w);
                }
            };
            Cores.share(h, unit(columns - first), w, rows, heads.values(), 0);
        }

        /** Returns how many heads one core takes at a time; all, where they are little work. */
        private int unit(int columns) {
            return Math.max(1, Math.min(h, (1 << 15) / (columns * w)));
        }

        private void head(int k, int i, int first, int columns, float[] scores, float[] out, int at) {
            float[] keys = cache.keys[k][i / (h / kv)];
            float[] values = cache.values[k][i / (h / kv)];
            float scale = (float) config.attentionScale();
            float cap = (float) config.attentionCap();
            float most = Float.NEGATIVE_INFINITY;
            for (int t = first; t < columns; t++) {
                float score = scale * Floats.dot(projected, i * w, keys, t * w, w);
                scores[t] = cap == 0 ? score : cap * (float) Math.tanh(score / cap);
                most = Math.max(most, scores[t]);
            }
            double total = 0;
            for (int t = first; t < columns; t++) {
                scores[t] = (float) Math.exp(scores[t] - most);
                total += scores[t];
            }
            Arrays.fill(out, at, at + w, 0);
            for (int t = first; t < columns; t++) {
                Floats.add((float) (scores[t] / total), values, t * w, out, at, w);
            }
        }

        /** Moves a head's rows 2i + j to j w/2 + i: from interleaved rotary pairs to halves. */
        private void halves(int at) {
            System.arraycopy(projected, at, head, 0, w);
            for (int i = 0; i < w; i++) {
                projected[at + (i % 2) * (w / 2) + i / 2] = head[i];
            }
        }

        /** Returns amplitude times cos and sin of the next position's angles, one behind the other. */
        private float[] turn(AttentionSpan span) {
            int half = w / 2;
            float[] turn = new float[w];
            for (int i = 0; i < half; i++) {
                double angle = span.angle(cache.length(), i, w);
                turn[i] = (float) (span.amplitude() * Math.cos(angle));
                turn[half + i] = (float) (span.amplitude() * Math.sin(angle));
            }
            return turn;
        }

        private void rotate(int at, float[] turn) {
            int half = w / 2;
            for (int i = 0; i < half; i++) {
                float a = projected[at + i];
                float b = projected[at + half + i];
                projected[at + i] = a * turn[i] - b * turn[half + i];
                projected[at + half + i] = b * turn[i] + a * turn[half + i];
            }
        }

        private void mlp(DecoderBlock block) {
            boolean gelu = config.activation() == Activation.GELU_TANH;
            Cores.Rows rows = (first, end, out, base) -> {
                block.gate().times(normed, first, end, out, base);
                float[] up = new float[end - first];
                block.up().times(normed, first, end, up, -first);
                for (int i = first; i < end; i++) {
                    double g = out[base + i];
                    double a = gelu ? 2 * Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g) : g;
                    out[base + i] = (float) (g * up[i - first] / (1 + Math.exp(-a)));
                }
            };
            Cores.share(config.feedForward(), Rows.UNIT, 1, rows, gated.values(), 0);
            gated.ready();
        }

        private float[] logits(float[] z) {
            finalNorm.of(z, 0, normed.values(), 0);
            normed.ready();
            float[] logits = new float[config.vocabulary()];
            Decoder.this.head.times(normed, logits, 0);
            float cap = (float) config.logitCap();
            if (cap != 0) {
                for (int i = 0; i < logits.length; i++) {
                    logits[i] = cap * (float) Math.tanh(logits[i] / cap);
                }
            }
            return logits;
        }
    }
}
