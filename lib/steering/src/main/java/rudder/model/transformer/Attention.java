package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import rudder.checkpoint.AttentionSpan;

/**
 * Rotary grouped-query attention of one block, between its input norm and its output matrix. A head with query q, keys
 * k_j and values v_j computes p = softmax_j(cap(q.k_j)) and o = sum_j p_j v_j. Queries, keys and values come from one
 * fused product. The scale of q.k is folded into the queries' gain or weights.
 *
 * @param qkv [(h + 2 kv) w, d]: query, key and value rows, the input norm's gain folded in; h and kv heads of width w.
 * @param bias [(h + 2 kv) w] or null.
 * @param headGain [h + kv, w], gains of the query and key norms; null where there are none.
 * @param headNorm norm over a head's width; null where there is none.
 * @param cap bound on the scores q.k; null where there is none.
 * @param turn [w, w], the quarter turn of rotary pairs, see {@link #quarterTurn}.
 */
public record Attention(
        AttentionSpan span,
        int heads,
        int keyHeads,
        int width,
        NDArray qkv,
        NDArray bias,
        NDArray headGain,
        Norm headNorm,
        SoftCap cap,
        NDArray turn) {

    /**
     * Queries q [B, h, L, w], keys k and values v [B, kv, L, w] of the tokens n [B, L, d]. All three before norms and
     * turns are projected [B, L, h + 2 kv, w].
     */
    public record Heads(NDArray q, NDArray k, NDArray v, NDArray projected) {}

    public Heads project(NDArray n, ForwardPass.RotaryAndMask view) {
        long batch = n.getShape().get(0);
        long length = n.getShape().get(1);
        NDArray all = Tensors.ofUnit(n, qkv, bias)
                .reshape(batch, length, heads + 2L * keyHeads, width); // [B, L, h + 2 kv, w]
        NDList parts = all.split(new long[] {heads + keyHeads}, 2);
        NDArray qk = parts.get(0);
        if (headNorm != null) {
            qk = headNorm.of(qk).muli(headGain);
        }
        qk = rotate(qk, view).transpose(0, 2, 1, 3); // [B, h + kv, L, w]
        NDList split = qk.split(new long[] {heads}, 1);
        return new Heads(split.get(0), split.get(1), parts.get(1).transpose(0, 2, 1, 3), all);
    }

    /** Returns x cos + (x turn) sin: turns each pair of coordinates of x [.., w] by its position's angle. */
    private NDArray rotate(NDArray x, ForwardPass.RotaryAndMask view) {
        return x.mul(view.cos()).addi(x.matMul(turn).muli(view.sin()));
    }

    /** Returns y R for rows y [.., w], with R the matrix of {@link #rotate}: y cos + (y sin) turn', turn' = -turn. */
    public NDArray rotateBack(NDArray y, ForwardPass.RotaryAndMask view) {
        return y.mul(view.cos()).subi(y.mul(view.sin()).matMul(turn));
    }

    private NDArray capped(NDArray scores) {
        return cap == null ? scores : cap.of(scores);
    }

    /** Returns the head outputs [B, L, h w] of the tokens n [B, L, d], which attend to the cache and to each other. */
    NDArray forward(NDArray n, ForwardPass pass, KvCache cache, int block) {
        ForwardPass.RotaryAndMask view = pass.view(span);
        Heads a = project(n, view);
        long batch = n.getShape().get(0);
        NDArray keys = cache.keys(block, a.k.reshape(batch * keyHeads, pass.length, width)); // [B kv, t, w]
        NDArray values = cache.values(block, a.v.reshape(batch * keyHeads, pass.length, width));
        long columns = keys.getShape().get(1);
        long group = heads / keyHeads;
        // the heads that share keys stand together
        NDArray q = a.q.reshape(batch * keyHeads, group * pass.length, width); // [B kv, g L, w]
        NDArray scores = capped(q.batchMatMul(keys.transpose(0, 2, 1))); // [B kv, g L, t]
        if (view.mask() != null) {
            scores = scores.reshape(batch, heads, pass.length, columns)
                    .addi(view.mask())
                    .reshape(scores.getShape());
        }
        NDArray o = scores.softmax(-1).batchMatMul(values); // [B kv, g L, w]
        return o.reshape(batch, heads, pass.length, width)
                .transpose(0, 2, 1, 3)
                .reshape(batch, pass.length, (long) heads * width);
    }

    /**
     * Returns the head outputs [m, h w] of m alternatives n [m, d] for the last token. Each attends to the same earlier
     * keys and values [kv, t - 1, w], and to itself.
     */
    public NDArray last(NDArray n, ForwardPass.RotaryAndMask view, NDArray earlierKeys, NDArray earlierValues) {
        long m = n.getShape().get(0);
        long group = heads / keyHeads;
        Heads a = project(n.reshape(m, 1, -1), view);
        NDArray q = a.q.reshape(m, keyHeads, group, width);
        NDArray stacked = q.transpose(1, 0, 2, 3).reshape(keyHeads, m * group, width);
        NDArray before = stacked.batchMatMul(earlierKeys.transpose(0, 2, 1)) // [kv, m g, t - 1]
                .reshape(keyHeads, m, group, -1)
                .transpose(1, 0, 2, 3);
        NDArray own = q.mul(a.k).sum(new int[] {-1}, true); // [m, kv, g, 1]
        NDArray p = capped(before.concat(own, -1)).softmax(-1); // [m, kv, g, t]
        NDList split = p.split(new long[] {p.getShape().get(3) - 1}, 3);
        NDArray o = split.get(0)
                .transpose(1, 0, 2, 3)
                .reshape(keyHeads, m * group, -1)
                .batchMatMul(earlierValues)
                .reshape(keyHeads, m, group, width)
                .transpose(1, 0, 2, 3)
                .addi(split.get(1).mul(a.v)); // [m, kv, g, w]
        return o.reshape(m, (long) heads * width);
    }

    /**
     * Returns {@link #last} at one token n [1, d], which is [1, h w], and its derivative with respect to the fused
     * projection, [h w, (h + 2 kv) w].
     *
     * <p>For each head, let c_j = cap'(q.k_j) (1 without a cap). Let p_T be the weight that the last token gives
     * itself, and e = c_T p_T (v_T - o). Then
     *
     * <pre>   do = M dq + e (q.dk_T) + p_T dv_T,   M = sum_j c_j p_j (v_j - o) k_j'.</pre>
     *
     * Between the projection x and q = R G n(x) lie rotary turn R, gain G and the head norm's derivative D, so dq = R G
     * D dx. They are multiplied once into the small factors M R G D and c = D G R'q. A product then costs one w x w
     * matrix and two vectors for each head.
     */
    ValueAndDerivative linearise(
            NDArray n, ForwardPass.RotaryAndMask view, NDArray earlierKeys, NDArray earlierValues) {
        long group = heads / keyHeads;
        Heads a = project(n.reshape(1, 1, -1), view);
        NDArray q = a.q.reshape(keyHeads, group, width);
        NDArray v = a.v.reshape(keyHeads, 1, width);
        NDArray keys = earlierKeys.concat(a.k.reshape(keyHeads, 1, width), 1); // [kv, t, w]
        NDArray values = earlierValues.concat(v, 1);
        NDArray scores = capped(q.batchMatMul(keys.transpose(0, 2, 1))); // [kv, g, t]
        NDArray p = scores.softmax(-1);
        NDArray cp = cap == null ? p : cap.slope(scores).muli(p); // c_j p_j
        NDArray o = p.batchMatMul(values); // [kv, g, w]
        // c_j p_j (v_j - o) [kv, g, t, w]
        NDArray weighted = values.expandDims(1).sub(o.expandDims(2)).muli(cp.expandDims(3));
        // M = sum_j c_j p_j (v_j - o) k_j' [kv, g, w, w]
        NDArray m = weighted.transpose(0, 1, 3, 2).matMul(keys.expandDims(1));
        long last = keys.getShape().get(1) - 1;
        NDArray pLast = p.get("..., {}:", last); // [kv, g, 1]
        NDArray e = v.sub(o).muli(cp.get("..., {}:", last)); // [kv, g, w]

        NDArray mq = rotateBack(m.reshape(1, heads, width, width), view).reshape(heads, width, width); // rows of M R
        NDArray c = rotateBack(q.reshape(1, heads, 1, width), view).reshape(keyHeads, group, width); // q'R
        if (headNorm != null) {
            Norm.At norm = headNorm.linearise(
                    a.projected.reshape(heads + 2L * keyHeads, 1, width).get(":{}", heads + keyHeads));
            NDArray gain = Tensors.within(n.getManager(), headGain).expandDims(1); // [h + kv, 1, w]
            mq = norm.range(0, heads).rows(mq.mul(gain.get(":{}", heads))); // M R G D
            c = norm.range(heads, heads + keyHeads).rows(c.mul(gain.get("{}:", heads))); // q'R G D
        }
        return new ValueAndDerivative(
                o.reshape(1, (long) heads * width),
                new Derivative(mq, c, e.reshape(heads, width, 1), pLast.reshape(heads, 1, 1)));
    }

    /** The factors of {@link #linearise}: M R G D [h, w, w], c [kv, g, w], e [h, w, 1], p_T [h, 1, 1]. */
    private final class Derivative implements LinearMap {
        private final NDArray mq;
        private final NDArray c;
        private final NDArray e;
        private final NDArray pLast;

        Derivative(NDArray mq, NDArray c, NDArray e, NDArray pLast) {
            this.mq = mq;
            this.c = c;
            this.e = e;
            this.pLast = pLast;
        }

        @Override
        public NDArray times(NDArray x) {
            long columns = x.getShape().get(1);
            long group = heads / keyHeads;
            NDList parts =
                    x.reshape(heads + 2L * keyHeads, width, columns).split(new long[] {heads, heads + keyHeads}, 0);
            NDArray cdk = c.batchMatMul(parts.get(1)).reshape(heads, 1, columns); // q.dk_T
            NDArray pdv = parts.get(2)
                    .expandDims(1)
                    .mul(pLast.reshape(keyHeads, group, 1, 1))
                    .reshape(heads, width, columns); // p_T dv_T
            return mq.batchMatMul(parts.get(0)).addi(e.mul(cdk)).addi(pdv).reshape((long) heads * width, columns);
        }

        @Override
        public NDArray leftTimes(NDArray y) {
            long rows = y.getShape().get(0);
            long group = heads / keyHeads;
            NDArray byHead = y.reshape(rows, heads, width).transpose(1, 0, 2); // [h, m, w]
            NDArray toQ = byHead.batchMatMul(mq);
            NDArray ye = byHead.batchMatMul(e).reshape(keyHeads, group, rows).transpose(0, 2, 1); // [kv, m, g]
            NDArray toK = ye.batchMatMul(c); // sum over the group of (y.e) c [kv, m, w]
            // sum over the group of p_T y [kv, m, w]
            NDArray toV =
                    byHead.mul(pLast).reshape(keyHeads, group, rows, width).sum(new int[] {1});
            return NDArrays.concat(new NDList(toQ, toK, toV), 0)
                    .transpose(1, 0, 2)
                    .reshape(rows, -1);
        }
    }

    /** Returns the quarter turn of rotary pairs (i, i + w/2): x turn = (-x_2, x_1) for the halves x = (x_1, x_2). */
    static float[] quarterTurn(int width) {
        float[] turn = new float[width * width];
        int half = width / 2;
        for (int i = 0; i < half; i++) {
            turn[(i + half) * width + i] = -1;
            turn[i * width + i + half] = 1;
        }
        return turn;
    }
}
