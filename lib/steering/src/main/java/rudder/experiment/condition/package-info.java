/**
 * Sets the conditions under which arms are compared: how far each may move the texts, and what disturbs them.
 *
 * <p>May use: {@code rudder.compare} and what it may use.
 */
package rudder.experiment.condition;
