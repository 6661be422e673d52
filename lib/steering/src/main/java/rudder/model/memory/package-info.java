/**
 * The memory that a model and its regulator take, planned from sizes alone.
 *
 * <p>May use: {@code rudder.model.transformer} and {@code rudder.model.plant} for sizes; {@code rudder.checkpoint}.
 */
package rudder.model.memory;
