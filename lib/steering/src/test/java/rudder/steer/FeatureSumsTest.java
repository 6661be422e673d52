package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.model.Tiny;

class FeatureSumsTest {

    /** With two chunks a side: the sums may be joined again, and are still the caller's. */
    @Test
    void featuresOfTheSameSumsAreTheSameHoweverOftenTheyAreJoined() {
        var model = Tiny.LLAMA.model();
        var set = new ContrastSet("sea", texts("sea"), texts("hill then"));
        var sums = FeatureSums.of(model, set, ReadAt.LAST);
        assertEquals(4, sums.chunks().size());
        var first = sums.chunks().stream().map(chunk -> chunk.sum(model)).toList();
        var means = sums.means(first);
        var second = sums.chunks().stream()
                .map(chunk -> means.squares(chunk).of(model))
                .toList();
        var wanted = Features.contrast(model, set, ReadAt.LAST);
        for (int time = 0; time < 2; time++) {
            for (var found : List.of(means.features(second), sums.means(first).features(second))) {
                for (int k = 1; k <= Tiny.LLAMA.horizon; k++) {
                    assertArrayEquals(wanted.direction(k), found.direction(k));
                    assertEquals(wanted.gap(k), found.gap(k));
                    assertEquals(
                            wanted.positive().deviations()[k], found.positive().deviations()[k]);
                    assertEquals(
                            wanted.negative().deviations()[k], found.negative().deviations()[k]);
                }
            }
        }
    }

    private static List<String> texts(String end) {
        return IntStream.range(0, FeatureSums.CHUNK + 3)
                .mapToObj(i -> (char) ('a' + i % 26) + " ".repeat(1 + i / 26) + end)
                .toList();
    }
}
