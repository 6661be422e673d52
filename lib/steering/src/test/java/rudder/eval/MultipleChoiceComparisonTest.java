package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import rudder.compare.Comparison;
import rudder.compare.ControllerFamily;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.theory.control.Controller;

@Tag("model")
class MultipleChoiceComparisonTest {
    @Test
    void differencesArePairedAndTheBestOfAFamilyHasTheLargestMean() throws IOException {
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            var questions = Benchmarks.lettered(Path.of("../../data/tasks/knowledge.csv"))
                    .subList(0, 3);
            var features = Features.contrastInChat(
                    model, new ContrastSet("tone", List.of("Go away!", "Fool!"), List.of("Come in.", "My friend.")));
            var family = ControllerFamily.of(
                    "ActAdd", new double[] {0, 4}, lambda -> Controller.actAdd(features.setpoint(lambda), 15));
            var quiz = MultipleChoiceComparison.of(
                    model,
                    questions,
                    Positions.PROMPT_END_AND_GENERATED,
                    family.candidates().toArray(ControllerFactory[]::new));
            var plain = MultipleChoice.texts(
                    model, ControllerFactory.of(Controller.none()), Positions.PROMPT_END_AND_GENERATED, "", questions);
            assertEquals(
                    MultipleChoice.mc2(plain).mean(),
                    quiz.mean("ActAdd 0", MultipleChoiceComparison.Measure.MC2).mean(),
                    1e-6);
            assertEquals(
                    quiz.mean("ActAdd 4", MultipleChoiceComparison.Measure.MC2).mean()
                            - quiz.mean("ActAdd 0", MultipleChoiceComparison.Measure.MC2)
                                    .mean(),
                    quiz.change("ActAdd 4", "ActAdd 0", MultipleChoiceComparison.Measure.MC2)
                            .mean(),
                    1e-12);
            double best = quiz.mean(
                            quiz.best(family, MultipleChoiceComparison.Measure.MC2)
                                    .name(),
                            MultipleChoiceComparison.Measure.MC2)
                    .mean();
            quiz.controllers()
                    .forEach(name -> assertEquals(
                            true,
                            quiz.mean(name, MultipleChoiceComparison.Measure.MC2)
                                            .mean()
                                    <= best));
            assertRefused(() -> quiz.mean("other", MultipleChoiceComparison.Measure.MC1), "'other'", "ActAdd 0");

            var settings = Comparison.settings().tokens(4).asChat();
            var chat = Comparison.of(model, List.of("Name a colour"), settings, Controller.none());
            var completion = chat.completions("none").get(0);
            assertEquals(model.encodeChat("Name a colour").length, completion.promptTokens().length);
            int[] whole = model.encodeAnswered("Name a colour", completion.text());
            assertEquals(
                    model.perplexity(whole, completion.promptTokens().length),
                    chat.mean("none", "perplexity").mean(),
                    1e-3);
        }
    }
}
