package rudder.model.decoder;

import java.util.Arrays;
import rudder.checkpoint.ModelConfig;
import rudder.kernel.Cores;
import rudder.kernel.Floats;
import rudder.kernel.PackedInput;
import rudder.kernel.PackedMatrix;

/**
 * A block's attention at the last token of a text, and its derivative F with respect to the projections, [h w, (h + 2
 * kv) w]. The keys and values of earlier tokens are constants.
 *
 * <p>A head with query q has scores s_j = a q.k_j, with attention's scale a, weights p = softmax_j(cap(s_j)) and the
 * output o = sum_j p_j v_j. Let c_j = cap'(s_j), which is 1 without a cap, and T the last token. Then
 *
 * <pre>   do = M dq + e (q.dk_T) + p_T dv_T,   M = a sum_j c_j p_j (v_j - o) k_j',   e = a c_T p_T (v_T - o).</pre>
 *
 * Between a projection x and q or k_T lie the rotary turn R and the norm of a head, with derivative D: dq = R D dx.
 */
final class LastAttention {

    private final ModelConfig config;
    private final DecoderBlock block;
    private final Rotary rotary;
    private final int h;
    private final int kv;
    private final int w;
    private final float[] turn; // of the last token
    private final float[] projected; // before norms and turns, in the order of coordinates
    private final float[] turned;
    private final float[][] keys; // of each key head, [t, w], the last token's own at the end
    private final float[][] values;
    private final int seen; // t
    private final float[] weights; // p, [h, t]
    private final float[] slopes; // a c p, [h, t]
    private final float[] heads; // o, [h, w]

    /** @param projected of the last token, as the weights give it, [(h + 2 kv) w]; becomes this object's */
    LastAttention(ModelConfig config, DecoderBlock block, float[] projected, LastToken last) {
        this.config = config;
        this.block = block;
        rotary = Rotary.of(config);
        h = config.heads();
        kv = config.keyValueHeads();
        w = config.headDimension();
        turn = rotary.turn(block.span(), last.position());
        this.projected = projected;
        float[] spare = new float[w];
        for (int i = 0; i < projected.length && block.bias() != null; i++) {
            projected[i] += block.bias()[i];
        }
        for (int i = 0; i < h + kv; i++) {
            rotary.order(projected, i * w, spare);
        }
        turned = projected.clone();
        for (int i = 0; i < h + kv; i++) {
            RmsNorm norm = norm(i);
            if (norm != null) {
                norm.of(turned, i * w, turned, i * w);
            }
            rotary.forth(turned, i * w, turn);
        }
        int window = block.span().window();
        seen = window == 0 ? last.position() + 1 : Math.min(last.position() + 1, window);
        keys = seen(last.keys(), last.position(), h);
        values = seen(last.values(), last.position(), h + kv);
        weights = new float[h * seen];
        slopes = new float[h * seen];
        heads = new float[h * w];
        for (int i = 0; i < h; i++) {
            attend(i);
        }
    }

    /** Returns the norm of query head i, or of key head i - h; null where there is none. */
    private RmsNorm norm(int i) {
        return i < h ? block.queryNorm() : block.keyNorm();
    }

    /** Returns what the last token sees of each key head: earlier tokens, and itself from {@code turned}. */
    private float[][] seen(float[] earlier, int position, int own) {
        var all = new float[kv][seen * w];
        for (int i = 0; i < kv; i++) {
            int before = (seen - 1) * w;
            System.arraycopy(earlier, (i + 1) * position * w - before, all[i], 0, before);
            System.arraycopy(turned, (own + i) * w, all[i], before, w);
        }
        return all;
    }

    private int keyHead(int i) {
        return i / (h / kv);
    }

    /** Computes weights, slopes and output of head i. */
    private void attend(int i) {
        float scale = (float) config.attentionScale();
        float cap = (float) config.attentionCap();
        float[] scores = new float[seen];
        float[] slope = new float[seen];
        Floats.dots(turned, i * w, keys[keyHead(i)], w, 0, seen, scores);
        for (int t = 0; t < seen; t++) {
            float bounded = cap == 0 ? 0 : (float) Math.tanh(scale * scores[t] / cap);
            scores[t] = cap == 0 ? scale * scores[t] : cap * bounded;
            slope[t] = scale * (1 - bounded * bounded);
        }
        Floats.softmax(scores, 0, seen);
        Floats.combine(scores, 0, seen, values[keyHead(i)], w, heads, i * w);
        System.arraycopy(scores, 0, weights, i * seen, seen);
        for (int t = 0; t < seen; t++) {
            slopes[i * seen + t] = slope[t] * scores[t];
        }
    }

    /** Returns the heads' outputs o, [h w]. */
    float[] value() {
        return heads;
    }

    /** Writes F W, with W the projections' weights, to {@code out}, [h w, width]. */
    void timesWeights(int width, float[] out) {
        // a head is a row of w rows
        Cores.Rows rows = (first, end, to, base) -> {
            for (int i = first; i < end; i++) {
                head(i, width, to, base + i * w * width);
            }
        };
        Cores.share(h, 1, w * width, rows, out, 0);
    }

    private void head(int i, int width, float[] out, int at) {
        int d = config.dimension();
        float[] row = new float[width];
        var queries = new PackedInput(w, d);
        for (int c = 0; c < w; c++) {
            block.projections().row(i * w + rotary.stored(c), row);
            System.arraycopy(row, 0, queries.values(), c * width, width);
        }
        queries.ready();
        PackedMatrix.of(byQuery(i), w, w, w).times(queries, 0, w, out, at);
        float[] byKey = byKey(i);
        float[] along = new float[width]; // q.dk_T
        for (int c = 0; c < w; c++) {
            block.projections().row((h + keyHead(i)) * w + rotary.stored(c), row);
            Floats.add(byKey[c], row, 0, along, 0, width);
        }
        int last = i * seen + seen - 1;
        for (int c = 0; c < w; c++) {
            float e = slopes[last] * (turned[(h + kv + keyHead(i)) * w + c] - heads[i * w + c]);
            Floats.add(e, along, 0, out, at + c * width, width);
            block.projections().row((h + kv + keyHead(i)) * w + c, row);
            Floats.add(weights[last], row, 0, out, at + c * width, width);
        }
    }

    /** Returns M R D of head i, [w, w]. */
    private float[] byQuery(int i) {
        float[] m = new float[w * w];
        float[] key = keys[keyHead(i)];
        float[] value = values[keyHead(i)];
        for (int t = 0; t < seen; t++) {
            float slope = slopes[i * seen + t];
            for (int c = 0; c < w; c++) {
                Floats.add(slope * (value[t * w + c] - heads[i * w + c]), key, t * w, m, c * w, w);
            }
        }
        for (int c = 0; c < w; c++) {
            beforeTurn(i, m, c * w);
        }
        return m;
    }

    /** Returns q'R D of head i, with the key's turn and norm, [w]. */
    private float[] byKey(int i) {
        float[] row = Arrays.copyOfRange(turned, i * w, (i + 1) * w);
        beforeTurn(h + keyHead(i), row, 0);
        return row;
    }

    /** Multiplies a row by R D of query head i, or of key head i - h, from the right. */
    private void beforeTurn(int i, float[] row, int at) {
        rotary.back(row, at, turn);
        RmsNorm norm = norm(i);
        if (norm != null) {
            norm.derivative(projected, i * w).row(row, at);
        }
    }
}
