package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import java.util.function.DoubleFunction;
import rudder.checkpoint.Activation;

/**
 * The gate's nonlinearity, act(g) = g s(g) with s(g) = sigmoid(h(g)).
 *
 * <p>SiLU has h(g) = g. GELU's tanh form is g (1 + tanh y) / 2 with y = sqrt(2/pi) (g + 0.044715 g^3). Since (1 + tanh
 * y) / 2 = sigmoid(2 y), its h(g) is 2 y. Both share the derivative act'(g) = s + g s (1 - s) h'(g).
 *
 * @param linear the factor of g in h, an array with one element on the model's device; null for SiLU
 * @param cubic the factor of g^3, as {@code linear}
 * @param steepest upper bound on |act'|
 * @param sharpest upper bound on |act''|
 */
public record Nonlinearity(NDArray linear, NDArray cubic, double steepest, double sharpest) {

    /** @param constant puts a number on the model's device, where a number of Java's is copied for each use */
    public static Nonlinearity of(Activation activation, DoubleFunction<NDArray> constant) {
        double factor = 2 * Math.sqrt(2 / Math.PI);
        return switch (activation) {
            case SILU -> new Nonlinearity(null, null, 1.09984, 0.5);
            case GELU_TANH ->
                new Nonlinearity(constant.apply(factor), constant.apply(0.044715 * factor), 1.129, 0.79789);
        };
    }

    /** Returns act(g), any shape. */
    NDArray value(NDArray g) {
        return gate(g).muli(g);
    }

    /** Returns act'(g), any shape. */
    public NDArray derivative(NDArray g) {
        NDArray s = gate(g);
        NDArray slope = s.sub(s.square()).muli(g);
        if (linear != null) {
            NDArray c = g.square().muli(cubic);
            slope.muli(c.add(c).addi(c).addi(linear)); // h' = linear + 3 cubic g^2
        }
        return slope.addi(s); // g s (1 - s) h' + s
    }

    private NDArray gate(NDArray g) {
        NDArray h = linear == null ? g : g.square().muli(cubic).addi(linear).muli(g);
        return h.getNDArrayInternal().sigmoid();
    }
}
