package rudder.checkpoint;

/** The nonlinearity of a gated MLP's gate, as a checkpoint names it. */
public enum Activation {
    /** SiLU: g sigmoid(g). */
    SILU,
    /** GELU in its tanh form: g (1 + tanh(sqrt(2/pi) (g + 0.044715 g^3))) / 2. */
    GELU_TANH
}
