package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.format.Progress;
import rudder.model.pass.Passes;
import rudder.model.transformer.Keep;
import rudder.theory.control.Controller;

/** A text that ends leaves its place to the next one, and no text depends on those beside it. */
class GenerationTest {

    private static final int TEXTS = 150; // more than places
    private static final int TOKENS = 60; // so many that some texts end before
    private static final int SOME = 30;
    private static final int STOP = 9;
    private static final Sampling DRAWN = Sampling.paper().withTopP(1).withSeed(3);

    private static final List<String> PROMPTS = IntStream.range(0, TEXTS)
            .mapToObj(i -> Tiny.TEXTS.get(i % Tiny.TEXTS.size()) + " the".repeat(i % 7))
            .toList();

    @BeforeEach
    void needsVectors() {
        Tiny.needsHeap();
    }

    /** A model on the heap that ends a text with a token of its own. */
    private static LanguageModel load(Tiny tiny) {
        var gguf = tiny.gguf().uint32("tokenizer.ggml.eos_token_id", STOP);
        return Tiny.load(DataType.FLOAT32, gguf, "0".repeat(64), Keep.NEVER);
    }

    private static List<Controller> controllers(Tiny tiny) {
        var setpoint = tiny.setpoint(1);
        var kinds = List.of(tiny.lqr(setpoint), Controller.none(), Controller.pid(setpoint, .5, .1, .2, 1));
        return IntStream.range(0, TEXTS).mapToObj(i -> kinds.get(i * 3 / TEXTS)).toList();
    }

    /** To the bit. */
    @ParameterizedTest
    @EnumSource
    void aLongListsTextsAreThoseOfItsParts(Tiny tiny) {
        var controllers = controllers(tiny);
        try (var model = load(tiny)) {
            for (var positions : List.of(Positions.DEFAULT, Positions.ALL)) {
                var found = model.steered(controllers)
                        .measuring(tiny.setpoint(1))
                        .atPositions(positions)
                        .generate(PROMPTS, TOKENS, DRAWN);
                long ended = found.stream().filter(Completion::ended).count();
                assertTrue(ended > TEXTS / 8 && ended < TEXTS, ended + " texts ended before");
                for (int first = 0; first < TEXTS; first += SOME) {
                    var wanted = model.steered(controllers.subList(first, first + SOME))
                            .measuring(tiny.setpoint(1))
                            .atPositions(positions)
                            .fromRow(first)
                            .generate(PROMPTS.subList(first, first + SOME), TOKENS, DRAWN);
                    for (int i = 0; i < SOME; i++) {
                        assertSame(wanted.get(i), found.get(first + i));
                    }
                }
            }
        }
    }

    private static void assertSame(Completion wanted, Completion found) {
        assertEquals(wanted.prompt(), found.prompt());
        assertEquals(wanted.text(), found.text());
        assertEquals(wanted.controller(), found.controller());
        assertEquals(wanted.ended(), found.ended());
        assertArrayEquals(wanted.tokens(), found.tokens());
        assertArrayEquals(wanted.strengths(), found.strengths());
        assertArrayEquals(wanted.energies(), found.energies());
    }

    @Test
    void aLongListMovesAsItsPartsDo() {
        var controllers = controllers(Tiny.LLAMA);
        try (var model = load(Tiny.LLAMA)) {
            var found = model.steered(controllers).generateMoved(PROMPTS, PROMPTS, TOKENS, DRAWN);
            for (int first = 0; first < TEXTS; first += SOME) {
                var some = PROMPTS.subList(first, first + SOME);
                var wanted = model.steered(controllers.subList(first, first + SOME))
                        .measuring(Tiny.LLAMA.setpoint(1))
                        .fromRow(first)
                        .generateMoved(some, some, TOKENS, DRAWN);
                for (int i = 0; i < SOME; i++) {
                    assertSame(wanted.get(i).completion(), found.get(first + i).completion());
                    assertArrayEquals(
                            wanted.get(i).divergences(), found.get(first + i).divergences());
                }
            }
        }
    }

    @Test
    void noMoreTextsGoOnThanThereArePlacesAndFreePlacesAreTaken() {
        int places = 8;
        try (var model = load(Tiny.LLAMA)) {
            var prompts = PROMPTS.stream()
                    .map(text -> Prompt.of(model.encode(text), text))
                    .toList();
            var tokens = prompts.stream().map(Prompt::tokens).toList();
            var controllers = Collections.nCopies(TEXTS, Controller.none());
            var view = model.steered(Controller.none());
            var going = new ArrayList<Integer>();
            List<Completion> written;
            try (var job = Progress.of("test", (long) TEXTS * TOKENS);
                    var passes = new Counted(
                            view.placement().passes(tokens, TOKENS, places, controllers, List.of()), going)) {
                written = new Generation(model, prompts, Positions.DEFAULT, i -> i, TOKENS, DRAWN, false)
                        .run(passes, controllers, step -> true, job);
            }
            int needed = written.stream().mapToInt(text -> text.tokens().length).sum();
            assertEquals(needed, going.stream().mapToInt(i -> i).sum(), "no text is read behind its end");
            assertEquals(places, Collections.max(going));
            var whileSomeWait = going.subList(0, going.size() - TOKENS);
            assertEquals(places, Collections.min(whileSomeWait), "places stay free");
        }
    }

    /** Passes that note how many texts go on in each. */
    private record Counted(Passes passes, List<Integer> going) implements Passes {
        @Override
        public int places() {
            return passes.places();
        }

        @Override
        public void begin(int first, int end, List<boolean[]> steered) {
            passes.begin(first, end, steered);
        }

        @Override
        public Result next(int[] tokens, boolean[] steered, BitSet texts) {
            going.add(texts.cardinality());
            return passes.next(tokens, steered, texts);
        }

        @Override
        public void steer(List<Controller> controllers) {
            passes.steer(controllers);
        }

        @Override
        public void close() {
            passes.close();
        }
    }

    @Test
    void asManyTextsGoOnAsFitIntoTheHeap() {
        try (var model = load(Tiny.LLAMA)) {
            var placement = model.prefill().placement();
            var prompts = Collections.nCopies(TEXTS, new int[] {7});
            long fit =
                    2 * Runtime.getRuntime().maxMemory() / 5 / model.decoder().bytes(1);
            int room = (int) (fit / 20); // no more than 19, since logits lie there too
            int places = placement.places(prompts, room, 16, 64);
            assertTrue(places >= 16 && places < 20, places + " places");
            assertEquals(8, placement.places(prompts, room, 8, 8));
            assertEquals(5, placement.places(prompts.subList(0, 5), room, 16, 64));
            assertEquals(0, placement.places(prompts, room, 20, 64), "the engine writes");
            var withALongOne = new ArrayList<>(prompts);
            withALongOne.set(TEXTS - 1, new int[5 * room]);
            assertTrue(placement.places(withALongOne, room, 4, 64) <= 14);
        }
    }

    @Test
    void anOverflowIsNamedByTheTokenOfItsOwnText() {
        var controllers = new ArrayList<>(Collections.nCopies(TEXTS, Controller.none()));
        controllers.set(TEXTS - 1, Controller.actAdd(Tiny.LLAMA.setpoint(1e38), 1));
        try (var model = load(Tiny.LLAMA)) {
            var view = model.steered(controllers).atPositions(Positions.generatedFrom(2));
            var thrown = assertThrows(
                    IllegalArgumentException.class, () -> view.generate(PROMPTS, TOKENS, Sampling.greedy()));
            assertTrue(thrown.getMessage().contains("at generated token 4"), thrown.getMessage());
        }
    }
}
