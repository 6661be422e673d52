package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.function.Consumer;

/**
 * One transformer block, phi(x) = y + P2(W_d mlp(N2(y))) with y = x + P1(W_o attention(N1(x))). Its derivative at the
 * last token is a closed form, with the keys and values of earlier tokens held fixed.
 *
 * @param norm N1 and N2, the same map because their gains are folded into the next matrices.
 * @param output W_o [d, h w].
 * @param attentionGain gain of the norm P1 on attention's output [d], null where P1 is the identity.
 * @param down W_d [d, f].
 * @param mlpGain gain of the norm P2 on the MLP's output [d], null where P2 is the identity.
 */
public record Block(
        int index,
        Norm norm,
        Attention attention,
        NDArray output,
        NDArray attentionGain,
        GatedMlp mlp,
        NDArray down,
        NDArray mlpGain) {

    /**
     * Returns the block's output [B, L, d] for x [B, L, d], and stores the tokens' keys and values in the cache.
     *
     * @param onHeads may change the heads' outputs [B, L, h w] in place
     */
    public NDArray forward(NDArray x, ForwardPass pass, KvCache cache, Consumer<NDArray> onHeads) {
        NDArray heads = attention.forward(norm.of(x), pass, cache, index);
        onHeads.accept(heads);
        return rest(x, heads);
    }

    /**
     * Returns phi [m, d] at m alternatives z [m, d] for the last token, given earlier keys and values [kv, t - 1, w].
     */
    public NDArray last(NDArray z, ForwardPass.RotaryAndMask view, NDArray earlierKeys, NDArray earlierValues) {
        return rest(z, attention.last(norm.of(z), view, earlierKeys, earlierValues));
    }

    private NDArray rest(NDArray x, NDArray heads) {
        NDArray y = after(norm.linear(heads, output), attentionGain).addi(x);
        return after(norm.linear(mlp.forward(norm.of(y)), down), mlpGain).addi(y);
    }

    /** Returns a sublayer's output behind its norm; a null gain stands for no norm. */
    public NDArray after(NDArray x, NDArray gain) {
        return gain == null ? x : norm.of(x).muli(gain);
    }

    /** Returns the derivative A of {@link #last} at one z [1, d]. */
    public Derivative linearise(NDArray z, ForwardPass.RotaryAndMask view, NDArray earlierKeys, NDArray earlierValues) {
        Norm.At n1 = norm.linearise(z);
        ValueAndDerivative heads = attention.linearise(n1.n(), view, earlierKeys, earlierValues);
        NDArray o = norm.linear(heads.value(), output);
        Norm.At n2 = norm.linearise(after(o, attentionGain).add(z));
        ValueAndDerivative gated = mlp.linearise(n2.n());
        NDArray w = mlpGain == null ? null : norm.linear(gated.value(), down);
        return new Derivative(
                sublayer(n1, attention.qkv(), heads.derivative(), output, o, attentionGain),
                sublayer(n2, mlp.gateUp(), gated.derivative(), down, w, mlpGain));
    }

    private Sublayer sublayer(Norm.At n, NDArray in, LinearMap f, NDArray out, NDArray value, NDArray gain) {
        NDManager scope = n.n().getManager();
        return new Sublayer(
                n,
                Tensors.within(scope, in),
                f,
                Tensors.within(scope, out),
                gain == null ? null : norm.linearise(value),
                gain == null ? null : Tensors.within(scope, gain));
    }

    /** A = (I + J_mlp)(I + J_attention). */
    public record Derivative(Sublayer attention, Sublayer mlp) implements LinearMap {

        @Override
        public NDArray times(NDArray x) {
            NDArray y = attention.times(x).addi(x);
            return mlp.times(y).addi(y);
        }

        @Override
        public NDArray leftTimes(NDArray y) {
            NDArray c = mlp.leftTimes(y).addi(y);
            return attention.leftTimes(c).addi(c);
        }

        /** Returns A, [d, d]. Takes 2 d^2 (f + h w + d) flops and lower-order terms. */
        public NDArray matrix() {
            NDArray j = attention.matrix();
            NDArray b = j.addi(j.getManager().eye((int) j.getShape().get(0)).toType(j.getDataType(), false));
            return mlp.matrix().matMul(b).addi(b); // (I + J_mlp) B
        }
    }

    /**
     * The derivative of a sublayer, J = P W_out F W_in N: input norm, input matrix, attention or gate, output matrix,
     * output norm. The norms are rank-one corrections, so that W_out (F W_in) is the only product of two large
     * matrices.
     *
     * @param f derivative of attention or gate
     * @param p output norm, or null where there is none
     * @param gain its gain [d], or null
     */
    private record Sublayer(Norm.At n, NDArray in, LinearMap f, NDArray out, Norm.At p, NDArray gain)
            implements LinearMap {

        @Override
        public NDArray times(NDArray x) {
            return after(out.matMul(f.times(in.matMul(n.columns(x)))));
        }

        @Override
        public NDArray leftTimes(NDArray y) {
            NDArray before = gain == null ? y : p.rows(y.mul(gain));
            return n.rows(f.leftTimes(before.matMul(out)).matMul(in));
        }

        /** Returns J, [d, d]. */
        NDArray matrix() {
            try (NDArray between = f.times(in)) { // as large as the input matrix
                return n.rows(after(out.matMul(between)));
            }
        }

        private NDArray after(NDArray x) {
            return gain == null ? x : p.columns(x).muli(gain.expandDims(1));
        }
    }
}
