package rudder.checkpoint.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Writes files all or nothing. The file is written beside its place and then renamed, so that a crash leaves the old
 * file, or none. The next write into the folder removes the unfinished files of processes that were killed.
 */
public final class WholeFile {

    private static final Pattern UNFINISHED = Pattern.compile("(.+\\.)?[0-9a-f]{8}(-[0-9a-f]{4,12}){4}\\.part");

    private WholeFile() {}

    /** Writes the content of a file. */
    @FunctionalInterface
    interface Content {
        void writeTo(FileChannel out) throws IOException;
    }

    /** Writes a file. Replaces an existing file, also behind a link, and makes missing folders. */
    static void write(Path path, Content content) throws IOException {
        Path target = Files.exists(path) ? path.toRealPath() : path.toAbsolutePath();
        Files.createDirectories(target.getParent());
        Path folder = target.getParent().toRealPath();
        removeUnfinished(folder);
        try (LockFile writer = unfinished(folder)) {
            try {
                content.writeTo(writer.channel());
                writer.channel().force(true);
                Files.move(writer.path(), target, StandardCopyOption.ATOMIC_MOVE);
            } catch (FileSystemException e) {
                throw e; // it names its file
            } catch (IOException e) {
                throw new IOException(
                        "cannot write " + target + ": " + e.getMessage()
                                + "; make room on its disk, or write elsewhere",
                        e);
            } finally {
                Files.deleteIfExists(writer.path());
            }
        }
    }

    /** Makes a file whose lock says that its writer is alive; the name is short, as the target's may be the longest. */
    private static LockFile unfinished(Path folder) throws IOException {
        while (true) {
            Path path = folder.resolve(UUID.randomUUID() + ".part");
            try {
                var lock = LockFile.lock(path, StandardOpenOption.CREATE_NEW);
                if (lock.isPresent() && Files.exists(path)) {
                    return lock.get();
                }
                if (lock.isPresent()) { // another process took it for a dead one's before it was locked
                    lock.get().close();
                }
            } catch (IOException e) {
                Files.deleteIfExists(path); // where the file system gives no lock, nobody would remove it
                throw e;
            }
        }
    }

    /** Writes a text in UTF-8. Replaces an existing file and makes missing folders. */
    public static void write(Path path, String text) throws IOException {
        write(path, out -> writeAll(out, StandardCharsets.UTF_8.encode(text)));
    }

    /** Removes the unfinished files of a folder that no living process is writing, as far as this user may. */
    private static void removeUnfinished(Path folder) throws IOException {
        try (var found = Files.newDirectoryStream(
                folder,
                path -> UNFINISHED.matcher(path.getFileName().toString()).matches())) {
            for (var path : found) {
                try (var dead = LockFile.lock(path, StandardOpenOption.WRITE).orElse(null)) {
                    if (dead != null) {
                        Files.deleteIfExists(path);
                    }
                } catch (FileSystemException e) {
                    continue; // its writer has finished, another process removes it too, or it is another user's
                }
            }
        }
    }

    static void writeAll(WritableByteChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }
}
