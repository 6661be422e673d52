/**
 * Sets the conditions under which arms are compared: how far each may move the texts, and what disturbs them.
 *
 * <p>May use: {@code rudder.study}, {@code rudder.compare} and what they may use.
 */
package rudder.experiment.condition;
