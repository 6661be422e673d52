package rudder.checkpoint.text;

import java.nio.file.Files;
import java.nio.file.Path;

/** Names of files. */
public final class FileNames {

    private FileNames() {}

    /**
     * Returns the path that a text names, with {@code ~/} at its beginning for the user's home folder. Shells expand
     * this mark; Java does not.
     *
     * @throws IllegalArgumentException if the text begins with another user's {@code ~name}
     */
    public static Path path(String text) {
        if (!text.startsWith("~") || Files.exists(Path.of(text))) {
            return Path.of(text);
        }
        if (text.length() > 1 && text.charAt(1) != '/' && text.charAt(1) != '\\') {
            throw new IllegalArgumentException("the path " + text + " begins with ~ and a name, which only a shell"
                    + " expands: write ~/ for your own home folder, or the whole path");
        }
        return Path.of(System.getProperty("user.home") + text.substring(1));
    }

    /** Returns a file's name without folder and last extension: {@code ocean} for {@code data/concepts/ocean.csv}. */
    public static String withoutExtension(Path file) {
        return file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    }
}
