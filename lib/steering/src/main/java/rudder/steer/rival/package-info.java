/**
 * Steering methods of the literature, the rivals of Rudder's own in a comparison. They are gated rotations, flows along
 * a classifier's gradient, conditional steering, learned vectors, and instructions or examples in the prompt.
 *
 * <p>Each class names its source, and what it does otherwise than its source. Each method has one scalar strength, so
 * that a grid or a bisection sets its dose. Barriers are {@link rudder.theory.control.Barrier}, and the direction of
 * paired differences is {@link rudder.steer.Features#pca}.
 *
 * <p>May use: {@code rudder.steer} and what it may use.
 */
package rudder.steer.rival;
