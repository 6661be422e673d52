package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is kept of prompts changes nothing but the time. */
class PrefixesTest {

    private static final int[] FROM = {4, 1, 5, 3, 2};

    /** Prompts and something behind each, the second with another last token than the prompt's and the fourth as short as its prompt. */
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
        try (var fresh = tiny.load(DataType.FLOAT64, tiny.tensors(), file -> {}); var model = tiny.load(DataType.FLOAT64, tiny.tensors(), file -> {})) {
            var sequences = continued(fresh);
            double[][] anew = fresh.surprisals(sequences, FROM);
            model.generate(Tiny.TEXTS, 3, Sampling.greedy());
            double[][] after = model.surprisals(sequences, FROM);
            for (int row = 0; row < anew.length; row++) {
                assertEquals(sequences.get(row).length - FROM[row], after[row].length);
                assertArrayEquals(anew[row], after[row], 1e-11, "row " + row);
                assertArrayEquals(fresh.surprisals(List.of(sequences.get(row)), FROM[row])[0], after[row], 1e-11, "row " + row + " alone");
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
            assertNull(transformer.prefixes.of(prompts, most).cache());
            var first = model.steered(tiny.lqr(tiny.setpoint(1))).generate(Tiny.TEXTS, 8, Sampling.greedy());
            int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
            var begun = transformer.prefixes.of(prompts, most);
            assertEquals(longest - 1, begun.columns());
            int[] pads = new int[prompts.size()];
            int[][] tokens = Generation.padded(prompts, pads);
            try (var cache = transformer.cache(pads, longest)) {
                int[][] last = transformer.prefixes.read(tokens, cache);
                assertArrayEquals(prompts.stream().map(prompt -> new int[] {prompt[prompt.length - 1]}).toArray(), last);
                for (int row = 0; row < tokens.length; row++) {
                    assertArrayEquals(begun.cache().keysBefore(longest - 1, row)[1], cache.keysBefore(longest - 1, row)[1]);
                    assertArrayEquals(begun.cache().valuesBefore(longest - 1, row)[0], cache.valuesBefore(longest - 1, row)[0]);
                }
            }
            var again = model.steered(tiny.lqr(tiny.setpoint(1))).generate(Tiny.TEXTS, 8, Sampling.greedy());
            IntStream.range(0, first.size()).forEach(row -> assertArrayEquals(first.get(row).tokens(), again.get(row).tokens()));
            assertEquals(0, transformer.prefixes.of(prompts.subList(0, 2), most).columns(), "another number of rows");
        }
    }
}
