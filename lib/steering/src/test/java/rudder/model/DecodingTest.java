package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.theory.control.Controller;

/** A token is the same however it was computed: cached or anew, alone or in any company. */
class DecodingTest {

    private static final Sampling DRAWN =
            Sampling.greedy().withTemperature(1).withTopP(.9).withSeed(3);

    @ParameterizedTest
    @EnumSource
    void cachedTokensAndStatesAreThoseOfTheWholeSequenceComputedAnew(Tiny tiny) {
        var model = tiny.model();
        var setpoint = tiny.setpoint(1);
        var distinct = new HashSet<Integer>();
        for (String text : Tiny.TEXTS) {
            int[] prompt = model.encode(text);
            var completion =
                    model.steered(Controller.none()).measuring(setpoint).generate(text, 12, Sampling.greedy());
            for (int i = 0; i < 12; i++) {
                int[] prefix = joined(prompt, Arrays.copyOf(completion.tokens(), i));
                assertEquals(best(model.logits(prefix)), completion.tokens()[i], text + ", token " + i);
                double[] strengths = model.steered(Controller.none())
                        .tracesOfTokens(List.of(prefix))
                        .get(0)
                        .rollout()
                        .strengths(setpoint);
                assertEquals(0, Golden.relative(completion.strengths()[i], strengths), 1e-12, text + ", token " + i);
            }
            Arrays.stream(completion.tokens()).forEach(distinct::add);
        }
        assertTrue(distinct.size() > 15, "greedy decoding only repeats itself: the law says little here");
    }

    @ParameterizedTest
    @EnumSource
    void greedyTokensOfARaggedBatchAreThoseOfEachPromptAlone(Tiny tiny) {
        var together = tiny.model().generate(Tiny.TEXTS, 15, Sampling.greedy());
        for (int i = 0; i < together.size(); i++) {
            assertSame(tiny.model().generate(Tiny.TEXTS.get(i), 15, Sampling.greedy()), together.get(i));
        }
    }

    /** They are written on the heap, each by itself; more of them in one batch of the engine. */
    @ParameterizedTest
    @EnumSource
    void aFewTextsAreThoseWrittenAlone(Tiny tiny) {
        var model = tiny.model().steered(tiny.lqr(tiny.setpoint(1))).measuring(tiny.setpoint(1));
        for (int few = 2; few <= 3; few++) {
            var together = model.generate(Tiny.TEXTS.subList(0, few), 9, Sampling.greedy());
            assertEquals(few, together.size());
            for (int i = 0; i < few; i++) {
                var alone = model.generate(Tiny.TEXTS.get(i), 9, Sampling.greedy());
                assertSame(alone, together.get(i));
                for (int token = 0; token < alone.tokens().length; token++) {
                    double[] wanted = alone.strengths()[token]; // a beginning may be read in other pieces
                    double[] found = together.get(i).strengths()[token];
                    assertEquals(0, Golden.relative(wanted, found), 1e-10);
                    assertArrayEquals(alone.energies()[token], together.get(i).energies()[token], 1e-9);
                }
            }
        }
    }

    /** Rows of two lists, one longer than the other, with strangers around them and a batch's end between them. */
    @ParameterizedTest
    @EnumSource
    void aRowsDrawsDependOnItsPromptAndNumberOnly(Tiny tiny) {
        var steered = tiny.model().steered(tiny.lqr(tiny.setpoint(1)));
        var some = new ArrayList<String>();
        var others = new ArrayList<String>();
        var rows = List.of(0, 3, SteeredModel.TEXTS, SteeredModel.TEXTS + 2);
        for (int i = 0; i < SteeredModel.TEXTS + 16; i++) {
            some.add(Tiny.TEXTS.get(i % 5) + i);
            others.add(rows.contains(i) ? some.get(i) : "another prompt altogether".substring(i % 7));
        }
        var one = steered.generate(some, 10, DRAWN);
        var two = steered.generate(others.subList(0, SteeredModel.TEXTS + 3), 10, DRAWN);
        for (int i : rows) {
            assertSame(one.get(i), two.get(i));
        }
    }

