package rudder.steer.rival;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.compare.Comparison;
import rudder.compare.Metric;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Controller;

class PromptingTest {
    private static final LanguageModel MODEL = Tiny.QWEN2.model();
    private static final List<String> PROMPTS = List.of("a street", "the tide then", "oh");
    private static final Comparison.Settings SETTINGS =
            Comparison.settings().tokens(5).withDivergence();

    private final ControllerFactory arm = Prompting.instruction("the sea.");
    private final Comparison comparison = Comparison.of(MODEL, PROMPTS, SETTINGS, Controller.none(), arm);
    private final List<Completion> written = comparison.completions(arm.name());

    @Test
    void theModelReadsTheInstructionAndTheCompletionIsOfThePrompt() {
        for (int i = 0; i < PROMPTS.size(); i++) {
            var prompt = PROMPTS.get(i);
            var asked = MODEL.generate("the sea.\n\n" + prompt, 5, Sampling.standard());
            assertArrayEquals(asked.tokens(), written.get(i).tokens());
            assertEquals(prompt, written.get(i).prompt());
            assertArrayEquals(MODEL.encode(prompt), written.get(i).promptTokens());
        }
        assertEquals(PROMPTS, comparison.prompts());
        assertEquals(0, comparison.mean(arm.name(), "energy").mean());
    }

    /** Perplexity is that of the text after the original prompt, as of every arm. */
    @Test
    void perplexityDoesNotKnowTheInstruction() {
        var plain = MODEL.generate(PROMPTS, 5, Sampling.standard());
        var joined = IntStream.range(0, plain.size())
                .mapToObj(i -> new Completion(
                        PROMPTS.get(i),
                        written.get(i).text(),
                        plain.get(i).promptTokens(),
                        written.get(i).tokens(),
                        written.get(i).ended(),
                        "by hand",
                        plain.get(i).positions(),
                        new double[0][],
                        new double[1][1]))
                .toList();
        double[] wanted = Metric.perplexity(MODEL).all().apply(joined);
        double mean = Math.exp(Arrays.stream(wanted).map(Math::log).average().orElseThrow());
        assertEquals(mean, comparison.mean(arm.name(), "perplexity").mean(), 1e-9 * mean);
    }

    /** The oracle takes both distributions from the logits after whole texts. */
    @Test
    void divergenceIsThatOfTheInstructionFromNone() {
        double sum = 0;
        for (var completion : written) {
            int[] asked = MODEL.encode("the sea.\n\n" + completion.prompt());
            double own = 0;
            for (int t = 0; t < completion.tokens().length; t++) {
                double[] p = logarithms(joined(asked, completion.tokens(), t));
                double[] q = logarithms(joined(completion.promptTokens(), completion.tokens(), t));
                for (int x = 0; x < p.length; x++) {
                    own += Math.exp(p[x]) * (p[x] - q[x]);
                }
            }
            sum += own / completion.tokens().length;
        }
        double kl = comparison.mean(arm.name(), "KL").mean();
        assertTrue(kl > 1e-4, "the instruction moves something: " + kl);
        assertEquals(sum / written.size(), kl, 1e-6 * kl + 1e-7);
        assertEquals(0, comparison.mean("none", "KL").mean());
    }

    private static int[] joined(int[] prompt, int[] generated, int count) {
        int[] all = Arrays.copyOf(prompt, prompt.length + count);
        System.arraycopy(generated, 0, all, prompt.length, count);
        return all;
    }

    private static double[] logarithms(int[] tokens) {
        float[] logits = MODEL.steered(Controller.none()).logits(tokens);
        double largest = IntStream.range(0, logits.length)
                .mapToDouble(i -> logits[i])
                .max()
                .orElseThrow();
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        double normaliser = largest + Math.log(sum);
        return IntStream.range(0, logits.length)
                .mapToDouble(i -> logits[i] - normaliser)
                .toArray();
    }

    /** In a chat the instruction stands in the user's message. */
    @Test
    void inAChatTheInstructionIsPartOfTheMessage() {
        try (var model = Tiny.QWEN2.chatting()) {
            var chat = Comparison.of(model, PROMPTS, SETTINGS.asChat(), arm).completions(arm.name());
            for (int i = 0; i < PROMPTS.size(); i++) {
                var asked = model.chat("the sea.\n\n" + PROMPTS.get(i), 5);
                assertArrayEquals(asked.tokens(), chat.get(i).tokens());
                assertArrayEquals(model.encodeChat(PROMPTS.get(i)), chat.get(i).promptTokens());
            }
        }
    }

    @Test
    void moreExamplesBeginWithTheFewer() {
        var set = RivalsTest.SET;
        var two = Prompting.fewShot(set, 2, 7).asked().apply("the rest");
        var three = Prompting.fewShot(set, 3, 7).asked().apply("the rest");
        assertTrue(three.startsWith(two.substring(0, two.length() - "the rest".length())));
        assertTrue(three.endsWith("\n\nthe rest"));
        assertEquals(
                3,
                set.positive().stream()
                        .filter(text -> ("\n\n" + three).contains("\n\n" + text + "\n\n"))
                        .count());
        assertRefused(() -> Prompting.fewShot(set, 9, 1), "9 examples of sea", "1..8");
        assertRefused(() -> Prompting.fewShot(set, 0, 1), "0 examples");
        assertRefused(() -> Prompting.instruction(" "), "instruction is blank");
    }

    /** Elsewhere the model would read the prompt, and the arm would be the unsteered model. */
    @Test
    void callsThatWouldReadThePromptRefuseTheArm() {
        assertRefused(() -> arm.on(MODEL, PROMPTS), "\"the sea.\"", "Comparison");
        assertRefused(() -> arm.rollouts(MODEL, PROMPTS), "Comparison");
        assertRefused(() -> arm.named("x").on(MODEL, PROMPTS), "'x'");
        assertRefused(() -> arm.kept().on(MODEL, PROMPTS), "Comparison");
    }
}
