package rudder.model.transformer;

import ai.djl.ndarray.NDArray;

/** A matrix F that is given by its products. */
public interface LinearMap {

    /** Returns F X for columns X [in, m]: [out, m]. These are Jacobian-vector products. */
    NDArray times(NDArray x);

    /** Returns Y F for rows Y [m, out]: [m, in]. These are vector-Jacobian products. */
    NDArray leftTimes(NDArray y);
}
