package rudder.checkpoint.text;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/** Reads text files of others: UTF-8 without exception, of a bounded size. Every failure names the file. */
public final class TextFile {

    private static final int LONGEST = 1 << 29;

    private TextFile() {}

    /**
     * Returns the text of a file, without a byte order mark, as spreadsheets write it. If the name ends in {@code .gz},
     * the file is unpacked.
     *
     * @throws IOException if there is no such file, it is a folder or no whole gz, it is larger than a quarter of
     *     Java's heap, or its bytes are not UTF-8
     */
    public static String read(Path file) throws IOException {
        return read(file, (int) Math.min(LONGEST, Runtime.getRuntime().maxMemory() / 4));
    }

    /** Returns the text of a file of at most so many bytes; otherwise like {@link #read(Path)}. */
    public static String read(Path file, int most) throws IOException {
        if (Files.isDirectory(file)) {
            throw new IOException(file + " is a folder, wanted a file in it");
        }
        byte[] bytes;
        try (InputStream raw = Files.newInputStream(file);
                InputStream in = file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : unclosed(raw)) {
            bytes = in.readNBytes(most + 1);
        } catch (NoSuchFileException e) {
            throw new IOException(
                    "there is no file " + file.toAbsolutePath() + "; a relative path starts at "
                            + Path.of("").toAbsolutePath(),
                    e);
        } catch (IOException e) {
            throw new IOException("cannot read " + file + ": " + reason(e) + "; copy or fetch it again", e);
        }
        LfsPointer.refuse(file, ByteBuffer.wrap(bytes));
        if (bytes.length > most) {
            throw new IOException("cannot read " + file + ": it has more than " + most
                    + " bytes, which is the most that is read at once; split it, or give Java a larger heap");
        }
        return decode(file, bytes);
    }

    /** Returns the lines of a file; otherwise like {@link #read(Path)}. */
    public static List<String> lines(Path file) throws IOException {
        return read(file).lines().toList();
    }

    private static InputStream unclosed(InputStream in) {
        return new FilterInputStream(in) {
            @Override
            public void close() {
                // whoever opened it closes it
            }
        };
    }

    /** Returns why a file could not be read, in words where the exception's message is the path alone. */
    public static String reason(IOException e) {
        if (e instanceof FileSystemException of) {
            return of instanceof NoSuchFileException
                    ? "there is no such file"
                    : of instanceof AccessDeniedException || of.getReason() == null
                            ? "this user may not read it"
                            : of.getReason();
        }
        return e.getMessage() == null || e.getMessage().startsWith("Unexpected end")
                ? "it ends too early"
                : e.getMessage();
    }

    private static String decode(Path file, byte[] bytes) throws IOException {
        var decoder = StandardCharsets.UTF_8.newDecoder();
        var in = ByteBuffer.wrap(bytes);
        var some = CharBuffer.allocate(1 << 16); // checks only: a buffer for all would double the memory
        for (CoderResult result = null; result == null || result.isOverflow(); some.clear()) {
            result = decoder.decode(in, some, true);
            if (result.isError()) {
                throw new IOException("cannot read " + file + ": byte " + in.position() + " is "
                        + String.format(Locale.ROOT, "0x%02x", bytes[in.position()])
                        + ", which is not UTF-8; save it as UTF-8");
            }
        }
        var text = new String(bytes, StandardCharsets.UTF_8);
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }
}
