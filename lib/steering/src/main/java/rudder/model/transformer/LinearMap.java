package rudder.model.transformer;

import ai.djl.ndarray.NDArray;

/** A matrix known by its products. */
interface LinearMap {

    /** F X for columns X [in, m]: [out, m]. On tangents, Jacobian-vector products. */
    NDArray times(NDArray x);

    /** Y F for rows Y [m, out]: [m, in]. On covectors, vector-Jacobian products. */
    NDArray leftTimes(NDArray y);
}
