package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.checkpoint.tokenizer.Message;

/** The tokens that positions choose are steered, and no others. */
class PositionsTest {

    private static final int TOKENS = 7;

    /** Says by itself whether token t is steered behind a prompt of n tokens. */
    interface Oracle {
        boolean steers(int t, int n);
    }

    /** Positions, and what they mean. */
    record Choice(Positions positions, Oracle oracle) {
        boolean steers(int t, int n) {
            return oracle.steers(t, n);
        }

        @Override
        public String toString() {
            return positions.toString();
        }
    }

    static List<Choice> choices() {
        return List.of(
                new Choice(Positions.PROMPT_END_AND_GENERATED, (t, n) -> t >= n - 1),
                new Choice(Positions.PROMPT_END, (t, n) -> t == n - 1),
                new Choice(Positions.GENERATED, (t, n) -> t >= n),
                new Choice(Positions.ALL, (t, n) -> true),
                new Choice(Positions.from(2), (t, n) -> t >= 2),
                new Choice(Positions.generatedFrom(2), (t, n) -> t >= n + 2),
                new Choice(Positions.where("even", token -> token.index() % 2 == 0), (t, n) -> t % 2 == 0),
                new Choice(
                        Positions.where("1 to 3", token -> token.index() > 0 && token.index() < 4),
                        (t, n) -> t > 0 && t < 4),
                new Choice(
                        Positions.where("every third generated", token -> token.generatedIndex() % 3 == 1),
                        (t, n) -> (t - n) % 3 == 1));
    }

    @ParameterizedTest
    @EnumSource
    void theStateIsThatOfThePlainTransformerWithTheSameAdditions(Tiny tiny) {
        var plain = new PlainTransformer(tiny);
        var controller = tiny.lqr(tiny.setpoint(2));
        int[] tokens = Tiny.tokens(9, 1);
        for (var choice : choices()) {
            double[][] found = tiny.model()
                    .steered(controller)
                    .atPositions(choice.positions())
                    .tracesOfTokens(List.of(tokens, Tiny.tokens(4, 2)))
                    .get(0)
                    .rollout()
                    .states();
            double[][] wanted = plain.states(tokens, controller, t -> choice.steers(t, 9))[8];
            for (int k = 0; k < wanted.length; k++) {
                assertEquals(0, Golden.relative(found[k], wanted[k]), 1e-6, choice + ", state " + k);
            }
        }
    }

    /** Prompts of different lengths in one batch: the masks of their rows differ at every pass. */
    @ParameterizedTest
    @EnumSource
    void aTextIsTheSameAloneAndInABatch(Tiny tiny) {
        var setpoint = tiny.setpoint(2);
        for (var choice : choices()) {
            var steered = tiny.model().steered(tiny.lqr(setpoint)).atPositions(choice.positions());
            var together = steered.generate(Tiny.TEXTS, TOKENS, Sampling.greedy());
            for (int i = 0; i < together.size(); i++) {
                var alone = steered.generate(Tiny.TEXTS.get(i), TOKENS, Sampling.greedy());
                assertArrayEquals(alone.tokens(), together.get(i).tokens(), choice.toString());
                for (int t = 0; t < TOKENS; t++) {
                    assertArrayEquals(
                            alone.strengths()[t], together.get(i).strengths()[t], 1e-9, choice + ", token " + t);
                    assertArrayEquals(alone.energies()[t], together.get(i).energies()[t], 1e-9);
                    int at = alone.promptTokens().length - 1 + t;
                    assertEquals(choice.steers(at, at - t + 1), sum(alone.energies()[t]) > 0, choice + ", token " + t);
                }
                assertEquals(choice.positions(), alone.positions());
            }
        }
    }

    @Test
    void aRoleIsThatOfTheMessageWhoseTextATokenSpells() {
        try (var model = Tiny.LLAMA.chatting()) {
            var talk = List.of(
                    Message.system("Be kind."),
                    Message.user("the sea"),
                    Message.assistant("the sea"),
                    Message.user("and then"));
            var prompt = model.prompts().chat(talk, "and then", 5);
            var roles = prompt.roles();
            assertEquals("Be kind.", spelled(model, prompt, Message.Role.SYSTEM));
            assertEquals("the seaand then", spelled(model, prompt, Message.Role.USER));
            assertEquals("the sea", spelled(model, prompt, Message.Role.ASSISTANT));
            assertTrue(spelled(model, prompt, null).endsWith("assistant\n"));

            var steered = model.steered(Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(2)));
            var users = steered.atPositions(Positions.ofRole(Message.Role.USER));
            var byIndex = Positions.where(
                    "as the roles say", token -> !token.isGenerated() && roles.get(token.index()) == Message.Role.USER);
            var wanted = steered.atPositions(byIndex)
                    .generateOfTokens(List.of(prompt.tokens()), TOKENS, Sampling.greedy())
                    .get(0);
            var found = users.chat(talk, TOKENS, Sampling.greedy());
            assertArrayEquals(wanted.tokens(), found.tokens());
            assertArrayEquals(wanted.strengths()[3], found.strengths()[3]);
            assertEquals("tokens of the user", found.positions().name());
            var assistant = steered.atPositions(Positions.ofRole(Message.Role.ASSISTANT))
                    .chat("the sea", 3, text -> {});
            assertEquals(0, sum(assistant.energies()[0]), "the prompt's last token is the template's");
            assertTrue(sum(assistant.energies()[1]) > 0, "generated tokens are the assistant's");
            assertRefused(() -> users.generate("the sea", 3), "'tokens of the user' need a chat", "by index");
            assertRefused(() -> users.logits(prompt.tokens()), "need a chat");
        }
    }

    private static double sum(double[] energies) {
        return Arrays.stream(energies).sum();
    }

    private static String spelled(LanguageModel model, Prompt prompt, Message.Role role) {
        var roles = prompt.roles();
        var tokens = new ArrayList<Integer>();
        for (int i = 0; i < roles.size(); i++) {
            if (roles.get(i) == role) {
                tokens.add(prompt.tokens()[i]);
            }
        }
        return model.decode(tokens.stream().mapToInt(token -> token).toArray());
    }

    @Test
    void theNameStandsForTheChoice() {
        var known = new ArrayList<>(List.of(Positions.values()));
        known.addAll(List.of(Positions.from(2), Positions.generatedFrom(12), Positions.ofRole(Message.Role.USER)));
        for (var positions : known) {
            var found = Positions.named(positions.name());
            assertEquals(positions, found);
            assertTrue(found.isKnownByName());
            for (int i = 0; i < 40; i++) {
                assertEquals(positions.ofGenerated(9, i, false), found.ofGenerated(9, i, false));
            }
            assertEquals(positions.usesRoles(), found.usesRoles());
            assertRefused(() -> Positions.where(positions.name(), token -> true), positions.name(), "of their own");
        }
        var even = Positions.where("even", token -> token.index() % 2 == 0);
        assertEquals(even, Positions.named("even"));
        assertFalse(even.isKnownByName());
        assertNotEquals(even, Positions.from(2));
        assertEquals("even", even.toString());
        var model = Tiny.LLAMA.model().steered(Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(1)));
        assertRefused(
                () -> model.atPositions(Positions.named("even")).generate("s", 2),
                "'even'",
                "read from a file",
                "again");
        assertRefused(() -> Positions.from(-1), "from token -1", "0 or more");
        assertRefused(() -> Positions.where(" ", token -> true), "a name of their own");
    }
}
