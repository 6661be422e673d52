package rudder.checkpoint.format;

import java.nio.file.Path;

/** Names of files. */
public final class FileNames {

    private FileNames() {}

    /** Returns a file's name without folder and last extension: {@code ocean} for {@code data/concepts/ocean.csv}. */
    public static String withoutExtension(Path file) {
        return file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    }
}
