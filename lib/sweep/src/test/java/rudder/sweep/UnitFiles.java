package rudder.sweep;

import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.function.Executable;

/** The units' files of a folder, as tests look at them and damage them. */
final class UnitFiles {

    private UnitFiles() {}

    /** Returns when each file was written. */
    static Map<Path, FileTime> in(Path folder) throws IOException {
        var found = new TreeMap<Path, FileTime>();
        try (var walk = Files.walk(folder)) {
            for (var file : walk.filter(path -> path.getFileName().toString().startsWith("unit-"))
                    .toList()) {
                found.put(file, Files.getLastModifiedTime(file));
            }
        }
        return found;
    }

    /** Damages a file, as a disk does that lost the end, or a bit. Reading must name it both times. */
    static void assertDamageIsRefused(Path file, Executable reading) throws IOException {
        var whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length / 2));
        assertRefused(reading, file.getFileName().toString(), "damaged");
        whole[whole.length / 3] ^= 4;
        Files.write(file, whole);
        assertRefused(reading, file.getFileName().toString(), "damaged");
    }
}
