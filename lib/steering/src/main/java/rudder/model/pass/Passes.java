package rudder.model.pass;

import java.util.BitSet;
import java.util.List;
import rudder.theory.control.Controller;

/**
 * The forward passes of some texts. A pass reads one token of each text that goes on: the prompt's last, then those
 * that follow. Steers and measures at every pass.
 */
public interface Passes extends AutoCloseable {

    /**
     * What a pass leaves at each text's last token. Row i is that of text {@code texts[i]}.
     *
     * @param texts that were read, in ascending order
     * @param logits of the next tokens; they stay until the next pass
     * @param measured what was measured on the way
     */
    record Result(int[] texts, Logits logits, Measured measured) {}

    /** What was measured in a pass. Ask before the passes are closed. */
    interface Measured {

        /** Returns v_k.z_k of each measured feature, [feature][B][T + 1]. */
        List<double[][]> strengths();

        /** Returns |u_k|^2, [B][T]; inputs on heads count as W_o u, before a norm that may follow. */
        double[][] energies();
    }

    /** Returns how many texts may go on at the same time. */
    int places();

    /**
     * Begins the texts first..end-1, which follow those that have begun.
     *
     * @param steered tells which of each prompt's tokens laws steer
     */
    void begin(int first, int end, List<boolean[]> steered);

    /**
     * Reads the next token of each text that goes on.
     *
     * @param tokens of all texts; those that do not go on have any token
     * @param steered whether laws steer each one's token
     * @param going texts that go on, some at least. Another may be read too: then its row is arbitrary
     */
    Result next(int[] tokens, boolean[] steered, BitSet going);

    /** Steers the passes that follow with other controllers, one for each text. Call it once texts have begun. */
    void steer(List<Controller> controllers);

    /** Frees the keys and values. */
    @Override
    void close();
}
