/**
 * The dynamical system that a prompt makes of a language model: one transformer block is one time step.
 *
 * <p>May use: {@code rudder.theory}, {@code rudder.checkpoint}, {@code rudder.model.transformer},
 * {@code rudder.model.decoder}, {@code rudder.kernel} and {@code rudder.model.engine}. No engine type appears in a
 * public signature.
 */
package rudder.model.plant;
