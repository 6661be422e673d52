package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

/**
 * The gated MLP of one block, between its input norm and its output matrix: act(g) u. One fused product gives g and u.
 *
 * @param gateUp [2 f, d]: gate rows, then up rows, the input norm's gain folded in
 */
public record GatedMlp(Nonlinearity activation, NDArray gateUp) {

    /** Returns act(g) u [.., f] of n [.., d]. */
    public NDArray forward(NDArray n) {
        NDList gu = halves(Tensors.ofUnit(n, gateUp, null));
        return activation.value(gu.get(0)).muli(gu.get(1));
    }

    private static NDList halves(NDArray x) {
        int last = x.getShape().dimension() - 1;
        return x.split(new long[] {x.getShape().get(last) / 2}, last);
    }

    /**
     * Returns {@link #forward} at one n [1, d], and its derivative with respect to (g, u), act'(g) u dg + act(g) du:
     * two diagonals, [f, 2 f]. At several n [m, d], row i of a product from the left is multiplied by derivative i.
     */
    public ValueAndDerivative linearise(NDArray n) {
        NDList gu = halves(Tensors.ofUnit(n, gateUp, null));
        NDArray byGate = activation.derivative(gu.get(0)).muli(gu.get(1)); // act'(g) u [1, f]
        NDArray byUp = activation.value(gu.get(0)); // act(g) [1, f]
        return new ValueAndDerivative(byUp.mul(gu.get(1)), new LinearMap() {
            @Override
            public NDArray times(NDArray x) {
                NDList d = x.split(new long[] {x.getShape().get(0) / 2}, 0);
                try (NDArray up = d.get(1).mul(byUp.transpose())) {
                    return d.get(0).mul(byGate.transpose()).addi(up);
                }
            }

            @Override
            public NDArray leftTimes(NDArray y) {
                return y.mul(byGate).concat(y.mul(byUp), 1);
            }
        });
    }
}
