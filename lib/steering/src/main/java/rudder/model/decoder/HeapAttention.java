package rudder.model.decoder;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import rudder.checkpoint.AttentionSpan;
import rudder.checkpoint.ModelConfig;
import rudder.kernel.Cores;
import rudder.kernel.Floats;
import rudder.kernel.PackedInput;

/**
 * Attention of some tokens to those before in their texts. What is projected comes as columns, one a token, and is
 * turned over: a token's heads lie side by side.
 */
final class HeapAttention {

    /** Tokens that one core rotates at a time. */
    private static final int TOKENS = 8;

    private final ModelConfig config;
    private final Rotary rotary;
    private int n; // tokens of this pass
    private final int h;
    private final int kv;
    private final int w;
    private final int row; // numbers of a token: queries, keys and values
    private final int width;
    private final float[] projected; // [row, width]
    private final float[] turned; // [tokens, row]
    private final float[] attended; // [tokens, h w]
    private final Map<AttentionSpan, float[][]> turns = new HashMap<>(); // of this pass
    private HeapCache[] caches; // of each token's text
    private int[] positions;
    private int columns; // positions up to the last

    /** @param width tokens of a pass, at most */
    HeapAttention(ModelConfig config, int width) {
        this.config = config;
        rotary = Rotary.of(config);
        h = config.heads();
        kv = config.keyValueHeads();
        w = config.headDimension();
        row = (h + 2 * kv) * w;
        this.width = width;
        projected = new float[row * width];
        turned = new float[row * width];
        attended = new float[h * w * width];
    }

    /**
     * Begins a pass.
     *
     * @param caches of each token's text
     * @param positions of each token in its text
     */
    void begin(HeapCache[] caches, int... positions) {
        this.caches = caches;
        this.positions = positions;
        n = positions.length;
        columns = 1 + Arrays.stream(positions).max().orElseThrow();
        turns.clear();
    }

    /** Stores keys and values of block k, and writes the heads' outputs for the normed states, [h w, width]. */
    void heads(int k, DecoderBlock block, PackedInput normed, float[] out) {
        block.projections().times(normed, projected);
        float[][] turn = turns.computeIfAbsent(block.span(), this::turns);
        Cores.Rows tokens = (first, end, to, base) -> turn(block, turn, first, end, to, base);
        Cores.share(n, TOKENS, row, tokens, turned, 0);
        for (int i = 0; i < n; i++) {
            caches[i].store(k, positions[i], turned, i * row + h * w, i * row + (h + kv) * w);
        }
        Cores.Rows heads = (from, end, to, base) -> {
            float[] scores = new float[columns];
            for (int i = from; i < end; i++) {
                head(k, block.span(), i / h, i % h, scores, to, base + i * w);
            }
        };
        Cores.share(n * h, unit(), w, heads, attended, 0);
        for (int i = 0; i < h * w; i++) {
            for (int token = 0; token < n; token++) {
                out[i * width + token] = attended[token * h * w + i];
            }
        }
    }

    /** Turns over, biases, norms and rotates the projections of some tokens. */
    private void turn(DecoderBlock block, float[][] turn, int first, int end, float[] out, int base) {
        for (int i = 0; i < row; i++) {
            float bias = block.bias() == null ? 0 : block.bias()[i];
            for (int token = first; token < end; token++) {
                out[base + token * row + i] = projected[i * width + token] + bias;
            }
        }
        float[] spare = new float[w];
        for (int token = first; token < end; token++) {
            for (int i = 0; i < h + kv; i++) {
                int at = base + token * row + i * w;
                rotary.order(out, at, spare);
                RmsNorm norm = i < h ? block.queryNorm() : block.keyNorm();
                if (norm != null) {
                    norm.of(out, at, out, at);
                }
                rotary.forth(out, at, turn[token]);
            }
        }
    }

    /** Returns how many heads one core takes at a time; all, where they are little work. */
    private int unit() {
        return Math.max(1, Math.min(n * h, (1 << 15) / (columns * w)));
    }

    /** Writes what head i of a token attends to in block k. */
    private void head(int k, AttentionSpan span, int token, int i, float[] scores, float[] out, int at) {
        float[] keys = caches[token].keys[k][i / (h / kv)];
        float[] values = caches[token].values[k][i / (h / kv)];
        int end = positions[token] + 1;
        int first = span.window() == 0 ? 0 : Math.max(0, end - span.window());
        int query = token * row + i * w;
        float scale = (float) config.attentionScale();
        float cap = (float) config.attentionCap();
        Floats.dots(turned, query, keys, w, first, end, scores);
        for (int t = first; t < end; t++) {
            float score = scale * scores[t];
            scores[t] = cap == 0 ? score : cap * (float) Math.tanh(score / cap);
        }
        Floats.softmax(scores, first, end);
        Floats.combine(scores, first, end, values, w, out, at);
    }

    /** Returns amplitude times cos and sin of each token's angles, one behind the other. */
    private float[][] turns(AttentionSpan span) {
        var ofPosition = new HashMap<Integer, float[]>();
        return Arrays.stream(positions)
                .mapToObj(position -> ofPosition.computeIfAbsent(position, p -> rotary.turn(span, p)))
                .toArray(float[][]::new);
    }
}
