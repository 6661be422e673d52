package rudder.checkpoint.format;

import java.io.Closeable;
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

    private final RandomAccessFile file;
    private final long size;

    /** @throws java.nio.file.NoSuchFileException if there is no such file */
    OpenFile(Path path) throws IOException {
        size = Files.size(path);
        file = new RandomAccessFile(path.toFile(), "r");
    }

    long size() {
        return size;
    }

    /** Returns the channel for reading the header; the threads that read tensors do not use it. */
    FileChannel channel() {
        return file.getChannel();
    }

    /** Fills the array with the bytes from {@code from} on. */
    synchronized void read(long from, byte[] into) throws IOException {
        file.seek(from);
        file.readFully(into);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
