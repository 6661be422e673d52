package rudder.checkpoint.format;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that several threads read at any place, as long as their model is open. Reads do not use a channel, because an
 * interrupted thread closes a channel for all threads. Nor do they use a mapping: its pages count as memory of this
 * process until the garbage collector frees them. Packed weights alone are mapped, since a text needs all of them.
 */
final class OpenFile implements Closeable {

    private final RandomAccessFile file; // null: the content lies in memory
    private final byte[] content;
    private final long size;
    private ByteBuffer mapped; // the whole file, null until asked for

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

    /** Returns the bytes from {@code from} on, mapped; they stay when the file is closed or deleted. */
    synchronized ByteBuffer map(long from, long count) throws IOException {
        if (file == null) {
            return ByteBuffer.wrap(content).slice((int) from, (int) count);
        }
        if (size > Integer.MAX_VALUE) {
            return channel().map(FileChannel.MapMode.READ_ONLY, from, count);
        }
        if (mapped == null) {
            mapped = channel().map(FileChannel.MapMode.READ_ONLY, 0, size);
        }
        return mapped.slice((int) from, (int) count);
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

    /** Returns why a read failed, in words where the exception has none. */
    static String reason(IOException e) {
        return e instanceof EOFException ? "the file ends too early" : String.valueOf(e.getMessage());
    }

    @Override
    public synchronized void close() throws IOException {
        mapped = null;
        if (file != null) {
            file.close();
        }
    }
}
