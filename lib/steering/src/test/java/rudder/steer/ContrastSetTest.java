package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContrastSetTest {

    @TempDir
    Path folder;

    private ContrastSet read(String csv) throws IOException {
        return read(csv.getBytes(StandardCharsets.UTF_8));
    }

    private ContrastSet read(byte[] csv) throws IOException {
        return ContrastSet.read(Files.write(folder.resolve("sea.csv"), csv).toString());
    }

    @Test
    void theOceanSetHasTwentyFourTextsOnEachSide() throws IOException {
        var ocean = ContrastSet.read("../../data/concepts/ocean.csv");
        assertEquals("ContrastSet[ocean, 24 positive, 24 negative]", ocean.toString());
        assertEquals(
                "The waves crashed against the rocky shore of the ocean",
                ocean.positive().get(0));
        assertEquals(
                "Clouds gather near the top of the mountain", ocean.negative().get(23));
    }

    @Test
    void quotesCommasLineEndsAndMarksAreRead() throws IOException {
        var wanted = new ContrastSet("sea", List.of("a wave, \"tall\"", "two\nlines", " NA "), List.of("1"));
        assertEquals(
                wanted,
                read("label,text\npositive,\"a wave, \"\"tall\"\"\"\n"
                        + "positive,\"two\nlines\"\npositive, NA \nnegative,1\n"));
        assertEquals(
                wanted,
                read("\uFEFFtext,label,source\r\n\"a wave, \"\"tall\"\"\",positive,x\r\n"
                        + "\"two\r\nlines\",positive,\r\n NA ,positive,\r\n\r\n1,negative,y"));
        var longText = "wave ".repeat(10_000);
        assertEquals(
                longText,
                read("label,text\npositive," + longText + "\nnegative,b")
                        .positive()
                        .get(0));
    }

    @Test
    void anotherFileIsRefusedWithLineFoundAndWanted() {
        refused("label,text\npositive,a\nPositive,b\nnegative,c", "line 3", "\"Positive\"", "positive or negative");
        refused("label,text\npositive,a\nnegative,b, c\n", "line 3", "3 fields, wanted 2", "label,text");
        refused("label,text\npositive,a\nnegative\n", "line 3", "1 fields, wanted 2");
        refused("side,text\npositive,a\nnegative,b\n", "line 1", "side,text", "wanted one named label");
        refused("label,sentence\npositive,a\nnegative,b\n", "line 1", "wanted one named text");
        refused("label,text\npositive,\"a\nnegative,b\n", "quote");
        refused("label,text\npositive,\"a\" b\nnegative,b\n", "line 2", "quote");
        refused("", "empty", "column names");
        assertRefused(() -> read("label,text\npositive,caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1)), "UTF-8");
        assertRefused(() -> ContrastSet.read("concepts/ocaen.csv"), "there is no file", "ocaen.csv");
    }

    @Test
    void aSetWithoutContrastIsRefused() {
        refused("label,text\n", "no positive text");
        refused("label,text\npositive,a\n", "no negative text", "sea");
        refused("label,text\nnegative,a\n", "no positive text");
        refused("label,text\npositive,a\nnegative, \n", "blank negative");
        refused("label,text\npositive,the tide\npositive,b\nnegative,the tide\n", "both sides", "\"the tide\"");
    }

    @Test
    void theDigestKnowsTextsAndSidesButNotTheName() {
        var set = new ContrastSet("one", List.of("a", "b"), List.of("c"));
        assertEquals(set.sha256(), new ContrastSet("two", List.of("a", "b"), List.of("c")).sha256());
        assertEquals(64, set.sha256().length());
        for (var other : List.of(
                new ContrastSet("one", List.of("a"), List.of("b", "c")),
                new ContrastSet("one", List.of("b", "a"), List.of("c")),
                new ContrastSet("one", List.of("ab"), List.of("c")),
                new ContrastSet("one", List.of("c"), List.of("a", "b")))) {
            assertNotEquals(set.sha256(), other.sha256());
        }
    }

    private void refused(String csv, String... words) {
        assertRefused(() -> read(csv), words);
    }
}
