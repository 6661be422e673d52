/**
 * Internal: the engine's device, precision and threads, double-precision algebra on it, and the choice of a token from
 * its logits. Knows no model.
 *
 * <p>Nothing outside {@code rudder.model} may use this package; it may change at any time.
 *
 * <p>May use: {@code rudder.theory} and the engine (DJL).
 */
package rudder.model.engine;
