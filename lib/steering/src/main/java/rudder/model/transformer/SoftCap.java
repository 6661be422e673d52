package rudder.model.transformer;

import ai.djl.ndarray.NDArray;

/**
 * A smooth bound, cap(s) = c tanh(s / c), on attention's scores or on logits; its derivative is 1 - tanh(s / c)^2.
 *
 * @param bound c, an array with one element on the model's device
 */
public record SoftCap(NDArray bound) {

    /** Returns cap(s), any shape. */
    public NDArray of(NDArray s) {
        return s.div(bound).tanh().muli(bound);
    }

    /** Returns cap'(s) = 1 - (cap(s) / c)^2, given y = cap(s), any shape. */
    public NDArray slope(NDArray y) {
        return y.div(bound).square().negi().addi(1);
    }
}
