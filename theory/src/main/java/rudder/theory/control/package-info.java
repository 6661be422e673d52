/**
 * Controllers as data, and runs of a plant under them.
 *
 * <p>A {@link rudder.theory.control.Controller} holds {@link rudder.theory.control.ControlLaw}s by block and
 * {@link rudder.theory.control.HookPoint}. Each law is one of three: {@code u = W (b - C z)}, a diagonal map, or a law
 * behind a gate. A {@link rudder.theory.control.Rollout} interprets them in double precision; a language model
 * interprets the same data on its device.
 *
 * <p>May use: {@code rudder.theory}. Symbols are those of its table.
 */
package rudder.theory.control;
