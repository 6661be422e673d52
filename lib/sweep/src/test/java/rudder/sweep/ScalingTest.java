package rudder.sweep;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Measures units per second of one and of two executors of one core each, in rounds that alternate. Asserts no time.
 * The figures go to the console and to target/scaling.csv.
 */
@Tag("scaling")
class ScalingTest {

    private static final String HEAD =
            "executors,units,seconds_to_load,seconds,units_per_second,overhead_per_unit,seconds_within_a_unit\n";

    @TempDir
    private Path folder;

    @Test
    void oneAndTwoExecutorsTakeTurns() throws Exception {
        var model = System.getProperty("scaling.model", "SmolLM2-135M-Instruct");
        var units = System.getProperty("scaling.units", "6");
        int rounds = Integer.getInteger("scaling.rounds", 3);
        var csv = Files.createDirectories(Path.of("target")).resolve("scaling.csv");
        Files.writeString(csv, HEAD);
        System.out.print(HEAD);
        try (var cluster = Cluster.withRudder(folder)) {
            for (int i = 0; i < rounds; i++) {
                for (int k = 0; k < 2; k++) {
                    int executors = i % 2 == 0 ? 1 + k : 2 - k;
                    var out = folder.resolve("round" + i + "-" + executors);
                    cluster.finish(cluster.start(
                            ScalingDriver.class, String.valueOf(executors), model, units, out.toString()));
                    var line = Files.readString(Path.of(out + ".txt"));
                    System.out.print(line);
                    Files.writeString(csv, line, StandardOpenOption.APPEND);
                }
            }
        }
    }
}
