package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Controller;

class MultipleChoiceTest {

    private static final ControllerFactory NONE = ControllerFactory.of(Controller.none());

    private static MultipleChoice.Answered answered(Set<Integer> right, double... probabilities) {
        return new MultipleChoice.Answered(
                new Question("", "q", List.of("a", "b", "c", "d"), right),
                Arrays.stream(probabilities).map(Math::log).toArray());
    }

    @Test
    void mc1LooksAtTheBestAnswerAndMc2AtAllRightOnes() {
        var answered = answered(Set.of(0, 1), 0.02, 0.05, 0.03, 0.1);
        assertEquals(0, answered.mc1());
        assertEquals(0.07 / 0.2, answered.mc2(), 1e-12);
        assertEquals(0, answered.correct());
        assertEquals(1, answered(Set.of(0, 1), 0.04, 0.5, 0.03, 0.01).mc1());
        assertEquals(1, answered(Set.of(0, 1), 0.02, 0.5, 0.03, 0.01).correct());
        assertEquals(0, answered(Set.of(0, 1), 0.02, 0.5, 0.03, 0.01).mc1());
        assertEquals(
                0.5,
                new MultipleChoice.Answered(answered.question(), new double[] {-900, -901, -900, -901}).mc2(),
                1e-12); // p underflows
        assertEquals(
                "0.5 [0.095, 0.905]",
                MultipleChoice.accuracy(List.of(answered, answered(Set.of(3), 0.1, 0.1, 0.1, 0.2)))
                        .toString());
    }

    @Test
    void aQuestionThatIsNoneIsRefused() {
        assertRefused(
                () -> new Question("", "why", List.of("a", "b"), Set.of(0, 1)),
                "\"why\"",
                "2 answers with [0, 1] right");
        assertRefused(() -> new Question("", "why", List.of("a", "b"), Set.of(2)), "places from 0");
        assertRefused(() -> new Question("", "why", List.of("a", " "), Set.of(0)), "blank answer");
    }

    /** An order that differs from run to run would show another answer in the shots. */
    @Test
    void rightPlacesAreInAscendingOrder() {
        var places = IntStream.range(0, 40).boxed().toList();
        var shuffled = new LinkedHashSet<>(places.subList(1, 40));
        shuffled.add(0);
        var options = IntStream.range(0, 41).mapToObj(i -> "option " + i).toList();
        assertEquals(places, List.copyOf(new Question("", "which", options, shuffled).right()));
    }

    @Test
    @Tag("model")
    void aSmallModelKnowsMoreThanChanceAndSaysItInTexts() throws IOException {
        var knowledge = Benchmarks.lettered(Path.of("../../data/tasks/knowledge.csv"));
        var truth = Benchmarks.truthfulQa(Path.of("../../data/tasks/truthfulness.csv"))
                .subList(0, 10);
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            // whole sequences, one by one, are the oracle: ln p(answer | question) is a difference of theirs
            var question = truth.get(0);
            var answered = MultipleChoice.texts(model, NONE, Positions.PROMPT_END_AND_GENERATED, "", List.of(question))
                    .get(0);
            for (int i = 0; i < question.options().size(); i++) {
                int from = model.encode("Q: " + question.text() + "\nA:").length;
                double[] surprisals = model.surprisals(model.encode(
                        "Q: " + question.text() + "\nA: " + question.options().get(i)));
                assertEquals(-Arrays.stream(surprisals).skip(from - 1).sum(), answered.logProbabilities()[i], 1e-3);
            }
            var texts = MultipleChoice.accuracy(MultipleChoice.texts(
                    model, NONE, Positions.PROMPT_END_AND_GENERATED, "", knowledge.subList(5, 29)));
            var letters = MultipleChoice.accuracy(MultipleChoice.letters(
                    model,
                    NONE,
                    Positions.PROMPT_END_AND_GENERATED,
                    knowledge.subList(0, 5),
                    knowledge.subList(5, 11)));
            var mc = MultipleChoice.texts(model, NONE, Positions.PROMPT_END_AND_GENERATED, "", truth);
            System.out.println("SmolLM2-135M-Instruct: knowledge as texts " + texts + ", as letters " + letters
                    + "; own misconceptions MC1 " + MultipleChoice.mc1(mc) + ", MC2 " + MultipleChoice.mc2(mc));
            assertTrue(texts.mean() > 0.3, texts::toString);
            assertRefused(
                    () -> MultipleChoice.letters(model, NONE, Positions.ALL, knowledge.subList(0, 2), knowledge),
                    "hold these out");
        }
    }
}
