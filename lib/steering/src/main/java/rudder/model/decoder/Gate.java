package rudder.model.decoder;

import rudder.checkpoint.Activation;

/**
 * The gate's nonlinearity at one number, act(g) = g s(h(g)) with the logistic function s.
 *
 * <p>SiLU has h(g) = g. GELU's tanh form has h(g) = 2 sqrt(2/pi) (g + 0.044715 g^3). Their derivative is act' = s + g s
 * (1 - s) h'.
 */
final class Gate {

    private static final double LINEAR = 2 * Math.sqrt(2 / Math.PI);
    private static final double CUBIC = 0.044715 * LINEAR;

    private Gate() {}

    /** Returns act(g). */
    static double value(Activation activation, double g) {
        return g * logistic(activation, g);
    }

    /** Returns act'(g). */
    static double slope(Activation activation, double g) {
        double s = logistic(activation, g);
        double inner = activation == Activation.SILU ? 1 : LINEAR + 3 * CUBIC * g * g;
        return s + g * s * (1 - s) * inner;
    }

    private static double logistic(Activation activation, double g) {
        double h = activation == Activation.SILU ? g : (LINEAR + CUBIC * g * g) * g;
        return 1 / (1 + Math.exp(-h));
    }
}
