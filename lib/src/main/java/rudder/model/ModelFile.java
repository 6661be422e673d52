package rudder.model;

import java.nio.file.Path;

/**
 * A model's weights on this machine, verified.
 *
 * @param name         the name in {@code data/models.csv}, or the file's own name if it is not listed there
 * @param path         the file
 * @param sha256       its SHA-256, 64 lower-case hexadecimal digits: what saved Jacobians and features are bound to
 * @param licence      the weights' licence, {@code "unknown"} for a file that is not listed
 * @param architecture GGUF's {@code general.architecture}, {@code "unknown"} for a file that is not listed
 */
public record ModelFile(String name, Path path, String sha256, String licence, String architecture) {

    /** Without the path: what a notebook prints is the same on every machine. */
    @Override
    public String toString() {
        return "ModelFile[" + name + ", " + architecture + ", " + licence + ", sha256 " + sha256.substring(0, 12) + "...]";
    }
}
