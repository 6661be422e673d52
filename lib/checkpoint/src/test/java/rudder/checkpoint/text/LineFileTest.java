package rudder.checkpoint.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LineFileTest {
    private static final List<String> LINES = List.of("one", "zwölf \uD83D\uDE00", "", "три");

    @Test
    void aFileCutAtAnyByteKeepsItsWholeLines(@TempDir Path folder) throws IOException {
        var file = new LineFile(folder.resolve("new/lines"));
        file.keep(0);
        file.append(LINES.subList(0, 2));
        file.append(LINES.subList(2, 4));
        assertEquals(LINES, file.lines());
        byte[] whole = Files.readAllBytes(file.path());
        for (int size = 0; size <= whole.length; size++) {
            byte[] cut = Arrays.copyOf(whole, size);
            Files.write(file.path(), cut);
            var kept = LINES.subList(0, (int) new String(cut, StandardCharsets.ISO_8859_1)
                    .chars()
                    .filter(c -> c == '\n')
                    .count());
            assertEquals(kept, file.lines(), "cut after " + size + " bytes");
            file.keep(4);
            file.append(List.of("next"));
            assertEquals(kept.size() + 1, file.lines().size(), "the torn line is gone");
        }
    }

    @Test
    void keepLeavesTheFirstLines(@TempDir Path folder) throws IOException {
        var file = new LineFile(folder.resolve("lines"));
        file.append(LINES);
        file.keep(2);
        assertEquals(LINES.subList(0, 2), file.lines());
    }

    @Test
    void anInterruptedThreadStillWritesWhatItHasFinished(@TempDir Path folder) throws IOException {
        var file = new LineFile(folder.resolve("lines"));
        Thread.currentThread().interrupt();
        file.keep(0);
        file.append(LINES);
        assertTrue(Thread.interrupted(), "the interruption stays for whoever asks");
        assertEquals(LINES, file.lines());
    }

    @Test
    void aLineThatIsNotUtf8IsNamed(@TempDir Path folder) throws IOException {
        var file = new LineFile(folder.resolve("lines"));
        Files.write(file.path(), new byte[] {'a', '\n', (byte) 0xC3, '\n'});
        assertRefused(file::lines, "line 2", "UTF-8");
    }
}
