package rudder.model.pass;

import java.util.List;
import java.util.function.IntConsumer;
import rudder.theory.control.Controller;

/** How likely a model finds known tokens, in nats: -ln p of each, given all before it. */
public interface Likelihoods {

    /**
     * Returns the surprisals of each sequence's tokens {@code from}..n-1, by the unsteered model.
     *
     * @param from of each sequence, at least 1
     * @return [sequence][n - from], empty where from is n or more
     */
    double[][] surprisals(List<int[]> sequences, int[] from);

    /**
     * Returns the surprisals of each prompt's continuations, as if the steered model had written them.
     *
     * @param controllers one for each prompt
     * @param steered tells which tokens are steered, of each prompt and behind it of its longest continuation
     * @param reached receives the number of prompts done
     * @return [prompt][continuation][token]
     */
    double[][][] surprisals(
            List<int[]> prompts,
            List<List<int[]>> continuations,
            List<Controller> controllers,
            List<boolean[]> steered,
            IntConsumer reached);
}
