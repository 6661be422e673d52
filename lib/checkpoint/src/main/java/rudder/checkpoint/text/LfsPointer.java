package rudder.checkpoint.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Recognises the few lines of text that Git LFS puts in a large file's place until {@code git lfs pull} fetches it.
 * Source: the specification of pointers in git-lfs, {@code docs/spec.md}.
 */
public final class LfsPointer {

    /** Bytes that tell a pointer from any other file. */
    public static final int BYTES = 40;

    private static final ByteBuffer START =
            ByteBuffer.wrap("version https://git-lfs.github.com/spec/".getBytes(StandardCharsets.US_ASCII));

    private LfsPointer() {}

    /**
     * Requires that a file is no pointer.
     *
     * @throws IOException if it is one, or cannot be read
     */
    public static void refuse(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            refuse(file, ByteBuffer.wrap(in.readNBytes(BYTES)));
        }
    }

    /**
     * Requires that a file is no pointer.
     *
     * @param start the file's bytes from its first one on
     * @throws IOException if it is one
     */
    public static void refuse(Path file, ByteBuffer start) throws IOException {
        if (start.limit() >= BYTES && start.slice(0, BYTES).equals(START)) {
            throw new IOException("cannot read " + file + ": it is a pointer of Git LFS, wanted the file itself; run"
                    + " git lfs pull in its folder, or fetch the file from where it is published");
        }
    }
}
