package rudder.steer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import rudder.checkpoint.format.Checksums;
import rudder.model.LanguageModel;

/**
 * The inputs that an artefact was computed from. It is written into the artefact's file and compared before the file is
 * used.
 *
 * @param kind of the artefact, such as {@code mean Jacobians}.
 * @param model the model's name, for messages.
 * @param sha256 of the model's weights.
 * @param dtype in which the model stores its weights.
 * @param prompts SHA-256 of the prompts, see {@link #digest(List)}.
 * @param count number of prompts.
 * @param blocks T
 * @param version of Rudder
 */
public record Provenance(
        String kind, String model, String sha256, String dtype, String prompts, int count, int blocks, String version) {

    /** Rudder's version, as in pom.xml; a test compares them. */
    public static final String VERSION = "0.1.0";

    /** Name of a controller, in the header of its file. */
    static final String CONTROLLER = "rudder.controller";
    /** Label of a controller's setpoint. */
    static final String SETPOINT = "rudder.setpoint";

    private static final Set<String> KEYS = Set.of(
            "rudder.kind",
            "rudder.model",
            "rudder.model.sha256",
            "rudder.dtype",
            "rudder.prompts.sha256",
            "rudder.prompts.count",
            "rudder.blocks",
            "rudder.version",
            CONTROLLER,
            SETPOINT);

    /** Returns the provenance of an artefact of this version that was computed from a model and some texts. */
    public static Provenance of(String kind, LanguageModel model, List<String> prompts) {
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

    /**
     * Returns the SHA-256, in hexadecimal, of each text's length and UTF-8 bytes in turn: lists differ, digests differ.
     */
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

    /**
     * Returns the artefact's file in the cache. Its name is the same in every run with the same inputs and the same
     * version of Rudder.
     *
     * @param cache {@link rudder.checkpoint.store.ModelStore#cache()}
     */
    public Path file(Path cache) {
        var digest =
                digest(metadata().entrySet().stream().map(Map.Entry::toString).toList());
        return cache.resolve("artefacts").resolve(digest + ".safetensors");
    }

    /** Returns one string a component, for a file's header. */
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
     * Reads the provenance from a file's header.
     *
     * @param file named in messages
     * @throws IOException if the header lacks a component, a number is not a whole number, or the header has another
     *     entry; a flipped bit in the name of the checksum makes one, and would leave the file unchecked
     */
    public static Provenance read(Path file, Map<String, String> metadata) throws IOException {
        for (var key : metadata.keySet()) {
            if (!KEYS.contains(key)) {
                throw new IOException(file + " says '" + key + "', wanted only "
                        + KEYS.stream().sorted().toList() + ": it is damaged, or another version of Rudder wrote it");
            }
        }
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
            throw new IOException(file + " does not say rudder." + key + ": Rudder did not write it, or it is damaged");
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
    public void require(Path file, String kind, LanguageModel model) {
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
