package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/** Names for engine calls that DJL spells at length. */
final class Tensors {

    private Tensors() {}

    /** x W' + b for rows x [.., in], weights [out, in] and a bias [out] or null; the result belongs to x's manager. */
    static NDArray linear(NDArray x, NDArray weight, NDArray bias) {
        return x.getNDArrayInternal().linear(x, weight, bias).get(0);
    }

    /** The weight as seen from the scope: what is computed from the result belongs to the scope and is freed with it, not with the weights. */
    static NDArray within(NDManager scope, NDArray weight) {
        NDArray view = weight.reshape(weight.getShape());
        view.attach(scope);
        return view;
    }
}
