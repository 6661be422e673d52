package rudder.checkpoint.format;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that several threads read at any place, as long as their model is open. It is not a channel, because an
 * interrupted thread closes a channel for all threads. It is not a mapping, because mapped pages count as memory of
 * this process until the garbage collector frees them.
 */
final class OpenFile implements Closeable {

    private final RandomAccessFile file; // null: the content lies in memory
    private final byte[] content;
    private final long size;

    /** @throws java.nio.file.NoSuchFileException if there is no such file */
    OpenFile(Path path) throws IOException {
        size = Files.size(path);
        file = new RandomAccessFile(path.toFile(), "r");
        content = null;
    }

    /** Takes the content of a file that is not on a disk, as one inside a jar. */
    OpenFile(byte[] content) {
        this.content = content;
        size = content.length;
        file = null;
    }

    long size() {
        return size;
    }

    /** Returns the channel of a file on a disk, for mapping its header; the threads that read tensors do not use it. */
    FileChannel channel() {
        return file.getChannel();
    }

    /**
     * Fills the array with the bytes from {@code from} on.
     *
     * @throws EOFException if there are fewer
     */
    synchronized void read(long from, byte[] into) throws IOException {
        if (file != null) {
            file.seek(from);
            file.readFully(into);
        } else if (from < 0 || into.length > size - from) {
            throw new EOFException();
        } else {
            System.arraycopy(content, (int) from, into, 0, into.length);
        }
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
