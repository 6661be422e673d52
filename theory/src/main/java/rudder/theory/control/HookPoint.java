package rudder.theory.control;

/**
 * Where in a block a law measures, and where its input is added. The names in brackets are TransformerLens' hooks of
 * block k.
 */
public enum HookPoint {
    /**
     * Measures the state z_k that enters the block ({@code resid_pre}) and adds to the state that leaves it
     * ({@code resid_post}): {@code z_{k+1} = phi_k(z_k) + u_k(z_k)}. Source: the paper.
     */
    RESID_PRE,
    /**
     * Measures the block's output before any input and adds to it ({@code resid_post} both times): {@code z_{k+1} = y +
     * u_k(y)}, {@code y = phi_k(z_k)}.
     */
    RESID_POST,
    /**
     * Measures the outputs of the block's attention heads, side by side, and adds to them before the output projection
     * mixes them ({@code hook_z} both times). Only language models have this hook point.
     */
    HEAD_OUT
}
