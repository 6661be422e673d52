package rudder.checkpoint.text;

import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A text file that grows at its end, one line after another, in UTF-8. A line counts once its line end is written, so a
 * crash loses nothing but the line that was being written. Whoever writes holds a lock.
 *
 * @param path the file, which need not exist yet
 */
public record LineFile(Path path) {

    /**
     * Returns the whole lines, without their ends. Leaves out a last line that was cut off.
     *
     * @throws IOException if the file cannot be read, or a line is not UTF-8; the message names the line
     */
    public List<String> lines() throws IOException {
        byte[] bytes = Files.readAllBytes(path);
        var lines = new ArrayList<String>();
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                lines.add(text(ByteBuffer.wrap(bytes, start, i - start), lines.size() + 1));
                start = i + 1;
            }
        }
        return lines;
    }

    private String text(ByteBuffer line, int number) throws IOException {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(line).toString();
        } catch (CharacterCodingException e) {
            throw new IOException(
                    path + ", line " + number + ": found bytes that are not UTF-8, wanted a text; the line is damaged,"
                            + " remove it and those that follow",
                    e);
        }
    }

    /** Cuts the file after its first lines, and after its last whole line if it has no more. Makes a missing file. */
    public void keep(int lines) throws IOException {
        Files.createDirectories(path.toAbsolutePath().getParent());
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            byte[] bytes = Files.readAllBytes(path);
            int end = 0;
            for (int i = 0, seen = 0; i < bytes.length && seen < lines; i++) {
                if (bytes[i] == '\n') {
                    end = i + 1;
                    seen++;
                }
            }
            if (end < bytes.length) {
                file.setLength(end);
                file.getFD().sync();
            }
        }
    }

    /**
     * Writes lines at the end. They are on the disk when this returns.
     *
     * @throws IOException if they cannot be written; {@link #keep} then removes a line that was cut off
     */
    public void append(List<String> lines) throws IOException {
        // no channel: an interrupted thread could not write what it has finished
        try (var file = new FileOutputStream(path.toFile(), true)) {
            file.write((String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
            file.getFD().sync();
        } catch (FileNotFoundException e) {
            throw e; // it names the file
        } catch (IOException e) {
            throw new IOException("cannot write " + path + ": " + e.getMessage() + "; make room on its disk", e);
        }
    }
}
