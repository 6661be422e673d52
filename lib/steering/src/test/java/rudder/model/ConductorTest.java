package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/** A conductor sees what completions report, and changes only what it says. */
class ConductorTest {

    private static final Tiny TINY = Tiny.LLAMA;
    private static final LanguageModel MODEL = TINY.model();
    private static final Setpoint WEAK = TINY.setpoint(0.5);
    private static final Setpoint STRONG = TINY.setpoint(2);
    private static final int TOKENS = 8;
    private static final Sampling DRAWN = Sampling.paper().withTopP(1).withSeed(3);

    private static List<int[]> prompts() {
        return List.of(MODEL.encode("the sea"), MODEL.encode("a wave then"));
    }

    private static void assertSame(Completion wanted, Completion found) {
        assertEquals(wanted.text(), found.text());
        assertArrayEquals(wanted.tokens(), found.tokens());
        assertEquals(wanted.controller(), found.controller());
        assertArrayEquals(wanted.strengths(), found.strengths());
        assertArrayEquals(wanted.energies(), found.energies());
    }

    @ParameterizedTest
    @EnumSource(Tiny.class)
    void stepsAreThoseOfTheCompletions(Tiny tiny) {
        var model = tiny.model();
        var view = model.steered(List.of(tiny.lqr(tiny.setpoint(2)), Controller.none()));
        var prompts = List.of(model.encode("the sea"), model.encode("a wave then"));
        var steps = new ArrayList<Conductor.Step>();
        var conducted = view.conduct(prompts, TOKENS, DRAWN, steps::add);
        var wanted = view.generateOfTokens(prompts, TOKENS, DRAWN);
        for (int i = 0; i < prompts.size(); i++) {
            assertSame(wanted.get(i), conducted.get(i));
            var text = new StringBuilder();
            for (int t = 0; t < wanted.get(i).tokens().length; t++) {
                var step = steps.get(t);
                assertEquals(t, step.index());
                assertEquals(wanted.get(i).tokens()[t], step.tokens()[i]);
                assertArrayEquals(wanted.get(i).strengths()[t], step.strengths().get(0)[i]);
                assertArrayEquals(wanted.get(i).energies()[t], step.energies()[i]);
                text.append(step.pieces()[i]);
            }
            assertTrue(wanted.get(i).text().startsWith(text.toString()));
        }
    }

    @Test
    void logitsAreThoseOfTheViewAfterTheSameTokens() {
        var steps = new ArrayList<Conductor.Step>();
        int[] prompt = prompts().get(0);
        var view = MODEL.steered(TINY.lqr(STRONG)).atEveryToken();
        var tokens =
                view.conduct(List.of(prompt), TOKENS, DRAWN, steps::add).get(0).tokens();
        for (int t = 0; t < TOKENS; t++) {
            int[] read = Arrays.copyOf(prompt, prompt.length + t);
            System.arraycopy(tokens, 0, read, prompt.length, t);
            assertArrayEquals(view.logits(read), steps.get(t).logits(), 1e-4f, "token " + t);
        }
    }

    @Test
    void anotherControllerSteersFromTheNextTokenOn() {
        Controller weak = TINY.lqr(WEAK);
        Controller strong = TINY.lqr(STRONG);
        var prompts = prompts();
        var changed = MODEL.steered(List.of(weak, weak)).conduct(prompts, TOKENS, DRAWN, new Conductor() {
            @Override
            public List<Controller> controllers(int index, List<Controller> now) {
                return index == 3 ? List.of(strong, weak) : now;
            }

            @Override
            public boolean after(Step step) {
                return true;
            }
        });
        var before = MODEL.steered(weak).generateOfTokens(prompts, TOKENS, DRAWN);
        // in one batch with other controllers, up to the rounding of products of other shapes
        assertArrayEquals(before.get(1).tokens(), changed.get(1).tokens());
        for (int t = 0; t < TOKENS; t++) {
            assertArrayEquals(before.get(1).strengths()[t], changed.get(1).strengths()[t], 1e-12);
        }
        for (int t = 0; t < 3; t++) {
            assertEquals(before.get(0).tokens()[t], changed.get(0).tokens()[t]);
            assertArrayEquals(before.get(0).strengths()[t], changed.get(0).strengths()[t]);
        }
        assertFalse(Arrays.equals(before.get(0).energies()[3], changed.get(0).energies()[3]));
    }

    @Test
    void aControllerFromTheSecondTokenOnSteersTheGeneratedTokens() {
        Controller strong = TINY.lqr(STRONG);
        int[] prompt = prompts().get(0);
        var changed = MODEL.steered(Controller.none())
                .measuring(STRONG)
                .conduct(List.of(prompt), TOKENS, DRAWN, new Conductor() {
                    @Override
                    public List<Controller> controllers(int index, List<Controller> now) {
                        return now.get(0) == strong ? now : List.of(strong);
                    }

                    @Override
                    public boolean after(Step step) {
                        return true;
                    }
                })
                .get(0);
        var wanted = MODEL.steered(strong)
                .atPositions(Positions.GENERATED)
                .generateOfTokens(List.of(prompt), TOKENS, DRAWN)
                .get(0);
        assertArrayEquals(wanted.tokens(), changed.tokens());
        for (int t = 0; t < TOKENS; t++) {
            assertArrayEquals(wanted.strengths()[t], changed.strengths()[t], 1e-9);
            assertArrayEquals(wanted.energies()[t], changed.energies()[t], 1e-9);
        }
    }

