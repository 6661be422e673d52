package rudder.model.transformer;

import ai.djl.ndarray.NDArray;

/**
 * A map at one point.
 *
 * @param value what it makes of the point, one row
 * @param derivative how that changes with the point
 */
record ValueAndDerivative(NDArray value, LinearMap derivative) {}
