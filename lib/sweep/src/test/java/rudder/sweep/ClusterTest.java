package rudder.sweep;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.compare.SameComparison.assertSame;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.model.Tiny;

/** Processes of their own compute what one machine computes, and kills neither lose nor double a unit. */
@Tag("cluster")
class ClusterTest {

    @TempDir
    private Path folder;

    private Cluster cluster;
    private LanguageModel model;
    private Path file;
    private Path out;

    @BeforeEach
    void open() throws IOException {
        cluster = Cluster.withRudder(folder);
        model = TinyFile.load(Tiny.LLAMA, folder);
        file = folder.resolve("llama.gguf");
        out = folder.resolve("sweep");
    }

    @AfterEach
    void close() throws IOException {
        cluster.close();
        model.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"local[1]", "local[2]", "local-cluster[2,1,1024]", "standalone"})
    void everyMasterGivesTheComparisonOfOneMachine(String master) throws Exception {
        cluster.finish(cluster.driver(master.equals("standalone") ? cluster.standalone() : master, file, out));
        assertWhole();
    }

    @Test
    void aKilledExecutorLosesNothingAndDoublesNothing() throws Exception {
        var driver = cluster.driver(cluster.standalone(), file, out);
        awaitUnits(2);
        var executors = cluster.workers().stream()
                .flatMap(worker -> Cluster.executors(worker).stream())
                .toList();
        assertEquals(2, executors.size());
        assertTrue(executors.get(0).destroyForcibly());
        cluster.finish(driver);
        assertWhole();
    }

    @Test
    void aKilledWorkerLosesNothingAndDoublesNothing() throws Exception {
        var driver = cluster.driver(cluster.standalone(), file, out);
        awaitUnits(2);
        var worker = cluster.workers().get(0);
        var executors = Cluster.executors(worker);
        worker.destroyForcibly().waitFor();
        executors.forEach(ProcessHandle::destroyForcibly);
        cluster.finish(driver);
        assertWhole();
    }

    @ParameterizedTest
    @ValueSource(strings = {"local[2]", "standalone"})
    void aSweepGoesOnAfterItsDriverWasKilled(String master) throws Exception {
        var at = master.equals("standalone") ? cluster.standalone() : master;
        var driver = cluster.driver(at, file, out);
        int there = awaitUnits(3);
        driver.destroyForcibly().waitFor();
        var before = committed();
        assertTrue(before.size() >= there && before.size() < Driver.sweep(model).units(), before + " of the units");
        var times = new HashMap<Path, Object>();
        for (var unit : before) {
            times.put(unit, Files.getLastModifiedTime(unit));
        }
        cluster.finish(cluster.driver(at, file, out));
        for (var unit : before) {
            assertEquals(times.get(unit), Files.getLastModifiedTime(unit), unit + " was computed again");
        }
        assertWhole();
    }

    /** Waits until so many units are committed. */
    private int awaitUnits(int count) throws IOException, InterruptedException {
        for (int i = 0; i < 12_000; i++) {
            int there = committed().size();
            if (there >= count) {
                return there;
            }
            Thread.sleep(25);
        }
        throw new AssertionError("no " + count + " units after five minutes: " + cluster.logs());
    }

    private List<Path> committed() throws IOException {
        if (!Files.exists(out)) {
            return List.of();
        }
        try (var walk = Files.walk(out, 2)) {
            return walk.filter(path -> path.getFileName().toString().startsWith("unit-"))
                    .sorted()
                    .toList();
        }
    }

    /** Every unit is there once, and they are the comparison of one machine. */
    private void assertWhole() throws IOException {
        var seen = new HashMap<String, Integer>();
        for (var unit : committed()) {
            var name = unit.getFileName().toString();
            var id = name.substring("unit-".length(), name.length() - ".parquet".length());
            for (var row : UnitFile.read(new org.apache.hadoop.fs.Path(unit.toUri()), new Configuration(), id)) {
                seen.merge(row.arm() + row.prompt(), 1, Integer::sum);
            }
        }
        assertEquals(Driver.sweep(model).units(), committed().size());
        assertEquals(TinyFile.PROMPTS.size() * Driver.arms(model).length, seen.size(), "lost completions");
        assertEquals(List.of(4), seen.values().stream().distinct().toList(), "one completion a seed");
        var seeds = List.of(1L, 2L, 3L, 4L);
        var wanted = Comparison.joined(seeds.stream()
                .map(seed -> Comparison.of(
                        model,
                        TinyFile.PROMPTS,
                        Driver.settings().sampling(Driver.settings().sampling().withSeed(seed)),
                        Driver.arms(model)))
                .toList());
        assertSame(wanted, Sweep.read(out.toString()).comparison());
    }
}
