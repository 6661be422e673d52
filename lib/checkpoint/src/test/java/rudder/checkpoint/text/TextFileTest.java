package rudder.checkpoint.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextFileTest {
    @TempDir
    private Path folder;

    private Path file(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes);
    }

    private static byte[] gz(String text) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(bytes)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    @Test
    void aTextComesBackPackedOrNotAndWithoutItsByteOrderMark() throws IOException {
        var text = "zwölf \uD83D\uDE00\n".repeat(30_000);
        assertEquals(text, TextFile.read(file("a.txt", ("\uFEFF" + text).getBytes(StandardCharsets.UTF_8))));
        assertEquals(text, TextFile.read(file("a.gz", gz(text))));
    }

    @Test
    void everyFailureNamesTheFileAndWhatWasFound() throws IOException {
        assertRefused(() -> TextFile.read(folder), folder.toString(), "is a folder");
        assertRefused(() -> TextFile.read(folder.resolve("none")), "none", "there is no file");
        assertEquals("this user may not read it", TextFile.reason(new AccessDeniedException("/a/path")));
        assertEquals("too many links", TextFile.reason(new FileSystemException("/a/path", null, "too many links")));
        assertRefused(
                () -> TextFile.read(file("latin.csv", "caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1))),
                "latin.csv",
                "byte 3 is 0xe9",
                "UTF-8");
        assertRefused(() -> TextFile.read(file("end.csv", new byte[] {'a', (byte) 0xC3})), "end.csv", "byte 1");
        byte[] whole = gz("a text that is packed");
        for (int size = 0; size < whole.length; size++) {
            var cut = file("cut.jsonl.gz", Arrays.copyOf(whole, size));
            assertRefused(() -> TextFile.read(cut), "cut.jsonl.gz", "too early");
        }
        assertRefused(() -> TextFile.read(file("no.gz", new byte[] {1, 2, 3})), "no.gz", "GZIP");
        assertRefused(() -> TextFile.read(file("long.txt", new byte[11]), 10), "long.txt", "more than 10 bytes");
        assertRefused(() -> TextFile.read(file("bomb.gz", gz("a".repeat(11))), 10), "bomb.gz", "more than 10 bytes");
    }

    @Test
    void aTableOfComments() throws IOException {
        var comments = "# a\n".repeat(500_000); // copied once for each comment, this would be 500 GB
        assertEquals(
                List.of(new Csv.Row(500_002, List.of("1"))),
                Csv.parse("a.csv", comments + "x\n1\n").rows());
        assertRefused(() -> Csv.parse("a.csv", comments), "a.csv", "is empty");
    }

    @Test
    void aTableOfTooManyColumnsIsNotBlamedOnQuotes() {
        assertEquals(
                1000, Csv.parse("a.csv", "x,".repeat(999) + "y\n").columns().size());
        assertRefused(() -> Csv.parse("a.csv", "x,".repeat(1000) + "y\n"), "a.csv", "1000 fields");
        assertRefused(() -> Csv.parse("a.csv", "x,y\n\"a\"b\",\"c\n"), "quote");
    }
}
