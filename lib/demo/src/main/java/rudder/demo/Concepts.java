package rudder.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import rudder.checkpoint.text.Csv;
import rudder.steer.ContrastSet;
import rudder.steer.PromptSet;

/** The contrast sets of data/concepts and the openings of data/prompts, which the build packs into this module. */
final class Concepts {

    /** Names of all packed sets; those that work best on small models come first. */
    static final List<String> NAMES = List.of(
            "ocean",
            "joy",
            "anger",
            "cats",
            "computers",
            "cooking",
            "desert",
            "dreams",
            "fire",
            "football",
            "gardening",
            "horses",
            "medicine",
            "money",
            "mountains",
            "music",
            "politeness",
            "school",
            "space",
            "trains",
            "uncertainty",
            "war",
            "weddings",
            "winter");

    /** Openings from which the model's own continuations are sampled. */
    static final int SAMPLED = 96;

    static final String SPLIT = "calibration";

    private Concepts() {}

    /** @throws IllegalArgumentException if there is no packed set of that name */
    static ContrastSet packed(String name) {
        if (!NAMES.contains(name)) {
            throw new IllegalArgumentException("there is no concept '" + name + "', wanted one of " + NAMES);
        }
        return read("/rudder/demo/concepts/" + name + ".csv", ContrastSet::of);
    }

    /** Returns {@link #SAMPLED} openings on which nothing is judged. */
    static List<String> openings() {
        return read("/rudder/demo/prompts/openings.csv", csv -> PromptSet.of(csv, SPLIT))
                .some(SAMPLED);
    }

    private interface Reader<T> {
        T read(Csv csv) throws IOException;
    }

    private static <T> T read(String resource, Reader<T> reader) {
        try {
            return reader.read(Csv.packed(resource));
        } catch (IOException e) {
            throw new UncheckedIOException("the packed file " + resource + ": " + e.getMessage(), e);
        }
    }
}
