package rudder.study;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.steer.Provenance;

class MeasurementsTest {
    private static final Provenance OF = new Provenance("test", "m", "s", "float32", "p", 1, 2, "0.1.0");

    @TempDir
    private Path cache;

    @Test
    void keptTablesComeBackAndAFlippedBitIsNoticed() throws IOException {
        var rows = new double[][] {{1, 2, 3}, {4, 5, 6}};
        new Measurements(Map.of("errors", rows)).keep(cache, OF);
        assertArrayEquals(rows, Measurements.kept(cache, OF).orElseThrow().table("errors"));
        var file = OF.file(cache);
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 3] ^= 1;
        Files.write(file, bytes);
        assertRefused(() -> Measurements.kept(cache, OF), file.toString(), "checksum", "damaged");
    }

    /** It leaves a file without a checksum, as earlier versions wrote; damage elsewhere would go unnoticed. */
    @Test
    void aFlippedBitInTheNameOfTheChecksumIsNoticed() throws IOException {
        new Measurements(Map.of("errors", new double[][] {{1}})).keep(cache, OF);
        var file = OF.file(cache);
        var text = Files.readString(file, StandardCharsets.ISO_8859_1);
        Files.writeString(file, text.replace("rudder.sha256", "rudder.sha356"), StandardCharsets.ISO_8859_1);
        assertRefused(() -> Measurements.kept(cache, OF), file.toString(), "rudder.sha356", "damaged");
    }

    @Test
    void tablesOfAnotherShapeAreRefusedByName() throws IOException {
        for (var shape : new long[][] {{3}, {3, 0}, {0, 3}, {}, {1, 1, 1}}) {
            var writer = new SafetensorsWriter();
            OF.metadata().forEach(writer::metadata);
            int size = 1;
            for (long n : shape) {
                size *= (int) n;
            }
            var values = new double[size];
            writer.doubles("errors", () -> values, shape).write(OF.file(cache));
            assertRefused(
                    () -> Measurements.kept(cache, OF),
                    OF.file(cache).toString(),
                    "errors",
                    "rows and columns",
                    "measured again");
        }
    }

    @Test
    void aMissingTableOrColumnIsNamed() {
        var some = new Measurements(Map.of("errors", new double[][] {{1, 2}}));
        assertEquals(2, some.column("errors", 1)[0]);
        assertRefused(() -> some.table("norms"), "norms", "errors", "measured again");
        assertRefused(() -> some.column("errors", 2), "2 columns", "errors");
    }
}
