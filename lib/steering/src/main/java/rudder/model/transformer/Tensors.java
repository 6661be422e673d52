package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

/** Short names for engine calls that are long in DJL. */
public final class Tensors {

    private Tensors() {}

    /**
     * Returns n W' + b for rows n [.., in], weights [out, in] and a bias [out] or null. The rows are at most one unit
     * long, as a {@link Norm} leaves them. The result belongs to n's manager.
     *
     * <p>Weights in half precision multiply n in half precision: no number of W n is larger than the length of W's
     * longest row. Bias and result are in n's precision.
     */
    public static NDArray ofUnit(NDArray n, NDArray weight, NDArray bias) {
        if (weight.getDataType() == n.getDataType()) {
            return linear(n, weight, bias);
        }
        NDArray y = linear(n.toType(weight.getDataType(), false), weight, null).toType(n.getDataType(), false);
        return bias == null ? y : y.addi(bias);
    }

    /**
     * Returns x W' + b in one precision. Several rows are computed as (W X')', which the engine's library does up to
     * three times as fast as X W': its first factor is then the large matrix, which it splits between the threads.
     */
    public static NDArray linear(NDArray x, NDArray weight, NDArray bias) {
        Shape shape = x.getShape();
        long in = shape.get(shape.dimension() - 1);
        if (x.size() == in) {
            return x.getNDArrayInternal().linear(x, weight, bias).get(0);
        }
        NDArray columns = weight.matMul(x.reshape(-1, in).transpose()); // [out, m]
        columns.attach(x.getManager());
        long[] to = shape.getShape().clone();
        to[to.length - 1] = weight.getShape().get(0);
        NDArray y = columns.transpose().flatten().reshape(to); // row by row in memory, which all that follows wants
        return bias == null ? y : y.addi(bias);
    }

    /**
     * Returns a view of a weight that belongs to a scope. Results computed from the view belong to the scope too and
     * are freed with it. A weight in half precision is copied to single precision.
     */
    public static NDArray within(NDManager scope, NDArray weight) {
        NDArray view = weight.getDataType() == DataType.FLOAT16
                ? weight.toType(DataType.FLOAT32, false)
                : weight.reshape(weight.getShape());
        view.attach(scope);
        return view;
    }
}
