package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.theory.control.Controller;

/** A text that is measured while it is written is the same text, and its divergences are those of reading it again. */
class MovedTextTest {

    private static final LanguageModel MODEL = Tiny.LLAMA.model();
    private static final Sampling SAMPLED = new Sampling(1, 0, 0.9, 1.2, 3);
    private static final Controller ARM = Controller.actAdd(
            Features.contrast(
                            MODEL,
                            new ContrastSet(
                                    "sea", List.of("the sea", "a wave then"), List.of("a street", "the sun sets")))
                    .setpoint(3),
            2);

    @Test
    void divergencesAreThoseOfReadingTheTextAgain() {
        // more texts than a batch has, of several lengths
        var prompts = IntStream.range(0, 70)
                .mapToObj(i -> Tiny.TEXTS.get(i % Tiny.TEXTS.size()) + " the".repeat(i % 5))
                .toList();
        for (var sampling : List.of(Sampling.standard(), SAMPLED)) {
            var steered = MODEL.steered(ARM);
            var moved = steered.generateMoved(prompts, prompts, 9, sampling);
            assertEquals(
                    steered.generate(prompts, 9, sampling).stream()
                            .map(Completion::text)
                            .toList(),
                    moved.stream().map(one -> one.completion().text()).toList());
            for (var one : moved) {
                double[] again = Reread.divergences(steered, one.completion());
                assertArrayEquals(again, one.divergences(), 1e-5);
                assertEquals(Arrays.stream(again).average().orElseThrow(), one.mean(), 1e-5);
                assertTrue(one.mean() > 1e-3);
            }
        }
    }

    @Test
    void anUnsteeredTextDoesNotMove() {
        for (var one : MODEL.steered(Controller.none()).generateMoved(Tiny.TEXTS, Tiny.TEXTS, 6, SAMPLED)) {
            assertArrayEquals(new double[one.completion().tokens().length], one.divergences(), 1e-9);
        }
    }

    @Test
    void whatCannotBeMeasuredIsRefused() {
        var steered = MODEL.steered(ARM);
        assertRefused(() -> steered.generateMoved(List.of("a", "b"), List.of("a"), 5, SAMPLED), "1", "2");
        assertRefused(() -> steered.generateMoved(List.of("the"), List.of("the"), 0, SAMPLED), "maxTokens");
        var anew = MODEL.steeredPerToken(plant -> ARM, ARM.setpoint().orElseThrow());
        assertTrue(assertThrows(
                        UnsupportedOperationException.class,
                        () -> anew.generateMoved(List.of("the"), List.of("the"), 5, SAMPLED))
                .getMessage()
                .contains("every token"));
    }
}
