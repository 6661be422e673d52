package rudder.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.steer.PromptSet;

class TypingErrorsTest {
    private static final String TEXT =
            "The sailor looked at the horizon and Jürgen said 1984 books burn in Łódź because";

    @Test
    void nothingSlipsAtRateZeroAndTheSameSeedSlipsAlike() {
        assertEquals(TEXT, new TypingErrors(0, 1).in(TEXT));
        assertEquals(new TypingErrors(0.5, 1).in(TEXT), new TypingErrors(0.5, 1).in(TEXT));
        assertNotEquals(new TypingErrors(0.5, 1).in(TEXT), new TypingErrors(0.5, 2).in(TEXT));
    }

    @Test
    void atRateOneEveryLongWordButTheLastSlipsByOneLetterOrTwo() {
        for (int seed = 0; seed < 200; seed++) {
            var words = TEXT.split(" ");
            var typed = new TypingErrors(1, seed).in(TEXT).split(" ");
            assertEquals(words.length, typed.length);
            for (int i = 0; i < words.length; i++) {
                boolean slips = words[i].matches("\\p{L}{3,}") && i < words.length - 1;
                assertEquals(slips, !words[i].equals(typed[i]), words[i] + ", " + typed[i]);
                assertEquals(words[i].charAt(0), typed[i].charAt(0));
                assertTrue(Math.abs(words[i].length() - typed[i].length()) <= 1, words[i] + ", " + typed[i]);
            }
        }
    }

    @Test
    void theRateIsTheShareOfWordsThatSlip() throws IOException {
        var set = PromptSet.read("../../data/prompts/concepts.csv");
        long slipped = 0;
        long words = 0;
        for (int seed = 0; seed < 20; seed++) {
            var typed = new TypingErrors(0.3, seed).in(set).prompts();
            for (int i = 0; i < typed.size(); i++) {
                var before = set.prompts().get(i).split(" ");
                var after = typed.get(i).split(" ");
                var eligible = IntStream.range(0, before.length - 1)
                        .filter(w -> before[w].matches("\\p{L}{3,}"))
                        .toArray();
                words += eligible.length;
                slipped += Arrays.stream(eligible)
                        .filter(w -> !before[w].equals(after[w]))
                        .count();
            }
        }
        assertEquals(0.3, (double) slipped / words, 0.03);
    }

    @Test
    void textsOfNoWordsStayAsTheyAre() {
        for (var text : List.of("", "1 + 1 =", "horizon", "a b c")) {
            assertEquals(text, new TypingErrors(1, 1).in(text));
        }
    }

    @Test
    void aRateThatIsNoProbabilityIsRefused() {
        assertRefused(() -> new TypingErrors(1.5, 1), "1.5", "0..1");
        assertRefused(() -> new TypingErrors(Double.NaN, 1), "NaN", "0..1");
    }
}
