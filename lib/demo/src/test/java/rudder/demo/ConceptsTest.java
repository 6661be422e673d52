package rudder.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import rudder.steer.ContrastSet;

class ConceptsTest {

    private static final Path FOLDER = Path.of("../../data/concepts");

    @Test
    void thePackedConceptsAreThoseOfTheFolder() throws IOException {
        try (var files = Files.list(FOLDER)) {
            var names = files.map(file -> file.getFileName().toString().replace(".csv", ""))
                    .collect(Collectors.toCollection(TreeSet::new));
            assertEquals(names, new TreeSet<>(Concepts.NAMES));
        }
        for (var name : Concepts.NAMES) {
            assertEquals(ContrastSet.read(FOLDER.resolve(name + ".csv").toString()), Concepts.packed(name));
        }
        assertThrows(IllegalArgumentException.class, () -> Concepts.packed("nothing"));
    }
}
