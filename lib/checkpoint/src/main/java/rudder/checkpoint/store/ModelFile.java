package rudder.checkpoint.store;

import java.io.IOException;
import java.nio.file.Path;
import rudder.checkpoint.Checkpoint;

/**
 * A model's weights on this machine, verified.
 *
 * @param name the name in {@code data/models.csv} or on the hub, or the file's or folder's own name
 * @param path the file, or the folder in Hugging Face's layout
 * @param sha256 its SHA-256, 64 lower-case hexadecimal digits: what saved Jacobians and features are bound to. Of a
 *     folder, that of the lines {@code sha256 name} of its configuration and its tensors' files
 * @param licence the weights' licence, {@code "unknown"} for what is not listed
 * @param architecture GGUF's {@code general.architecture} ({@code "unknown"} for a file that is not listed), or the
 *     configuration's {@code model_type}
 */
public record ModelFile(String name, Path path, String sha256, String licence, String architecture) {

    /**
     * T, the number of blocks, from the header alone.
     *
     * @throws IOException if it cannot be read
     */
    public int horizon() throws IOException {
        return Checkpoint.config(path).horizon();
    }

    /** Without the path: what a notebook prints is the same on every machine. */
    @Override
    public String toString() {
        return "ModelFile[" + name + ", " + architecture + ", " + licence + ", sha256 " + sha256.substring(0, 12)
                + "...]";
    }
}
