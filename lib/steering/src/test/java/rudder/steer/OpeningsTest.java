package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.text.Csv;

/** data/prompts/openings.csv: a guarantee on held-out prompts is worth nothing if one of them was calibrated on. */
class OpeningsTest {
    private final Csv openings = Csv.read(Path.of("../../data/prompts/openings.csv"));

    OpeningsTest() throws IOException {}

    @Test
    void noOpeningStandsThereTwiceHoweverItIsWritten() {
        var seen = new HashSet<String>();
        for (var row : openings.rows()) {
            var words = row.fields()
                    .get(1)
                    .toLowerCase(Locale.ROOT)
                    .replaceAll("[^a-z0-9]+", " ")
                    .strip();
            assertTrue(seen.add(words), () -> "line " + row.line() + " repeats \"" + words + "\"");
        }
    }

    @Test
    void thereAreEnoughOfEachSplitAndAllAreShort() {
        var counts = openings.rows().stream()
                .collect(Collectors.groupingBy(row -> row.fields().get(0), Collectors.counting()));
        assertEquals("{calibration=120, sample=20, test=120}", new TreeMap<>(counts).toString());
        for (var row : openings.rows()) {
            int words = row.fields().get(1).split(" ").length;
            assertTrue(words >= 4 && words <= 9, () -> "line " + row.line() + " has " + words + " words");
        }
    }
}
