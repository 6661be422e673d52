package rudder.theory.control;

/** Where in a block a law reads, and where what it adds goes. */
public enum HookPoint {
    /**
     * Reads the state z_k that enters the block and adds to what leaves it, {@code z_{k+1} = phi_k(z_k) + u_k(z_k)}:
     * the paper's.
     */
    RESID_PRE,
    /**
     * Reads what leaves the block, before any input, and adds right there: {@code z_{k+1} = y + u_k(y)}, {@code y =
     * phi_k(z_k)}.
     */
    RESID_POST,
    /**
     * Reads the outputs of the block's attention heads, side by side, and adds to them before they are mixed: a
     * language model's alone.
     */
    HEAD_OUT
}