    @Test
    void aGivenTokenIsReadAndKeptAndTheOthersStayFree() {
        var prompts = List.of(prompts().get(0), prompts().get(0));
        var inserted = new int[] {'o', 'h', '!'};
        var completions = MODEL.steered(TINY.lqr(WEAK)).conduct(prompts, TOKENS, DRAWN, new Conductor() {
            @Override
            public int token(int text, int index, int[] chosen) {
                assertEquals(text, chosen.length);
                return text == 1 ? chosen[0] : index >= 2 && index < 5 ? inserted[index - 2] : FREE;
            }

            @Override
            public boolean after(Step step) {
                return true;
            }
        });
        assertArrayEquals(inserted, Arrays.copyOfRange(completions.get(0).tokens(), 2, 5));
        assertTrue(completions.get(0).text().contains("oh!"));
        // the second text took every token of the first, so both were measured alike
        assertArrayEquals(completions.get(0).tokens(), completions.get(1).tokens());
        for (int t = 0; t < TOKENS; t++) {
            assertArrayEquals(
                    completions.get(0).strengths()[t], completions.get(1).strengths()[t], 1e-9);
        }
        var error = assertThrows(IllegalArgumentException.class, () -> MODEL.steered(Controller.none())
                .conduct(prompts, 2, DRAWN, new Conductor() {
                    @Override
                    public int token(int text, int index, int[] chosen) {
                        return Tiny.VOCABULARY;
                    }

                    @Override
                    public boolean after(Step step) {
                        return true;
                    }
                }));
        assertTrue(error.getMessage().contains("token id " + Tiny.VOCABULARY), error.getMessage());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void moreFeaturesAreMeasuredAsIfEachWereTheOnlyOne(int texts) {
        Setpoint other = Setpoint.absolute(
                Collections.nCopies(TINY.horizon + 1, WEAK.direction(2)).toArray(double[][]::new),
                Collections.nCopies(TINY.horizon + 1, 1.0).stream()
                        .mapToDouble(x -> x)
                        .toArray(),
                1);
        var prompts = prompts().subList(0, texts);
        var view = MODEL.steered(TINY.lqr(STRONG));
        var steps = new ArrayList<Conductor.Step>();
        var completions = view.conduct(prompts, TOKENS, DRAWN, new Conductor() {
            @Override
            public List<Setpoint> measured() {
                return List.of(other);
            }

            @Override
            public boolean after(Step step) {
                return steps.add(step);
            }
        });
        var wanted = view.measuring(other).generateOfTokens(prompts, TOKENS, DRAWN);
        for (int i = 0; i < texts; i++) {
            assertArrayEquals(wanted.get(i).tokens(), completions.get(i).tokens());
            for (int t = 0; t < TOKENS; t++) {
                assertEquals(2, steps.get(t).strengths().size());
                assertArrayEquals(
                        completions.get(i).strengths()[t],
                        steps.get(t).strengths().get(0)[i]);
                assertArrayEquals(
                        wanted.get(i).strengths()[t], steps.get(t).strengths().get(1)[i], 1e-9);
            }
        }
    }

    @Test
    void aConductorEndsTheTexts() {
        var completions = MODEL.steered(List.of(TINY.lqr(WEAK), Controller.none()))
                .conduct(prompts(), TOKENS, DRAWN, step -> step.index() < 2);
        for (var completion : completions) {
            assertEquals(3, completion.tokens().length);
            assertFalse(completion.ended());
        }
    }

    /** In the end, one text of many is left. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 9})
    void textsThatEndChangeNoOthers(int texts) {
        try (var model = TINY.chatting(DataType.FLOAT32)) {
            int stop = model.tokenizer().stopTokens().iterator().next();
            var prompts = IntStream.range(0, texts)
                    .mapToObj(i -> Tiny.tokens(1 + i % 3, i))
                    .toList();
            var view = model.steered(TINY.lqr(WEAK)).measuring(STRONG);
            var wanted = view.conduct(prompts, TOKENS, DRAWN, step -> true);
            var found = view.conduct(prompts, TOKENS, DRAWN, new Conductor() {
                @Override
                public int token(int text, int index, int[] chosen) {
                    return text != 1 && index == 1 + text % 4 ? stop : FREE;
                }

                @Override
                public boolean after(Step step) {
                    assertEquals(texts, step.strengths().get(0).length);
                    assertEquals(texts, step.energies().length);
                    return step.logits().length == texts * Tiny.VOCABULARY;
                }
            });
            assertFalse(wanted.get(1).ended());
            assertSame(wanted.get(1), found.get(1));
            for (int i = 0; i < texts; i++) {
                int n = Math.min(i == 1 ? TOKENS : 1 + i % 4, wanted.get(i).tokens().length); // some end by themselves
                for (int t = 0; t < n; t++) {
                    assertEquals(wanted.get(i).tokens()[t], found.get(i).tokens()[t]);
                    assertArrayEquals(wanted.get(i).strengths()[t], found.get(i).strengths()[t]);
                    assertArrayEquals(wanted.get(i).energies()[t], found.get(i).energies()[t]);
                }
            }
        }
    }

    @Test
    void oneBatchIsTheMost() {
        var many = Collections.nCopies(SteeredModel.TEXTS + 1, prompts().get(0));
        var view = MODEL.steered(Controller.none());
        assertThrows(IllegalArgumentException.class, () -> view.conduct(many, 1, DRAWN, step -> true));
        var two = MODEL.steered(List.of(TINY.lqr(WEAK), Controller.none()));
        var error = assertThrows(
                IllegalArgumentException.class,
                () -> two.conduct(prompts(), 3, DRAWN, new Conductor() {
                    @Override
                    public List<Controller> controllers(int index, List<Controller> now) {
                        return now.subList(0, 1);
                    }

                    @Override
                    public boolean after(Step step) {
                        return true;
                    }
                }));
        assertTrue(error.getMessage().contains("controllers"), error.getMessage());
    }
}
