package rudder.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import rudder.checkpoint.text.Csv;
import rudder.steer.ContrastSet;

/** The contrast sets of data/concepts, which the build packs into this module. */
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

    private Concepts() {}

    /** @throws IllegalArgumentException if there is no packed set of that name */
    static ContrastSet packed(String name) {
        if (!NAMES.contains(name)) {
            throw new IllegalArgumentException("there is no concept '" + name + "', wanted one of " + NAMES);
        }
        var csv = Csv.packed("/rudder/demo/concepts/" + name + ".csv");
        try {
            return ContrastSet.of(csv);
        } catch (IOException e) {
            throw new UncheckedIOException("the packed concept " + csv.file() + ": " + e.getMessage(), e);
        }
    }
}
