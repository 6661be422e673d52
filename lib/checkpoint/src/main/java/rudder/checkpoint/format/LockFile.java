package rudder.checkpoint.format;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * A lock that one thread of one process holds at a time. It is an empty file beside what it protects, and the file
 * stays. A process that ends, however it ends, gives its locks back.
 */
public final class LockFile implements Closeable {

    /** The locks of this process. Two channels of one process on one file would undo each other's locks. */
    private static final Set<Path> HELD = new HashSet<>();

    private final Path path;
    private final FileChannel channel;

    private LockFile(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /**
     * Takes a lock if nobody holds it.
     *
     * @param file the lock file; missing folders are made
     * @return the lock, to be closed; empty if another thread or process holds it
     * @throws IOException if the file cannot be made, or its file system gives no locks
     */
    public static Optional<LockFile> tryTake(Path file) throws IOException {
        var folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder);
        return lock(folder.toRealPath().resolve(file.getFileName()), StandardOpenOption.CREATE);
    }

    /** Takes the lock of an existing or a new file, for its writer. */
    static Optional<LockFile> lock(Path real, StandardOpenOption mode) throws IOException {
        synchronized (HELD) {
            if (!HELD.add(real)) {
                return Optional.empty();
            }
        }
        Optional<LockFile> lock = Optional.empty();
        try {
            lock = locked(real, FileChannel.open(real, StandardOpenOption.WRITE, mode));
            return lock;
        } finally {
            if (lock.isEmpty()) {
                forget(real);
            }
        }
    }

    /** Locks an open file, or closes it. */
    static Optional<LockFile> locked(Path real, FileChannel channel) throws IOException {
        boolean locked = false;
        try {
            locked = channel.tryLock() != null;
        } catch (IOException e) { // as of a network drive: it names neither the file nor a way out
            throw new FileSystemException(
                    real.toString(),
                    null,
                    "its file system gives no lock (" + e.getMessage() + "): use a folder of a local disk, or one that"
                            + " is mounted with locks, as Lustre is with the option flock");
        } finally {
            if (!locked) {
                channel.close();
            }
        }
        return locked ? Optional.of(new LockFile(real, channel)) : Optional.empty();
    }

    private static void forget(Path real) {
        synchronized (HELD) {
            HELD.remove(real);
        }
    }

    Path path() {
        return path;
    }

    FileChannel channel() {
        return channel;
    }

    /** Gives the lock back. */
    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            forget(path);
        }
    }
}
