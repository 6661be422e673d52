package rudder.checkpoint.store;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import rudder.checkpoint.format.LockFile;
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
        synchronized (FetchLock.class) { // of this process, one thread after another
            try (var held = await(lock, name)) {
                Objects.requireNonNull(held, "lock");
                found = cached.run();
                return found.isPresent() ? found.get() : fetch.run();
            }
        }
    }

    private static LockFile await(Path lock, String name) throws IOException {
        try (var progress = Progress.of("waiting for another process to fetch " + name, 1)) {
            while (true) {
                var taken = tryTake(lock);
                if (taken.isPresent()) {
                    return taken.get();
                }
                LockSupport.parkNanos(100_000_000L);
                if (Thread.currentThread().isInterrupted()) {
                    throw new InterruptedIOException("interrupted while waiting for another process to fetch " + name);
                }
                progress.advance(0);
            }
        }
    }

    private static Optional<LockFile> tryTake(Path lock) throws IOException {
        try {
            return LockFile.tryTake(lock);
        } catch (FileSystemException e) {
            throw ModelStore.unwritable(lock.getParent(), e);
        }
    }
}