    @Test
    void rowsOfOnePromptDrawDifferentTokensAndASeedTheSameAgain() {
        var model = Tiny.LLAMA.model();
        var rows = model.generate(Collections.nCopies(SteeredModel.TEXTS + 2, "the"), 10, DRAWN);
        assertEquals(rows.size(), rows.stream().map(Completion::text).distinct().count());
        assertSame(rows.get(0), model.generate("the", 10, DRAWN));
        assertFalse(Arrays.equals(
                rows.get(0).tokens(),
                model.generate("the", 10, DRAWN.withSeed(4)).tokens()));
    }

    @Test
    void everyRoundDrawsAlike() {
        var model = Tiny.LLAMA.model().steered(Controller.none()).fromRow(5);
        var once = model.generate(Tiny.TEXTS, 10, DRAWN);
        var prompts = Collections.nCopies(SteeredModel.TEXTS / Tiny.TEXTS.size() + 1, Tiny.TEXTS).stream()
                .flatMap(List::stream)
                .toList();
        assertTrue(prompts.size() > SteeredModel.TEXTS);
        var rounds = model.inRounds(Tiny.TEXTS.size()).generate(prompts, 10, DRAWN);
        for (int i = 0; i < rounds.size(); i++) {
            assertSame(once.get(i % once.size()), rounds.get(i));
        }
        assertRefused(() -> model.inRounds(0), "rounds of 0");
    }

    @Test
    void singlePrecisionWritesTheSame() {
        for (Tiny tiny : Tiny.values()) {
            assertSame(
                    tiny.model().generate("the sea", 10, Sampling.greedy()),
                    tiny.model(DataType.FLOAT32).generate("the sea", 10, Sampling.greedy()));
        }
    }

    @Test
    void aStopTokenEndsItsRowAndLeavesTheOthersAlone() {
        var free = Tiny.LLAMA.model().generate(Tiny.TEXTS, 12, Sampling.greedy());
        int[] tokens = free.get(0).tokens();
        int stop = tokens[
                IntStream.range(1, 12)
                        .filter(i -> IntStream.range(0, i).noneMatch(j -> tokens[j] == tokens[i]))
                        .max()
                        .orElseThrow()];
        try (var model = Tiny.LLAMA.load(
                DataType.FLOAT64, Tiny.LLAMA.tensors(), file -> file.uint32("tokenizer.ggml.eos_token_id", stop))) {
            var found = model.generate(Tiny.TEXTS, 12, Sampling.greedy());
            for (int i = 0; i < found.size(); i++) {
                int[] wanted = free.get(i).tokens();
                int end = IntStream.range(0, 12)
                        .filter(j -> wanted[j] == stop)
                        .findFirst()
                        .orElse(12);
                assertArrayEquals(
                        Arrays.copyOf(wanted, Math.min(end + 1, 12)),
                        found.get(i).tokens(),
                        "the token that ends is kept");
                assertEquals(end < 12, found.get(i).ended());
                assertEquals(
                        model.decode(Arrays.copyOf(wanted, end)), found.get(i).text(), "its text is not");
            }
            assertNotEquals(12, found.get(0).tokens().length);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsHeardIsWhatIsWritten(Tiny tiny) {
        for (int n : new int[] {1, 2, 5, 10}) { // some cut within a character
            var heard = new StringBuilder();
            var completion = tiny.model().steered(Controller.none()).generate("a wave", n, DRAWN, heard::append);
            assertEquals(completion.text(), heard.toString());
            assertEquals(tiny.model().decode(completion.tokens()), completion.text());
            assertEquals(n, completion.tokens().length);
            assertEquals("a wave", completion.prompt());
        }
    }

    private static void assertSame(Completion wanted, Completion found) {
        assertEquals(wanted.prompt(), found.prompt());
        assertArrayEquals(wanted.tokens(), found.tokens(), wanted.prompt());
        assertEquals(wanted.text(), found.text());
    }

    static int best(float[] logits) {
        return IntStream.range(0, logits.length)
                .reduce((i, j) -> logits[j] > logits[i] ? j : i)
                .orElseThrow();
    }

    static int[] joined(int[] a, int[] b) {
        return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
    }
}
