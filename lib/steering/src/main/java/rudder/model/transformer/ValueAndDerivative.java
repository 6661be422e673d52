package rudder.model.transformer;

import ai.djl.ndarray.NDArray;

/**
 * The value and derivative of a map at one point.
 *
 * @param value one row
 */
public record ValueAndDerivative(NDArray value, LinearMap derivative) {}
