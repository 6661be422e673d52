package rudder.model;

import org.ejml.data.DMatrixRMaj;

/** Receives the gradients of {@link LanguageModel#gradients}. */
@FunctionalInterface
public interface GradientReader {

    /**
     * Receives gradients with respect to the output of one block.
     *
     * @param first index of the batch's first text
     * @param block k; the gradients are with respect to z_{k+1}
     * @param gradients at the tokens that predict the continuations' tokens, text after text, [n, d]; in nats over the
     *     units of the state
     */
    void read(int first, int block, DMatrixRMaj gradients);
}
