package rudder.checkpoint.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class FileNamesTest {

    @Test
    void aTildeIsTheHomeFolderAndOnlyAtTheBeginning() {
        var home = Path.of(System.getProperty("user.home"));
        assertEquals(home.resolve("a/b.csv"), FileNames.path("~/a/b.csv"));
        assertEquals(home, FileNames.path("~"));
        for (var plain : new String[] {"a/b.csv", "/a/~b", "a~/b", ""}) {
            assertEquals(Path.of(plain), FileNames.path(plain));
        }
        assertRefused(() -> FileNames.path("~someone/a"), "~someone/a", "only a shell expands", "write ~/");
    }
}
