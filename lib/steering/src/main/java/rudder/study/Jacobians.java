package rudder.study;

import java.util.Locale;

/** Says which Jacobians, or which matrix in their place, predict the blocks at a prompt. */
public enum Jacobians {
    /** The prompt's own. */
    OWN,
    /** The mean of the other prompts' Jacobians, as when a regulator meets a prompt that it was not made from. */
    MEAN,
    /** Those of the other prompt whose state is nearest at this block. */
    NEAREST,
    /**
     * The identity, A = I, in place of a Jacobian. It predicts {@code phi(z) + dz}: the residual connection alone. It
     * is the trivial predictor, which knows nothing of the model.
     */
    IDENTITY;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
