/**
 * Says how far an experiment's judges can be trusted: against labelled texts, against each other, and against a person
 * who does not know the arms.
 *
 * <p>May use: {@code rudder.experiment} and what it may use.
 */
package rudder.experiment.judge;
