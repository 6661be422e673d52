/**
 * Settles whether feedback pays: open-loop and closed-loop twins at equal doses, under disturbances, with statistics
 * that cover concepts and prompts.
 *
 * <p>May use: {@code rudder.experiment.condition}, {@code rudder.experiment.statistics}, {@code rudder.eval},
 * {@code rudder.study} and what they may use.
 */
package rudder.experiment;
