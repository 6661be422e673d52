/**
 * The forward passes that write texts: a batch on the engine, or one text on the heap. Internal to
 * {@code rudder.model}.
 *
 * <p>May use: {@code rudder.theory}, {@code rudder.checkpoint}, {@code rudder.model.transformer},
 * {@code rudder.model.decoder}, {@code rudder.model.plant} and {@code rudder.model.engine}.
 */
package rudder.model.pass;
