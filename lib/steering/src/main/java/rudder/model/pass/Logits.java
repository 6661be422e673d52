package rudder.model.pass;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import rudder.model.engine.Sampler;

/** The next-token logits of a batch of texts, where a pass left them: on the heap or in the engine. */
public interface Logits {

    /** Returns them all, [B vocabulary]. */
    float[] numbers();

    /**
     * Returns what chooses the next token of a row and adds it to the row's sampler. A row that is not asked draws
     * nothing.
     *
     * @param rows the samplers of all rows, of one sampling
     * @param likely rows that will probably be asked: their tokens may be sought together
     */
    IntUnaryOperator choices(List<Sampler> rows, IntPredicate likely);

    /**
     * Returns KL divergences in nats: of the softmax p of row 2 i from the softmax q of row 2 i + 1, {@code sum_x p(x)
     * ln(p(x) / q(x))}, for each of the B / 2 pairs.
     *
     * @param wanted the pairs whose divergence is needed; the others' is arbitrary
     */
    double[] divergences(IntPredicate wanted);
}
