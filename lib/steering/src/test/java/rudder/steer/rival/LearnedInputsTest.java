package rudder.steer.rival;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.model.Continuation;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.theory.Vectors;

class LearnedInputsTest {

    /** The oracle is the likelihood of the steered model, by central differences along a random direction. */
    @ParameterizedTest
    @EnumSource
    void theGradientAtInputsIsThatOfTheSteeredLikelihood(Tiny tiny) {
        var model = tiny.model();
        var random = new Random(2);
        var texts = texts(model, RivalsTest.SET.positive());
        double[][] inputs = inputs(model, random);
        double[][] along = inputs(model, random);
        double[][] gradient = model.meanGradient(texts, inputs);
        double wanted =
                (likelihood(model, texts, inputs, along, 1e-4) - likelihood(model, texts, inputs, along, -1e-4)) / 2e-4;
        double found = IntStream.range(0, along.length)
                .mapToDouble(k -> Vectors.dot(gradient[k], along[k]))
                .sum();
        assertEquals(wanted, found, 1e-5 * Math.abs(wanted) + 1e-7);
    }

    private static List<Continuation> texts(LanguageModel model, List<String> texts) {
        return texts.stream().map(model::encode).map(Continuation::of).toList();
    }

    private static double[][] inputs(LanguageModel model, Random random) {
        return IntStream.range(0, model.horizon())
                .mapToObj(k -> random.doubles(model.dimension(), -0.3, 0.3).toArray())
                .toArray(double[][]::new);
    }

    private static double likelihood(
            LanguageModel model, List<Continuation> texts, double[][] inputs, double[][] along, double by) {
        double[][] moved = IntStream.range(0, inputs.length)
                .mapToObj(k -> Vectors.plus(inputs[k], by, along[k]))
                .toArray(double[][]::new);
        return LearnedInputs.likelihood(model, LearnedInputs.controller(moved), texts);
    }

    @Test
    void whatIsLearnedMakesTextsLikelierThatWereHeldOut() {
        var model = Tiny.LLAMA.model();
        var learned = LearnedInputs.fit(model, RivalsTest.SET, 0.1, 6, 2);
        assertEquals(model.sha256(), learned.plant().orElseThrow());
        var all = RivalsTest.SET.positive();
        var heldOut = texts(model, List.of(all.get(3), all.get(7)));
        double before = LearnedInputs.likelihood(
                model, LearnedInputs.controller(new double[model.horizon()][model.dimension()]), heldOut);
        double after = LearnedInputs.likelihood(model, learned, heldOut);
        assertTrue(after > before, after + " nats a token, before " + before);
    }

    @Test
    void errorsSayWhatIsWrong() {
        var model = Tiny.LLAMA.model();
        var few = new ContrastSet("few", List.of("the sea", "a wave"), List.of("a street"));
        assertRefused(() -> LearnedInputs.fit(model, few), "2 positive texts of few", "at least 4");
        assertRefused(() -> LearnedInputs.fit(model, RivalsTest.SET, 0, 3, 1), "step is 0.0");
        assertRefused(() -> LearnedInputs.fit(model, RivalsTest.SET, 1, 3, 0), "patience 0");
        assertRefused(
                () -> model.gradients(texts(model, few.positive()), new double[2][3], (first, k, g) -> {}),
                "inputs behind the blocks",
                "2, wanted 4");
    }
}
