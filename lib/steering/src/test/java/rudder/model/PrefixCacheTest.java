package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.model.engine.PaddedTokens;
import rudder.model.transformer.PrefixCache;
import rudder.model.transformer.Transformer;
import rudder.theory.control.Controller;

/** What is kept of prompts changes nothing but the time. */
class PrefixCacheTest {

    private static final int[] FROM = {4, 1, 5, 3, 2};

    /**
     * Prompts and something behind each, the second with another last token than the prompt's and the fourth as short
     * as its prompt.
     */
    private static List<int[]> continued(LanguageModel model) {
        var sequences = new ArrayList<int[]>();
        for (var text : Tiny.TEXTS) {
            int[] prompt = model.encode(text);
            int[] sequence = Arrays.copyOf(prompt, prompt.length + (sequences.size() == 3 ? 0 : 4 + sequences.size()));
            for (int i = prompt.length - (sequences.size() == 1 ? 1 : 0); i < sequence.length; i++) {
                sequence[i] = 7 * i % 200 + 1;
            }
            sequences.add(sequence);
        }
        return sequences;
    }

    @ParameterizedTest
    @EnumSource
    void surprisalsAreThoseOfWholeSequencesReadAnew(Tiny tiny) {
        try (var fresh = tiny.load(DataType.FLOAT64, tiny.tensors(), file -> {});
                var model = tiny.load(DataType.FLOAT64, tiny.tensors(), file -> {})) {
            var sequences = continued(fresh);
            double[][] anew = fresh.surprisals(sequences, FROM);
            model.generate(Tiny.TEXTS, 3, Sampling.greedy());
            double[][] after = model.surprisals(sequences, FROM);
            for (int row = 0; row < anew.length; row++) {
                assertEquals(sequences.get(row).length - FROM[row], after[row].length);
                assertArrayEquals(anew[row], after[row], 1e-11, "row " + row);
                assertArrayEquals(
                        fresh.surprisals(List.of(sequences.get(row)), FROM[row])[0],
                        after[row],
                        1e-11,
                        "row " + row + " alone");
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsKeptIsWhatHasBeenRead(Tiny tiny) {
        try (var model = tiny.load(DataType.FLOAT64, tiny.tensors(), file -> {})) {
            var prompts = Tiny.TEXTS.stream().map(model::encode).toList();
            int[] most = prompts.stream().mapToInt(prompt -> prompt.length - 1).toArray();
            var transformer = model.transformer();
            var first = model.steered(tiny.lqr(tiny.setpoint(1))).generate(Tiny.TEXTS, 8, Sampling.greedy());
            int longest =
                    prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
            var padded = PaddedTokens.of(prompts);
            try (var begun = model.prefixes().open(prompts, most);
                    var cache = transformer.cache(padded.pads(), longest)) {
                assertEquals(longest - 1, begun.columns());
                int[][] last = model.prefixes().read(padded, cache);
                assertArrayEquals(
                        prompts.stream()
                                .map(prompt -> new int[] {prompt[prompt.length - 1]})
                                .toArray(),
                        last);
                for (int row = 0; row < padded.pads().length; row++) {
                    assertArrayEquals(begun.keysBefore(longest - 1, row)[1], cache.keysBefore(longest - 1, row)[1]);
                    assertArrayEquals(begun.valuesBefore(longest - 1, row)[0], cache.valuesBefore(longest - 1, row)[0]);
                }
            }
            var again = model.steered(tiny.lqr(tiny.setpoint(1))).generate(Tiny.TEXTS, 8, Sampling.greedy());
            IntStream.range(0, first.size())
                    .forEach(row -> assertArrayEquals(
                            first.get(row).tokens(), again.get(row).tokens()));
            assertTrue(keeps(model.prefixes(), prompts, most));
            var kept = uids(model.prefixes());
            var several = model.generate(
                    Stream.concat(Tiny.TEXTS.stream(), Tiny.TEXTS.stream()).toList(), 8, Sampling.greedy());
            assertEquals(kept, uids(model.prefixes()), "a prompt that comes twice is read once");
            IntStream.range(0, prompts.size())
                    .forEach(row -> assertArrayEquals(
                            several.get(row).tokens(),
                            several.get(row + prompts.size()).tokens()));
            assertFalse(
                    keeps(model.prefixes(), prompts.subList(0, 2), Arrays.copyOf(most, 2)), "another number of rows");
            assertTrue(keeps(model.prefixes(), prompts.subList(0, 2), Arrays.copyOf(most, 2)), "now it is");
            most[0]--;
            assertFalse(keeps(model.prefixes(), prompts, most), "a token less is another batch");
        }
    }

    /** Ten tokens that all have, then so many of their own. */
    private static List<int[]> alike(int seed, int... owns) {
        return IntStream.of(owns)
                .mapToObj(own -> IntStream.range(0, 10 + own)
                        .map(i -> i < 10 ? i + 3 : 1 + (17 * i + 5 * own + seed) % 90)
                        .toArray())
                .toList();
    }

    @ParameterizedTest
    @EnumSource
    void promptsThatBeginAlikeAreReadAsEachAlone(Tiny tiny) {
        try (var model = tiny.load(DataType.FLOAT64, tiny.tensors(), file -> {});
                var alone = tiny.load(DataType.FLOAT64, tiny.tensors(), file -> {})) {
            var controller = tiny.lqr(tiny.setpoint(1));
            var prompts = alike(0, 4, 0, 7, 1);
            var traces = model.steered(controller).tracesOfTokens(prompts);
            var written = model.steered(controller).generateOfTokens(prompts, 5, Sampling.greedy());
            var continued = prompts.stream()
                    .map(prompt -> Arrays.copyOf(prompt, prompt.length + 3))
                    .toList();
            double[][] surprisals = model.surprisals(
                    continued,
                    prompts.stream().mapToInt(prompt -> prompt.length).toArray());
            for (int row = 0; row < prompts.size(); row++) {
                var one = alone.steered(controller);
                var prompt = prompts.subList(row, row + 1);
                double[] state = one.tracesOfTokens(prompt).get(0).state(tiny.horizon);
                assertEquals(0, Golden.relative(traces.get(row).state(tiny.horizon), state), 1e-11, "row " + row);
                assertArrayEquals(
                        one.generateOfTokens(prompt, 5, Sampling.greedy())
                                .get(0)
                                .tokens(),
                        written.get(row).tokens(),
                        "row " + row);
                assertArrayEquals(
                        alone.surprisals(continued.subList(row, row + 1), prompts.get(row).length)[0],
                        surprisals[row],
                        1e-11,
                        "row " + row);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatManyBatchesBeginWithIsReadOnce(Tiny tiny) {
        try (var model = tiny.load(DataType.FLOAT64, tiny.tensors(), file -> {})) {
            model.steered(Controller.none()).tracesOfTokens(alike(0, 4, 1, 7));
            var beginning = uids(model.prefixes());
            assertEquals(2 * tiny.horizon, beginning.size(), "of traces, nothing but the beginning is kept");
            for (int seed = 1; seed < 4; seed++) {
                model.steered(Controller.none()).generateOfTokens(alike(seed, 4, 1, 7), 2, Sampling.greedy());
                var kept = uids(model.prefixes());
                assertTrue(kept.containsAll(beginning));
                assertEquals((1 + seed) * 2 * tiny.horizon, kept.size());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatWasUsedLongestAgoMakesRoom(Tiny tiny) {
        var transformer = tiny.model(DataType.FLOAT64).transformer();
        var prompts = IntStream.range(0, 3)
                .mapToObj(i -> new int[] {i + 1, 4, 5, 6, 7})
                .toList();
        long one;
        try (var cache = transformer.cache(new int[1], 4)) {
            one = cache.bytes(4);
        }
        var two = new PrefixCache(transformer, 2 * one + 1);
        for (int i : new int[] {0, 1, 0, 2}) {
            read(transformer, two, prompts.get(i));
        }
        assertTrue(keeps(two, prompts.subList(0, 1), 4));
        assertTrue(keeps(two, prompts.subList(2, 3), 4));
        assertFalse(keeps(two, prompts.subList(1, 2), 4), "used longest ago");
        assertEquals(2 * 2 * tiny.horizon, two.manager.getManagedArrays().size());
        read(transformer, two, IntStream.rangeClosed(1, 20).toArray());
        assertTrue(keeps(two, prompts.subList(2, 3), 4), "what is larger than all the room is not kept");
        two.manager.close();
    }

    @Test
    void threadsThatShareItReadTheSame() {
        var transformer = Tiny.LLAMA.model(DataType.FLOAT64).transformer();
        var prompts = IntStream.range(0, 4)
                .mapToObj(i ->
                        PaddedTokens.of(List.of(new int[] {i % 2 + 1, 4, 5, 6, 7}, new int[] {9, 8, 7, 6, i % 2 + 1})))
                .toList();
        long room;
        try (var cache = transformer.cache(new int[2], 4)) {
            room = 2 * cache.bytes(4) - 1; // of one: they drive each other out
        }
        var prefixes = new PrefixCache(transformer, room);
        var keys = IntStream.range(0, 200)
                .parallel()
                .mapToObj(i -> {
                    try (var cache = transformer.cache(new int[2], 5)) {
                        prefixes.read(prompts.get(i % 4), cache);
                        return Arrays.hashCode(cache.keysBefore(4, 0)[1]);
                    }
                })
                .toList();
        for (int i = 2; i < keys.size(); i++) {
            assertEquals(keys.get(i % 2), keys.get(i));
        }
        assertEquals(2 * Tiny.LLAMA.horizon, uids(prefixes).size());
        prefixes.manager.close();
    }

    /** Whether what sequences begin with is kept already, rather than read now. */
    private static boolean keeps(PrefixCache prefixes, List<int[]> sequences, int... before) {
        var kept = uids(prefixes);
        try (var cache = prefixes.open(sequences, before)) {
            assertTrue(cache.columns() > 0);
        }
        return kept.equals(uids(prefixes));
    }

    private static Set<String> uids(PrefixCache prefixes) {
        return prefixes.manager.getManagedArrays().stream().map(NDArray::getUid).collect(Collectors.toSet());
    }

    private static void read(Transformer transformer, PrefixCache prefixes, int[] prompt) {
        try (var cache = transformer.cache(new int[1], prompt.length)) {
            prefixes.read(PaddedTokens.of(List.of(prompt)), cache);
            assertEquals(prompt.length - 1, cache.columns());
        }
    }
}
