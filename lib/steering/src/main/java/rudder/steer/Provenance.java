package rudder.steer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import rudder.checkpoint.format.Checksums;
import rudder.model.LanguageModel;

/**
 * What an artefact was computed from and by: written into its file, and compared before the file is believed.
 *
 * @param kind what the artefact is
 * @param model the model's name, for people
 * @param sha256 the model's weights
 * @param dtype how they are stored while they are used
 * @param prompts SHA-256 of the prompts, see {@link #digest}
 * @param count number of prompts
 * @param blocks T
 * @param version of this library
 */
public record Provenance(
        String kind, String model, String sha256, String dtype, String prompts, int count, int blocks, String version) {

    /** As in pom.xml; a test holds both together. */
    public static final String VERSION = "0.1.0";

    static Provenance of(String kind, LanguageModel model, List<String> prompts) {
        return new Provenance(
                kind,
                model.name(),
                model.sha256(),
                model.precision(),
                digest(prompts),
                prompts.size(),
                model.horizon(),
                VERSION);
    }

    /** SHA-256 of each text's length and UTF-8 bytes in turn, in hexadecimal: no two lists of texts look alike. */
    public static String digest(List<String> texts) {
        var digest = Checksums.sha256();
        for (var text : texts) {
            var bytes = text.getBytes(StandardCharsets.UTF_8);
            digest.update(
                    ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
            digest.update(bytes);
        }
        return Checksums.hex(digest);
    }

    /** The same in every run on the same inputs with the same library: names the artefact's file in the cache. */
    public String digest() {
        return digest(metadata().entrySet().stream().map(Map.Entry::toString).toList());
    }

    /** One string a component, for a file's header. */
    public Map<String, String> metadata() {
        return new TreeMap<>(Map.of(
                "rudder.kind",
                kind,
                "rudder.model",
                model,
                "rudder.model.sha256",
                sha256,
                "rudder.dtype",
                dtype,
                "rudder.prompts.sha256",
                prompts,
                "rudder.prompts.count",
                Integer.toString(count),
                "rudder.blocks",
                Integer.toString(blocks),
                "rudder.version",
                version));
    }

    /**
     * Reads a file's header.
     *
     * @throws IOException if it was not written by {@link #metadata}
     */
    public static Provenance read(Path file, Map<String, String> metadata) throws IOException {
        return new Provenance(
                string(file, metadata, "kind"),
                string(file, metadata, "model"),
                string(file, metadata, "model.sha256"),
                string(file, metadata, "dtype"),
                string(file, metadata, "prompts.sha256"),
                integer(file, metadata, "prompts.count"),
                integer(file, metadata, "blocks"),
                string(file, metadata, "version"));
    }

    private static String string(Path file, Map<String, String> metadata, String key) throws IOException {
        var value = metadata.get("rudder." + key);
        if (value == null) {
            throw new IOException(
                    file + " does not say rudder." + key + ": it is no artefact of Rudder's, or it is damaged");
        }
        return value;
    }

    private static int integer(Path file, Map<String, String> metadata, String key) throws IOException {
        var value = string(file, metadata, key);
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IOException(
                    file + " says rudder." + key + " is '" + value + "', wanted a whole number: it is damaged", e);
        }
    }

    /**
     * Refuses an artefact of another kind or another model.
     *
     * @throws IllegalArgumentException saying what the file holds and what was wanted
     */
    void require(Path file, String kind, LanguageModel model) {
        if (!this.kind.equals(kind)) {
            throw new IllegalArgumentException(file + " holds " + this.kind + ", wanted " + kind);
        }
        if (!dtype.equals(model.precision())) {
            throw new IllegalArgumentException(file + " was computed with weights in " + dtype + ", these are in "
                    + model.precision() + ": compute it again, or load the model with RUDDER_DTYPE=" + dtype);
        }
        if (!sha256.equals(model.sha256())) {
            throw new IllegalArgumentException(
                    file + " was computed from " + this.model + " (sha256 " + sha256 + "), this is " + model.name()
                            + " (sha256 " + model.sha256() + "): compute it again from this model");
        }
    }
}
