package rudder.model.plant;

import rudder.theory.control.Rollout;

/**
 * The residual stream of a prompt's last token through all blocks. It is a rollout of the plant that the prompt makes
 * of the model.
 *
 * @param tokens the prompt's tokens
 * @param rollout states z_0..z_T and inputs u_0..u_{T-1} (zeros where nothing was added), d numbers each
 */
public record ResidualTrace(int[] tokens, Rollout rollout) {

    /** Returns z_k, k = 0..T: the state that enters block k, or for k = T leaves the last block. */
    public double[] state(int k) {
        if (k < 0 || k > rollout.horizon()) {
            throw new IllegalArgumentException("state " + k + ", wanted 0.." + rollout.horizon());
        }
        return rollout.states()[k];
    }

    @Override
    public String toString() {
        return "ResidualTrace[" + tokens.length + " tokens, T=" + rollout.horizon() + ", d=" + rollout.dimension()
                + "]";
    }
}
