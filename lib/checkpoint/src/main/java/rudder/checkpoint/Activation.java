package rudder.checkpoint;

/** The nonlinearity of the gate in a gated MLP. */
public enum Activation {
    /** SiLU: g sigmoid(g). */
    SILU,
    /** GELU in the tanh form: g (1 + tanh(sqrt(2/pi) (g + 0.044715 g^3))) / 2. */
    GELU_TANH
}
