/**
 * Controllers as data, and runs of a plant under them.
 *
 * <p>A {@link rudder.theory.control.Controller} holds {@link rudder.theory.control.ControlLaw}s by block and
 * {@link rudder.theory.control.HookPoint}. Each law is {@code u = W (b - C z)}, a diagonal map, or a law behind a gate.
 * A {@link rudder.theory.control.Rollout} interprets them in double precision. A language model interprets the same
 * data on its device.
 *
 * <p>May use {@code rudder.theory}, whose package description has the table of symbols.
 */
package rudder.theory.control;
