package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.checkpoint.tokenizer.ChatTemplate;
import rudder.checkpoint.tokenizer.Message;
import rudder.theory.control.Controller;

/** A short call is the long one with its defaults, on a model and on a view of it alike. */
class TextGeneratorTest {

    private static final LanguageModel MODEL = Tiny.LLAMA.chatting();
    private static final int TOKENS = 9;
    private static final Sampling DRAWN = Sampling.paper().withSeed(4);
    private static final List<Message> TALK = List.of(
            Message.system("Be kind."),
            Message.user("the sea"),
            Message.assistant("is wide"),
            Message.user("and then"));

    static Stream<TextGenerator> generators() {
        return Stream.of(MODEL, MODEL.steered(Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(2))));
    }

    @AfterAll
    static void close() {
        MODEL.close();
    }

    @ParameterizedTest(autoCloseArguments = false)
    @MethodSource("generators")
    void everyCallToContinueATextIsTheOneThatGivesItsTokens(TextGenerator generator) {
        String prompt = "the sea";
        var tokens = List.of(MODEL.encode(prompt));
        var standard = Sampling.greedy().withRepetitionPenalty(1.2);
        var wanted = generator.generateOfTokens(tokens, TOKENS, standard).get(0);
        var drawn = generator.generateOfTokens(tokens, TOKENS, DRAWN).get(0);
        var heard = new StringBuilder();
        var heardDrawn = new StringBuilder();
        assertSame(prompt, wanted, generator.generate(prompt, TOKENS));
        assertSame(prompt, wanted, generator.generate(prompt, TOKENS, heard::append));
        assertSame(prompt, drawn, generator.generate(prompt, TOKENS, DRAWN));
        assertSame(prompt, drawn, generator.generate(prompt, TOKENS, DRAWN, heardDrawn::append));
        assertSame(
                prompt,
                drawn,
                generator.generate(List.of(prompt), TOKENS, DRAWN).get(0));
        assertEquals(wanted.text(), heard.toString());
        assertEquals(drawn.text(), heardDrawn.toString());
    }

    @ParameterizedTest(autoCloseArguments = false)
    @MethodSource("generators")
    void everyCallToAnswerAMessageIsTheOneThatGivesItsTokens(TextGenerator generator) {
        String message = "the sea";
        var tokens = List.of(MODEL.encodeChat(message));
        var wanted =
                generator.generateOfTokens(tokens, TOKENS, Sampling.standard()).get(0);
        var drawn = generator.generateOfTokens(tokens, TOKENS, DRAWN).get(0);
        var talk = List.of(Message.user(message));
        var heard = new StringBuilder();
        assertSame(message, wanted, generator.chat(message, TOKENS));
        assertSame(message, wanted, generator.chat(message, TOKENS, heard::append));
        assertSame(message, wanted, generator.chat(talk, TOKENS));
        assertSame(message, drawn, generator.chat(talk, TOKENS, DRAWN));
        assertSame(
                message,
                drawn,
                generator.chatEach(List.of(message), TOKENS, DRAWN).get(0));
        assertEquals(wanted.text(), heard.toString());
    }

    @ParameterizedTest(autoCloseArguments = false)
    @MethodSource("generators")
    void aConversationIsReadAsTheTemplateRendersItAndItsPromptIsTheLastUsersMessage(TextGenerator generator) {
        assertArrayEquals(MODEL.tokenizer().encodeChat(TALK), MODEL.encodeChat(TALK));
        var tokens = List.of(MODEL.encodeChat(TALK));
        assertSame(
                "and then",
                generator.generateOfTokens(tokens, TOKENS, Sampling.standard()).get(0),
                generator.chat(TALK, TOKENS));
        assertTrue(MODEL.tokenizer().decodeMarked(tokens.get(0)).contains("<|im_start|>assistant\nis wide<|im_end|>"));
    }

    /** The assistant's last message stays open: no mark closes it, and the completion is what comes behind. */
    @ParameterizedTest(autoCloseArguments = false)
    @MethodSource("generators")
    void anAnswerThatHasBegunGoesOnWhereItEnds(TextGenerator generator) {
        var begun = List.of(Message.user("the sea"), Message.assistant("is wide"));
        int[] asked = MODEL.encodeChat("the sea");
        int[] tokens = DecodingTest.joined(asked, MODEL.encode("is wide"));
        assertArrayEquals(tokens, MODEL.encodeChat(begun));
        assertArrayEquals(tokens, MODEL.tokenizer().encodeChat(begun, ChatTemplate.Ending.BEGUN));
        var wanted = generator
                .generateOfTokens(List.of(tokens), TOKENS, Sampling.standard())
                .get(0);
        assertSame("the sea", wanted, generator.chat(begun, TOKENS));
        var answered = List.of(Message.user("the sea"), Message.assistant("is wide"), Message.user("and then"));
        assertTrue(MODEL.tokenizer().decodeMarked(MODEL.encodeChat(answered)).endsWith("<|im_start|>assistant\n"));
    }

    @Test
    void anAnsweredMessageIsTheQuestionThenTheAnswersOwnTokens() {
        int[] asked = MODEL.encodeChat("the sea");
        assertArrayEquals(
                DecodingTest.joined(asked, MODEL.encode("is wide")), MODEL.encodeAnswered("the sea", "is wide"));
    }

    @Test
    void aModelWithoutAChatTemplateAndAConversationWithoutRoomAreRefused() {
        var base = Tiny.LLAMA.model();
        for (TextGenerator generator : List.of(base, base.steered(Controller.none()))) {
            assertTrue(assertThrows(IllegalStateException.class, () -> generator.chat("the sea", TOKENS))
                    .getMessage()
                    .contains("no chat template"));
        }
        assertTrue(assertThrows(IllegalArgumentException.class, () -> MODEL.chat(TALK, Tiny.CONTEXT))
                .getMessage()
                .contains("640"));
    }

    @Test
    void completionsAndViewsSayWhichTokensWereSteeredUnlessTheyAreTheUsualOnes() {
        var steered = MODEL.steered(Controller.actAdd(Tiny.LLAMA.setpoint(1), 1));
        var usual = steered.generate("the sea", 2);
        var everywhere = steered.atPositions(Positions.ALL).generate("the sea", 2);
        assertEquals(Positions.PROMPT_END_AND_GENERATED, usual.positions());
        assertEquals("the sea |" + usual.text(), usual.toString());
        assertEquals(Positions.ALL, everywhere.positions());
        assertEquals("the sea |" + everywhere.text() + " [ALL]", everywhere.toString());
        assertTrue(steered.atPositions(Positions.ALL).toString().endsWith(", tokens ALL]"));
        assertTrue(steered.toString().endsWith(steered.controller().name() + "]"));
    }

    private static void assertSame(String prompt, Completion wanted, Completion found) {
        assertEquals(prompt, found.prompt());
        assertArrayEquals(wanted.promptTokens(), found.promptTokens());
        assertArrayEquals(wanted.tokens(), found.tokens());
        assertEquals(wanted.text(), found.text());
    }
}
