package rudder.model;

import java.util.List;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/**
 * Watches a batch of texts while they are written, and may intervene at every token: with other controllers, with a
 * token of its own choice, or with an end. See {@link SteeredModel#conduct}. All methods are called in the thread that
 * writes, so a slow conductor slows the writing.
 */
@FunctionalInterface
public interface Conductor {

    /** The answer of {@link #token} that leaves the choice to the model. */
    int FREE = -1;

    /**
     * One token of every text, and the pass that chose it.
     *
     * @param index the token's number among the generated ones, from 0
     * @param tokens of each text; arbitrary where a text had ended before
     * @param pieces what each token adds to its text, in whole characters; empty for a stop token
     * @param ended whether each text has ended, with this token or before
     * @param strengths v_k.z_k, [feature][text][T+1]. The first feature is the view's, if it measures one; those of
     *     {@link #measured} follow
     * @param energies |u_k|^2, [text][T]
     * @param logits of the distribution that the token was chosen from, [text vocabulary]
     */
    record Step(
            int index,
            int[] tokens,
            String[] pieces,
            boolean[] ended,
            List<double[][]> strengths,
            double[][] energies,
            float[] logits) {}

    /**
     * Sees a token of every text.
     *
     * @return whether to go on; otherwise the texts end here
     */
    boolean after(Step step);

    /** Returns more features whose strengths the steps report. Asked once. */
    default List<Setpoint> measured() {
        return List.of();
    }

    /**
     * Returns the controllers of the pass that chooses a token. Controllers that are the same objects as before cost
     * nothing.
     *
     * @param index of the token, from 1
     * @param now the controller of each text so far
     */
    default List<Controller> controllers(int index, List<Controller> now) {
        return now;
    }

    /**
     * Returns the token that a text takes, whatever the model would choose, or {@link #FREE}.
     *
     * @param text its number in the batch
     * @param index of the token, from 0
     * @param chosen the tokens of this index that the texts before this one took
     */
    default int token(int text, int index, int[] chosen) {
        return FREE;
    }
}
