/**
 * Plants to teach and test with: a pendulum and a small random residual network.
 *
 * <p>May use: {@code rudder.theory}. Symbols are those of its table.
 */
package rudder.theory.plant;
