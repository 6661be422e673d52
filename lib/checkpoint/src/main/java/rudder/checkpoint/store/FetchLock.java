package rudder.checkpoint.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import rudder.checkpoint.format.Progress;

/**
 * Keeps two processes, and two threads of one process, from fetching the same thing twice. The lock is a file beside
 * the cached one; the file stays there and is empty.
 */
final class FetchLock {

    /** A step that may fail on the disk or the network. */
    @FunctionalInterface
    interface Step<T> {
        T run() throws IOException;
    }

    private FetchLock() {}

    /**
     * Returns the cached value, or fetches it under the lock. Looks into the cache again once the lock is held, because
     * another process may have fetched the value meanwhile.
     *
     * @param lock the lock file; missing folders are made
     * @param name of the value, for the progress display
     * @param cached finds the value in the cache, if it is there and sound
     * @param fetch puts the value into the cache and returns it
     */
    static <T> T fetchOnce(Path lock, String name, Step<Optional<T>> cached, Step<T> fetch) throws IOException {
        var found = cached.run();
        if (found.isPresent()) {
            return found.get();
        }
        Files.createDirectories(lock.getParent());
        synchronized (FetchLock.class) { // a file lock keeps processes apart, not the threads of one
            try (var channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                await(channel, name);
                found = cached.run();
                return found.isPresent() ? found.get() : fetch.run();
            }
        }
    }

    private static void await(FileChannel lock, String name) throws IOException {
        try (var progress = Progress.of("waiting for another process to fetch " + name, 1)) {
            while (lock.tryLock() == null) {
                LockSupport.parkNanos(100_000_000L);
                progress.advance(0);
            }
        }
    }
}
