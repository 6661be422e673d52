package rudder.faults;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.checkpoint.store.LocalStore;
import rudder.model.SteeredModel;
import rudder.steer.ControllerFile;
import rudder.theory.control.Controller;

/** Full and read-only disks. */
@Tag("faults")
class DiskTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final boolean LONG = Integer.getInteger("rudder.kills", 3) > 3;

    @TempDir
    private Path temp;

    private static void fill(Path folder) throws IOException {
        try {
            Files.write(folder.resolve("full"), new byte[64 << 20]);
        } catch (IOException e) {
            return; // full now
        }
        throw new IOException(folder + " is not a small disk");
    }

    private SmallDisk disk(String size) throws Exception {
        var disk = SmallDisk.mount(Files.createDirectories(temp.resolve("disk")), size);
        Assumptions.assumeTrue(disk.isMounted(), disk.reason());
        return disk;
    }

    private Path checkpoint() throws IOException {
        var shape = new ModelShape("small", "llama", 1, 8, 1, 1, 8, 8, 20, true);
        return RandomCheckpoint.write(temp.resolve("small"), shape, 1);
    }

    @Test
    void aLocalModelLoadsThoughTheCacheIsFullReadOnlyOrNowhere() throws Exception {
        String model = checkpoint().toString();
        try (var disk = disk("200k");
                var nowhere = new Child(Path.of("/proc/rudder"), "load", model);
                var full = new Child(disk.folder().resolve("cache"), "load", model);
                var readOnly = new Child(disk.folder().resolve("cache"), "load", model)) {
            nowhere.finish();
            fill(disk.folder());
            full.finish();
            disk.readOnly();
            readOnly.finish();
        }
    }

    @Test
    void aFetchIntoAnUnwritableCacheNamesTheVariable() throws Exception {
        try (var hub = new LoopbackHub(checkpoint())) {
            var e = assertThrows(
                    IOException.class,
                    () -> LocalStore.fetch(Path.of("/proc/rudder"), hub.address(), null, PATIENCE, "tiny/model"));
            assertTrue(e.getMessage().contains("RUDDER_CACHE"), e.toString());
        }
    }

    @Test
    void aReadOnlyCacheServesWhatItHas() throws Exception {
        try (var disk = disk("4m");
                var hub = new LoopbackHub(checkpoint())) {
            var fetched = LocalStore.fetch(disk.folder(), hub.address(), null, PATIENCE, "tiny/model");
            disk.readOnly();
            hub.requests.clear();
            assertEquals(
                    fetched.sha256(),
                    LocalStore.fetch(disk.folder(), hub.address(), null, PATIENCE, "tiny/model")
                            .sha256());
            assertEquals(0, hub.requests.size());
            var e = assertThrows(
                    IOException.class,
                    () -> LocalStore.fetch(disk.folder(), hub.address(), null, PATIENCE, "tiny/model@other"));
            assertTrue(e.getMessage().contains("RUDDER_CACHE"), e.toString());
        }
    }

    @Test
    void aSaveOntoAFullDiskKeepsTheOldFileAndNamesIt() throws Exception {
        var model = FileSubjects.model();
        try (var disk = disk("200k")) {
            Path file = disk.folder().resolve("c.safetensors");
            ControllerFile.save(file, FileSubjects.feedback(), model);
            byte[] old = Files.readAllBytes(file);
            fill(disk.folder());
            var e = assertThrows(
                    IOException.class,
                    () -> ControllerFile.save(file, FileSubjects.feedback().times(2), model));
            assertTrue(e.getMessage().contains("c.safetensors"), e.toString());
            assertArrayEquals(old, Files.readAllBytes(file));
            try (var files = Files.list(disk.folder())) {
                assertEquals(2, files.count(), "the file and what fills the disk");
            }
        }
    }

    // ---- a limit on the process instead of a small disk

    /** The short form needs one of the two ways only. */
    private void requireLimits() throws IOException {
        try (var disk = SmallDisk.mount(Files.createDirectories(temp.resolve("tried")), "4k")) {
            Assumptions.assumeTrue(LONG || !disk.isMounted(), "a small disk tries the same; -Pfaults tries both");
        }
    }

    /**
     * Returns a program's output under a limit on the size of what it writes, from its start or only while it works.
     */
    private String limited(long bytes, Path cache, String... program) throws Exception {
        requireLimits();
        Assumptions.assumeTrue(Files.exists(Path.of("/bin/sh")), "no POSIX shell here");
        try (var child = new Child(cache, SmallDisk.limit(bytes), program)) {
            return child.go().output();
        }
    }

    private String limitedWork(long bytes, Path cache, String... program) throws Exception {
        requireLimits();
        try (var child = new Child(cache, program)) {
            return child.awaitReady().limit(bytes).go().output();
        }
    }

    @Test
    void aLocalModelLoadsThoughNoByteCanBeWritten() throws Exception {
        Path cache = temp.resolve("cache");
        String output = limited(0, cache, "load", checkpoint().toString());
        assertTrue(output.endsWith("done"), output);
        try (var files = Files.walk(cache)) {
            assertEquals(
                    0,
                    files.filter(file -> file.toFile().length() > 0 && Files.isRegularFile(file))
                            .count());
        }
    }

    @Test
    void aFetchBeyondItsLimitSaysSoAndTheNextGoesOn() throws Exception {
        Path cache = temp.resolve("cache");
        try (var hub = new LoopbackHub(TokenSubjects.resource("/tiny/llama-3"))) {
            String output = limited(20 << 10, cache, "fetch", cache.toString(), hub.address());
            assertTrue(output.contains("refused") && output.contains("RUDDER_CACHE"), output);
            var found = LocalStore.fetch(cache, hub.address(), null, PATIENCE, "tiny/model");
            for (var file : hub.files.entrySet()) {
                assertArrayEquals(
                        file.getValue(), Files.readAllBytes(found.path().resolve(file.getKey())));
            }
        }
    }

    @Test
    void aSaveBeyondItsLimitKeepsTheOldFileAndNamesIt() throws Exception {
        Path folder = Files.createDirectories(temp.resolve("saved"));
        Path file = folder.resolve("controller.safetensors");
        ControllerFile.save(file, FileSubjects.feedback().times(2), FileSubjects.model());
        byte[] old = Files.readAllBytes(file);
        String output = limitedWork(old.length / 2, temp.resolve("cache"), "save", folder.toString(), "1");
        assertTrue(output.contains("refused") && output.contains("controller.safetensors"), output);
        assertArrayEquals(old, Files.readAllBytes(file));
        try (var files = Files.list(folder)) {
            assertEquals(1, files.count(), "the old file alone");
        }
    }

    @Test
    void aTaskBeyondItsLimitKeepsItsBatchesAndTheNextGoesOn() throws Exception {
        Path folder = temp.resolve("task");
        String output = limitedWork(60 << 10, temp.resolve("cache"), "task", folder.toString());
        assertTrue(output.contains("refused") && output.contains("faults"), output);
        var kept = KillsTest.completions(folder);
        assertTrue(kept.size() >= SteeredModel.BATCH, "a batch fits: " + kept.size());
        try (var child = new Child(temp.resolve("cache"), "task", folder.toString())) {
            child.finish();
        }
        var all = KillsTest.completions(folder);
        assertEquals(Programs.PROMPTS, all.size());
        assertTrue(all.containsAll(kept), "a batch was lost");
    }

    // ---- a small disk

    @Test
    void aTaskOnAFullDiskKeepsItsBatchesAndGoesOnWhenThereIsRoom() throws Exception {
        var model = FileSubjects.model();
        var task = Programs.longTask();
        task.run(model, temp.resolve("sound"), Controller.none());
        try (var disk = disk("60k")) {
            var e = assertThrows(IOException.class, () -> task.run(model, disk.folder(), Controller.none()));
            assertTrue(e.getMessage().contains("faults"), "the folder or its file: " + e);
            int kept = KillsTest.completions(disk.folder()).size();
            disk.resize("4m");
            task.run(model, disk.folder(), Controller.none());
            assertEquals(
                    KillsTest.completions(temp.resolve("sound")),
                    KillsTest.completions(disk.folder().resolve("faults")));
            assertTrue(kept > 0, "a batch fits onto the disk");
        }
    }
}
