package rudder.model.gradient;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import rudder.model.transformer.Attention;
import rudder.model.transformer.Block;
import rudder.model.transformer.ForwardPass;
import rudder.model.transformer.Norm;
import rudder.model.transformer.Tensors;
import rudder.model.transformer.ValueAndDerivative;

/**
 * The vector-Jacobian product of one block at all tokens of a batch, through attention from every token to every other.
 *
 * <p>The block computes y = x + P1(W_o o(N1 x)) and out = y + P2(W_d m(N2 y)), token by token but for attention's heads
 * o. Let g be the gradient of a number with respect to out, one row a token. Everything but attention is the chain rule
 * of each token by itself:
 *
 * <pre>
 * c  = g + DN2 W_in' Dm' W_d' DP2 g     the gradient with respect to y
 * a  = W_o' DP1 c                       the gradient with respect to the heads o
 * dx = c + DN1 W_qkv' (dq, dk, dv)
 * </pre>
 *
 * <p>A head has queries q_i, keys k_j and values v_j of the tokens. Its scores are s_ij = cap(q_i.k_j). Its weights p_i
 * are their softmax over the tokens j that i sees, and o_i = sum_j p_ij v_j. A change of the scores moves the weights
 * by dp_ij = p_ij (ds_ij - sum_l p_il ds_il). With a_i the gradient with respect to o_i, that is
 *
 * <pre>
 * e_ij = cap'(q_i.k_j) p_ij (a_i.v_j - a_i.o_i)     the gradient with respect to q_i.k_j
 * dq_i = sum_j e_ij k_j
 * dk_j = sum_i e_ij q_i                             from the token itself and from all later ones
 * dv_j = sum_i p_ij a_i
 * </pre>
 *
 * <p>Heads that share keys and values add up in dk and dv. Queries and keys then go back through rotary turn, gain and
 * head norm. A token that does not see another has the weight 0, so sliding windows and padding need no case of their
 * own. Keys of tokens before the first one of x are given, and no gradient is asked there: no later gradient needs it.
 *
 * @param block one block
 * @param view rotary angles and mask of the tokens of x, against all t columns
 * @param keys of all columns [B kv, t, w], turned
 * @param values as the keys
 */
record BlockGradient(Block block, ForwardPass.RotaryAndMask view, NDArray keys, NDArray values) {

    private static final int[] LAST = {-1};

    /**
     * Returns the gradient with respect to x, [B, n, d].
     *
     * @param x the states that enter the block at the last n columns [B, n, d]
     * @param g the gradient with respect to the states that leave it [B, n, d]
     */
    NDArray of(NDArray x, NDArray g) {
        long batch = x.getShape().get(0);
        long length = x.getShape().get(1);
        long d = x.getShape().get(2);
        NDManager scope = x.getManager();
        NDArray tokens = x.reshape(-1, d); // [B n, d]
        NDArray out = g.reshape(-1, d);

        Norm.At n1 = block.norm().linearise(tokens);
        var heads = new Heads(block.attention(), n1.n().reshape(batch, length, d));
        NDArray mixed = block.norm().linear(heads.outputs(), block.output());
        Norm.At n2 =
                block.norm().linearise(block.after(mixed, block.attentionGain()).add(tokens));
        ValueAndDerivative gated = block.mlp().linearise(n2.n());

        NDArray toMlp = out;
        if (block.mlpGain() != null) {
            NDArray down = block.norm().linear(gated.value(), block.down());
            toMlp = block.norm().linearise(down).rows(out.mul(block.mlpGain()));
        }
        NDArray toGate = toMlp.matMul(Tensors.within(scope, block.down()));
        NDArray c = n2.rows(gated.derivative()
                        .leftTimes(toGate)
                        .matMul(Tensors.within(scope, block.mlp().gateUp())))
                .addi(out);

        NDArray toMixed = block.attentionGain() == null
                ? c
                : block.norm().linearise(mixed).rows(c.mul(block.attentionGain()));
        NDArray toHeads = toMixed.matMul(Tensors.within(scope, block.output())); // [B n, h w]
        NDArray qkv = Tensors.within(scope, block.attention().qkv());
        NDArray dx = n1.rows(heads.back(toHeads).matMul(qkv)).addi(c);
        return dx.reshape(batch, length, d);
    }

    /** The heads of one block at the tokens n [B, n, d]. */
    private final class Heads {
        private final Attention attention;
        private final long batch;
        private final long length;
        private final NDArray projected; // [B, n, h + 2 kv, w]
        private final NDArray q; // [B kv, g n, w]: the heads that share keys stand together
        private final NDArray scores; // capped [B kv, g n, t]
        private final NDArray p; // [B kv, g n, t]
        private final NDArray o; // [B kv, g n, w]

        Heads(Attention attention, NDArray n) {
            this.attention = attention;
            batch = n.getShape().get(0);
            length = n.getShape().get(1);
            Attention.Heads a = attention.project(n, view);
            projected = a.projected();
            long sharing = attention.heads() / attention.keyHeads();
            q = a.q().reshape(batch * attention.keyHeads(), sharing * length, attention.width());
            NDArray products = q.batchMatMul(keys.transpose(0, 2, 1));
            scores = attention.cap() == null ? products : attention.cap().of(products);
            p = masked(scores).softmax(-1);
            o = p.batchMatMul(values);
        }

        private NDArray masked(NDArray s) {
            return view.mask() == null
                    ? s
                    : s.reshape(batch, attention.heads(), length, -1)
                            .add(view.mask())
                            .reshape(s.getShape());
        }

        /** Returns the heads' outputs side by side, [B n, h w]. */
        NDArray outputs() {
            return tokensFirst(o, attention.heads()).reshape(batch * length, -1);
        }

        /** Returns an array [B heads, n, w], or with the heads and tokens of a group together, as [B, n, heads, w]. */
        private NDArray tokensFirst(NDArray x, int heads) {
            return x.reshape(batch, heads, length, attention.width()).transpose(0, 2, 1, 3);
        }

        /** Returns the gradient with respect to the projection [B n, (h + 2 kv) w], given the outputs' [B n, h w]. */
        NDArray back(NDArray outputs) {
            NDArray a = outputs.reshape(batch, length, attention.heads(), attention.width())
                    .transpose(0, 2, 1, 3)
                    .reshape(o.getShape()); // [B kv, g n, w]
            NDArray e = a.batchMatMul(values.transpose(0, 2, 1))
                    .subi(a.mul(o).sum(LAST, true))
                    .muli(p); // p (a.v - a.o)
            if (attention.cap() != null) {
                e.muli(attention.cap().slope(scores));
            }
            NDArray dq = tokensFirst(e.batchMatMul(keys), attention.heads()); // [B, n, h, w]
            NDArray dk = tokensFirst(own(e).transpose(0, 2, 1).batchMatMul(q), attention.keyHeads());
            NDArray dv = tokensFirst(own(p).transpose(0, 2, 1).batchMatMul(a), attention.keyHeads());
            NDArray qk = attention.rotateBack(dq.concat(dk, 2), view); // [B, n, h + kv, w]
            if (attention.headNorm() != null) {
                NDArray before = projected.get(":, :, :{}", attention.heads() + attention.keyHeads());
                qk = attention.headNorm().linearise(before).rows(qk.mul(attention.headGain()));
            }
            return qk.concat(dv, 2).reshape(batch * length, -1);
        }

        /** Returns the columns of the tokens themselves, [.., n] of [.., t]. */
        private NDArray own(NDArray x) {
            return x.get("..., {}:", x.getShape().get(2) - length);
        }
    }
}
