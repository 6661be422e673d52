package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/**
 * The gated MLP of one block, between its input norm and its output matrix: act(g) u with g and u from one fused product.
 *
 * @param gateUp [2 f, d]: gate rows, then up rows, the input norm's gain folded in
 */
record GatedMlp(Activation activation, NDArray gateUp) {

    /** How many units' share of a Jacobian is formed at a time: F W_in of all of them would be as large as the weights. */
    static final long UNITS = 1024;

    /** act(g) u [.., f] of n [.., d]. */
    NDArray forward(NDArray n) {
        NDList gu = halves(Tensors.linear(n, gateUp, null));
        return activation.value(gu.get(0)).muli(gu.get(1));
    }

    private static NDList halves(NDArray x) {
        int last = x.getShape().dimension() - 1;
        return x.split(new long[] {x.getShape().get(last) / 2}, last);
    }

    /** {@link #forward} at one n [1, d], and its derivative by (g, u), act'(g) u dg + act(g) du: two diagonals, [f, 2 f]. */
    Tangent at(NDArray n) {
        NDList gu = halves(Tensors.linear(n, gateUp, null));
        NDArray byGate = activation.derivative(gu.get(0)).muli(gu.get(1)); // act'(g) u [1, f]
        NDArray byUp = activation.value(gu.get(0)); // act(g) [1, f]
        return new Tangent(byUp.mul(gu.get(1)), new LinearMap() {
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

            /** sum_i L_i (act'(g_i) u_i R_i + act(g_i) R_{f + i}). */
            @Override
            public NDArray between(NDArray left, NDArray right) {
                long f = byUp.getShape().get(1);
                NDArray sum = left.getManager().zeros(new Shape(left.getShape().get(0), right.getShape().get(1)), left.getDataType());
                for (long i = 0; i < f; i += UNITS) {
                    long end = Math.min(f, i + UNITS);
                    try (NDManager piece = left.getManager().newSubManager()) {
                        NDArray of = Tensors.within(piece, right);
                        NDArray gate = of.get("{}:{}", i, end).mul(byGate.get(":, {}:{}", i, end).transpose());
                        NDArray up = of.get("{}:{}", f + i, f + end).mul(byUp.get(":, {}:{}", i, end).transpose());
                        sum.addi(Tensors.within(piece, left).get(":, {}:{}", i, end).matMul(gate.addi(up)));
                    }
                }
                return sum;
            }
        });
    }
}
