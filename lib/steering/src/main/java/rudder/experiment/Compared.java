package rudder.experiment;

import rudder.compare.ConfidenceInterval;
import rudder.experiment.statistics.AtOneDose;
import rudder.experiment.statistics.Effect;

/**
 * What the texts of a twin say about feedback: one model, twin, dose, disturbance and outcome.
 *
 * @param model name
 * @param twin name
 * @param dose as text
 * @param disturbance name
 * @param outcome name of the score that is compared
 * @param difference closed loop less open loop, with its two-way interval
 * @param p of no difference, of this comparison alone
 * @param equivalence p of the test that the difference is within the margin, of this comparison alone
 * @param atOneDose the difference where both sides moved the texts equally far, by {@link AtOneDose}; not planned
 * @param margin largest difference that does not matter
 * @param detectable least difference that would be found with power 0.8 by a test that is not corrected
 * @param power to find a difference of the margin, likewise
 * @param open effect of the open loop on the outcome
 * @param closed effect of the closed loop
 * @param klOpen mean KL on these texts, nats a token
 * @param klClosed of the closed loop
 * @param concepts compared
 * @param rows of each
 * @param note what the reader must know: an arm off its dose, concepts left out; often empty
 */
public record Compared(
        String model,
        String twin,
        String dose,
        String disturbance,
        String outcome,
        ConfidenceInterval difference,
        double p,
        double equivalence,
        ConfidenceInterval atOneDose,
        double margin,
        double detectable,
        double power,
        Effect open,
        Effect closed,
        double klOpen,
        double klClosed,
        int concepts,
        int rows,
        String note) {}
