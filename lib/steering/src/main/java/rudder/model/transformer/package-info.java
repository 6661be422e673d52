/**
 * Internal: the forward pass on the engine, and the closed-form derivative beside each of its parts.
 *
 * <p>Weights, blocks, attention, KV cache, control laws on the device. Nothing outside {@code rudder.model} may use
 * this package; it may change at any time.
 *
 * <p>May use: {@code rudder.model.engine}, {@code rudder.checkpoint}, {@code rudder.theory} and the engine (DJL).
 */
package rudder.model.transformer;
