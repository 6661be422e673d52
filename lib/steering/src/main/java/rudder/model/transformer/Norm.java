package rudder.model.transformer;

import ai.djl.ndarray.NDArray;

/**
 * RMS normalisation without its gain: n(x) = x / rho, rho = sqrt(|x|^2 + d eps), along the last axis.
 *
 * <p>With the usual gain gamma, gamma x / sqrt(mean(x^2) + eps) = (gamma sqrt(d)) n(x). The factor gamma sqrt(d) is
 * folded into the next matrix; where no matrix follows, it multiplies the norm's output. The derivative is symmetric, a
 * scaling and a rank-one correction: dn = (dx - n (n.dx)) / rho.
 *
 * @param epsilon d eps, an array with one element on the model's device
 */
public record Norm(NDArray epsilon) {

    private static final int[] LAST = {-1};

    /** Returns n(x), the shape of x. */
    public NDArray of(NDArray x) {
        return x.div(radius(x));
    }

    private NDArray radius(NDArray x) {
        return x.square().sum(LAST, true).addi(epsilon).sqrt();
    }

    /**
     * Returns x W' for rows x [.., in]. Weights in half precision multiply n(x), so that their range suffices for every
     * x, and rho in x's precision multiplies the product.
     */
    public NDArray linear(NDArray x, NDArray weight) {
        if (weight.getDataType() == x.getDataType()) {
            return Tensors.linear(x, weight, null);
        }
        At at = linearise(x);
        return Tensors.linear(at.n.toType(weight.getDataType(), false), weight, null)
                .mul(at.rho);
    }

    /** Returns the norm's value and derivative at x [.., d]. */
    public At linearise(NDArray x) {
        NDArray rho = radius(x);
        return new At(x.div(rho), rho);
    }

    /** Value n [.., d] and radius rho [.., 1] at a point. */
    public record At(NDArray n, NDArray rho) {

        /** Returns the points from..to-1 along the first axis. */
        At range(int from, int to) {
            return new At(n.get("{}:{}", from, to), rho.get("{}:{}", from, to));
        }

        /** Returns Y Dn for rows Y [.., d]; since Dn is symmetric, this is also Dn times each row. */
        public NDArray rows(NDArray y) {
            return y.sub(y.mul(n).sum(LAST, true).mul(n)).divi(rho); // (Y - (Y n) n') / rho
        }

        /** Returns Dn X for columns X [d, m], where x was one vector. */
        NDArray columns(NDArray x) {
            NDArray row = n.reshape(1, -1);
            return x.sub(row.transpose().matMul(row.matMul(x))).divi(rho.reshape(1)); // (X - n (n'X)) / rho
        }
    }
}
