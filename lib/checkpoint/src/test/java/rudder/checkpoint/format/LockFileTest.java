package rudder.checkpoint.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LockFileTest {
    @Test
    void oneThreadHoldsALock(@TempDir Path folder) throws IOException, InterruptedException {
        var path = folder.resolve("lock");
        var found = new AtomicReference<Object>();
        Runnable take = () -> {
            try (var lock = LockFile.tryTake(path).orElse(null)) {
                found.set(lock != null);
            } catch (IOException e) {
                found.set(e);
            }
        };
        try (var held = LockFile.tryTake(path).orElseThrow()) {
            run(take);
            assertEquals(false, found.get());
            run(take);
            assertEquals(false, found.get(), "a refusal does not give the lock back: " + held);
        }
        run(take);
        assertEquals(true, found.get());
    }

    private static void run(Runnable task) throws InterruptedException {
        var thread = new Thread(task);
        thread.start();
        thread.join();
    }

    @Test
    void anotherProcessDoesNotGetALockThatIsHeld(@TempDir Path folder) throws IOException, InterruptedException {
        var path = folder.resolve("lock");
        try (var held = LockFile.tryTake(path).orElseThrow()) {
            assertEquals(3, other(path), "taken by " + held);
        }
        assertEquals(0, other(path));
    }

    /** Returns the exit status of a process that tries to take a lock. */
    private static int other(Path lock) throws IOException, InterruptedException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Other.class.getName(),
                        lock.toString())
                .inheritIO()
                .start()
                .waitFor();
    }

    /** Exits with 0 if the lock is free and with 3 if it is held. */
    static final class Other {
        public static void main(String[] path) throws IOException {
            System.exit(LockFile.tryTake(Path.of(path[0])).isPresent() ? 0 : 3);
        }
    }

    /** A closed channel gives no lock, as a file system without locks does; one for reading alone gives none either. */
    @Test
    void aFileThatCannotBeLockedIsNamedAndClosed(@TempDir Path folder) throws IOException {
        var path = Files.createFile(folder.resolve("lock"));
        var closed = FileChannel.open(path, StandardOpenOption.WRITE);
        closed.close();
        assertRefused(() -> LockFile.locked(path, closed), path.toString(), "gives no lock", "a local disk", "flock");
        var reading = FileChannel.open(path);
        assertThrows(NonWritableChannelException.class, () -> LockFile.locked(path, reading));
        assertFalse(reading.isOpen());
        LockFile.tryTake(path).orElseThrow().close();
    }

    @Test
    void theNextWriteRemovesUnfinishedFilesOfTheDeadAndNoOthers(@TempDir Path folder) throws IOException {
        var dead = Files.writeString(folder.resolve("a.json." + UUID.randomUUID() + ".part"), "half");
        var newer = Files.writeString(folder.resolve(UUID.randomUUID() + ".part"), "half");
        var foreign = Files.writeString(folder.resolve("mine.part"), "not ours");
        var alive = folder.resolve("b.json");
        WholeFile.write(alive, out -> {
            WholeFile.writeAll(out, StandardCharsets.UTF_8.encode("first"));
            WholeFile.write(folder.resolve("c.json"), "of another thread"); // while b is unfinished
        });
        assertEquals("first", Files.readString(alive));
        assertTrue(Files.notExists(dead));
        assertTrue(Files.notExists(newer));
        assertTrue(Files.exists(foreign));
        try (var files = Files.list(folder)) {
            assertEquals(3, files.count());
        }
    }

    @Test
    void anUnfinishedFileThatIsNotOursStaysAndStopsNoWrite(@TempDir Path folder) throws IOException {
        var folderOfThatName = Files.createDirectory(folder.resolve("a.json." + UUID.randomUUID() + ".part"));
        var others = Files.writeString(folder.resolve("b.json." + UUID.randomUUID() + ".part"), "of another user");
        assertTrue(others.toFile().setReadOnly()); // root may write it all the same, and then removes it
        boolean ours = Files.isWritable(others);
        WholeFile.write(folder.resolve("c.json"), "mine");
        assertEquals("mine", Files.readString(folder.resolve("c.json")));
        assertTrue(Files.exists(folderOfThatName));
        assertEquals(ours, Files.notExists(others));
    }

    @Test
    void aNameMayBeAsLongAsTheFileSystemAllows(@TempDir Path folder) throws IOException {
        for (int length : new int[] {213, 214, 240, 255}) {
            var path = folder.resolve("a".repeat(length));
            for (var text : List.of("first", "second")) {
                WholeFile.write(path, text);
                assertEquals(text, Files.readString(path));
            }
        }
    }

    @Test
    void aLinkStaysAndTheFileBehindItIsWritten(@TempDir Path folder) throws IOException {
        var shared = Files.createDirectory(folder.resolve("shared"));
        var file = Files.writeString(shared.resolve("ocean.safetensors"), "old");
        var link = Files.createSymbolicLink(folder.resolve("ocean.safetensors"), file);
        WholeFile.write(link, "new");
        assertTrue(Files.isSymbolicLink(link));
        assertEquals("new", Files.readString(file));
        try (var files = Files.list(shared)) {
            assertEquals(1, files.count());
        }
    }
}
