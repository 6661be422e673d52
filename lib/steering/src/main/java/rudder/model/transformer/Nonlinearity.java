package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import rudder.checkpoint.Activation;

/**
 * The gate's nonlinearity, act(g) = g s(g) with s(g) = sigmoid(h(g)).
 *
 * <p>SiLU has h(g) = g. GELU's tanh form is g (1 + tanh y) / 2 with y = sqrt(2/pi) (g + 0.044715 g^3). Since (1 + tanh
 * y) / 2 = sigmoid(2 y), its h(g) is 2 y. Both share the derivative act'(g) = s + g s (1 - s) h'(g).
 */
public enum Nonlinearity {
    SILU(1.09984, 0.5) {
        @Override
        NDArray h(NDArray g) {
            return g;
        }

        @Override
        NDArray timesSlope(NDArray x, NDArray g) {
            return x;
        }
    },

    GELU_TANH(1.129, 0.79789) {
        private final double linear = 2 * Math.sqrt(2 / Math.PI);
        private final double cubic = linear * 0.044715;

        @Override
        NDArray h(NDArray g) {
            return g.square().muli(cubic).addi(linear).muli(g);
        }

        @Override
        NDArray timesSlope(NDArray x, NDArray g) {
            return x.muli(g.square().muli(3 * cubic).addi(linear));
        }
    };

    /** Upper bound on |act'|. */
    public final double steepest;
    /** Upper bound on |act''|. */
    public final double sharpest;

    Nonlinearity(double steepest, double sharpest) {
        this.steepest = steepest;
        this.sharpest = sharpest;
    }

    static Nonlinearity of(Activation activation) {
        return switch (activation) {
            case SILU -> SILU;
            case GELU_TANH -> GELU_TANH;
        };
    }

    abstract NDArray h(NDArray g);

    /** Returns x h'(g), computed in place of x. */
    abstract NDArray timesSlope(NDArray x, NDArray g);

    /** Returns act(g), any shape. */
    NDArray value(NDArray g) {
        return gate(g).muli(g);
    }

    /** Returns act'(g), any shape. */
    public NDArray derivative(NDArray g) {
        NDArray s = gate(g);
        return timesSlope(s.sub(s.square()).muli(g), g).addi(s); // g s (1 - s) h' + s
    }

    private NDArray gate(NDArray g) {
        return h(g).getNDArrayInternal().sigmoid();
    }
}
