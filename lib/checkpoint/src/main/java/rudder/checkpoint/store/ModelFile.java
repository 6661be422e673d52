package rudder.checkpoint.store;

import java.io.IOException;
import java.nio.file.Path;
import rudder.checkpoint.Checkpoint;

/**
 * A model's weights on this machine, with their checksum.
 *
 * @param name the name in {@code data/models.csv} or on the hub; otherwise the name of the file or folder
 * @param path the file, or the folder in Hugging Face's layout
 * @param sha256 SHA-256 of the file, 64 lower-case hexadecimal digits, stored with Jacobians and features. For a
 *     folder, SHA-256 of the lines {@code sha256 name} of its configuration, its tensors' files, and the files of its
 *     tokenizer, chat template and generation
 * @param licence licence of the weights; {@code "unknown"} unless the model is in {@code data/models.csv}
 * @param architecture the {@code general.architecture} of a GGUF file in {@code data/models.csv}, {@code "unknown"} for
 *     another GGUF file; for a folder, the {@code model_type} of its configuration
 */
public record ModelFile(String name, Path path, String sha256, String licence, String architecture) {

    /**
     * Returns T, the number of blocks. Reads the header only.
     *
     * @throws IOException if the file cannot be read or is malformed
     * @throws IllegalArgumentException if the architecture is not supported
     */
    public int horizon() throws IOException {
        return Checkpoint.config(path).horizon();
    }

    /** Returns a description without the path, so that a notebook prints the same on every machine. */
    @Override
    public String toString() {
        return "ModelFile[" + name + ", " + architecture + ", " + licence + ", sha256 " + sha256.substring(0, 12)
                + "...]";
    }
}
