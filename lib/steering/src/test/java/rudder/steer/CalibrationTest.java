package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.model.LanguageModel;
import rudder.theory.Differential;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.InputMatrix;

@Tag("model")
class CalibrationTest {

    /** With Jacobians that are other prompts', and the mean of only a few. */
    @ParameterizedTest
    @ValueSource(strings = {"SmolLM2-135M-Instruct", "Qwen2.5-Coder-0.5B-Instruct"})
    void trackersReachWhatTheyAreAskedForToFivePercent(String name) throws IOException {
        try (var model = LanguageModel.load(name)) {
            var ocean = ContrastSet.read("../../data/concepts/ocean.csv");
            var features = Features.contrast(model, ocean);
            var system = Linearisation.mean(model, ocean.positive().subList(0, 6));
            var prompts =
                    PromptSet.read("../../data/prompts/openings.csv", "test").some(20);
            double[] weights = new double[model.horizon() + 1];
            Arrays.fill(weights, 0.001);
            weights[model.horizon()] = 1;
            for (double lambda : new double[] {0.5, 1, 1.5}) {
                var target = features.setpoint(lambda);
                var tracker = FeatureTracker.of(
                        Differential.of(system),
                        features.negative().states(),
                        target,
                        weights,
                        0.1,
                        InputMatrix.everywhere());
                double tracked = reached(model, prompts, target, tracker);
                assertEquals(lambda, tracked, 0.05 * lambda);
                double regulated = reached(
                        model,
                        prompts,
                        target,
                        Controller.lqr(Lqr.feedback(system, new QuadraticCost(0.1, 10, 1), target), target));
                assertTrue(Math.abs(tracked - lambda) < Math.abs(regulated - lambda), "A-LQR reaches " + regulated);
            }
        }
    }

    /** Mean strength of the last state, in gaps. */
    private static double reached(LanguageModel model, List<String> prompts, Setpoint target, Controller controller) {
        int T = model.horizon();
        return ControllerFactory.of(controller).rollouts(model, prompts).stream()
                .mapToDouble(run -> target.inGaps(T, run.strengths(target)[T]))
                .average()
                .orElseThrow();
    }
}
