/**
 * Internal: gradients of the log-likelihood of whole continuations, in closed form, on the engine.
 *
 * <p>May use: {@code rudder.model.transformer}, {@code rudder.model.engine} and the engine (DJL). Nothing outside
 * {@code rudder.model} may use this package; it may change at any time.
 */
package rudder.model.gradient;
