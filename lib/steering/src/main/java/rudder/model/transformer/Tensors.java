package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

/** Names for engine calls that DJL spells at length. */
public final class Tensors {

    private static final int[] LAST = {-1};
    private static final double TINY = 1e-30; // beside a length: 0 / TINY is 0

    private Tensors() {}

    /**
     * x W' + b for rows x [.., in], weights [out, in] and a bias [out] or null; the result belongs to x's manager.
     *
     * <p>With weights in half precision, of the rows' unit vectors: |W (x / |x|)| is at most the length of W's rows, so
     * whatever x is, half precision's range suffices. Lengths, bias and result are in x's precision.
     */
    public static NDArray linear(NDArray x, NDArray weight, NDArray bias) {
        if (weight.getDataType() == x.getDataType()) {
            return x.getNDArrayInternal().linear(x, weight, bias).get(0);
        }
        NDArray length = x.square().sum(LAST, true).sqrt().addi(TINY);
        NDArray unit = x.div(length).toType(weight.getDataType(), false);
        NDArray y = unit.getNDArrayInternal()
                .linear(unit, weight, null)
                .get(0)
                .toType(x.getDataType(), false)
                .muli(length);
        return bias == null ? y : y.addi(bias);
    }

    /**
     * The weight as seen from the scope: what is computed from the result belongs to the scope and is freed with it,
     * not with the weights. Of a weight in half precision, a copy in single precision.
     */
    static NDArray within(NDManager scope, NDArray weight) {
        NDArray view = weight.getDataType() == DataType.FLOAT16
                ? weight.toType(DataType.FLOAT32, false)
                : weight.reshape(weight.getShape());
        view.attach(scope);
        return view;
    }
}
