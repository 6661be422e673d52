/**
 * Makes controllers from texts: contrast sets, features and setpoints, linear systems, and controllers of the
 * literature fitted to a model.
 *
 * <p>{@link rudder.steer.ContrastSet} defines a feature, and {@link rudder.steer.Features} measures it.
 * {@link rudder.steer.Linearisation} is the linear system that {@link rudder.theory.Lqr} solves.
 * {@link rudder.steer.ControllerFile} saves and loads controllers.
 *
 * <p>May use: {@code rudder.model}, {@code rudder.checkpoint} and {@code rudder.theory}.
 */
package rudder.steer;
