package rudder.model.pass;

import java.util.List;
import rudder.theory.control.Controller;

/**
 * The forward passes of one batch of texts: the prompts' first, then one for each token that follows. Steers and
 * measures at every pass.
 */
public interface Passes extends AutoCloseable {

    /**
     * What a pass leaves at each text's last token.
     *
     * @param logits of the next tokens; they stay until the next pass
     * @param measured what was measured on the way
     */
    record Result(Logits logits, Measured measured) {}

    /** What was measured in a pass. Ask before the passes are closed. */
    interface Measured {

        /** Returns v_k.z_k of each measured feature, [feature][B][T + 1]. */
        List<double[][]> strengths();

        /** Returns |u_k|^2, [B][T]; inputs on heads count as they reach the residual stream. */
        double[][] energies();
    }

    /** Reads the prompts; {@code steered} tells which of each prompt's tokens laws steer. */
    Result prompts(List<boolean[]> steered);

    /**
     * Reads the next token of each text.
     *
     * @param step number of tokens generated so far
     * @param ended texts that no later pass reads either. Their logits and measurements are arbitrary
     */
    Result next(int step, int[] tokens, List<boolean[]> steered, boolean... ended);

    /** Steers the passes that follow with other controllers, one for each text. */
    void steer(List<Controller> controllers);

    /** Frees the keys and values. */
    @Override
    void close();
}
