package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProvenanceTest {
    private static final Path FILE = Path.of("a.safetensors");
    private static final Path CACHE = Path.of("cache");
    private final Provenance provenance =
            new Provenance("mean Jacobians", "tiny", "ab", "float32", "cd", 3, 4, Provenance.VERSION);

    @Test
    void theVersionIsThePoms() throws IOException {
        var pom = Files.readString(Path.of("../../pom.xml"));
        assertTrue(pom.contains("<artifactId>rudder</artifactId>\n  <version>" + Provenance.VERSION + "</version>"));
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        assertEquals(provenance, Provenance.read(FILE, provenance.metadata()));
        var kept = provenance.file(CACHE);
        assertEquals(CACHE.resolve("artefacts"), kept.getParent());
        assertEquals(kept, Provenance.read(FILE, provenance.metadata()).file(CACHE));
        assertNotEquals(
                kept,
                new Provenance("mean Jacobians", "tiny", "ab", "float32", "ce", 3, 4, Provenance.VERSION).file(CACHE));
        assertNotEquals(Provenance.digest(List.of("a", "bc")), Provenance.digest(List.of("ab", "c")));
    }

    @Test
    void anotherHeaderIsRefused() {
        var metadata = new HashMap<>(provenance.metadata());
        metadata.put("rudder.blocks", "four");
        assertRefused(() -> Provenance.read(FILE, metadata), "rudder.blocks is 'four'");
        metadata.remove("rudder.kind");
        assertRefused(() -> Provenance.read(FILE, metadata), "does not say rudder.kind");
    }
}
