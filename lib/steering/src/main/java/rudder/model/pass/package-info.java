/**
 * What forward passes are run for: to write texts, to read prompts, and to find how likely texts are. Each has a form
 * on the heap and one in the engine, and {@link rudder.model.pass.Placement} chooses. Internal to {@code rudder.model}.
 *
 * <p>May use: {@code rudder.theory}, {@code rudder.checkpoint}, {@code rudder.model.transformer},
 * {@code rudder.model.decoder}, {@code rudder.model.plant} and {@code rudder.model.engine}.
 */
package rudder.model.pass;
