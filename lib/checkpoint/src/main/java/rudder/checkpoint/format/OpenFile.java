package rudder.checkpoint.format;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that is read at any place, by several threads, for as long as its model lives. By neither a channel, which
 * closes for all of them when one is interrupted, nor a mapping, whose pages count as this process's memory until the
 * collector comes by.
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

    /** For whoever reads the header, at once. */
    FileChannel channel() {
        return file.getChannel();
    }

    /** Fills the array with the bytes from this place on. */
    synchronized void read(long from, byte[] into) throws IOException {
        file.seek(from);
        file.readFully(into);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
