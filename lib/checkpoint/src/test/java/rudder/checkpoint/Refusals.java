package rudder.checkpoint;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.function.Executable;

/** What a refusal must say. */
public final class Refusals {
    private Refusals() {}

    /** The act fails with a message that holds every one of the words. */
    public static void assertRefused(Executable act, String... words) {
        var e = assertThrows(Exception.class, act);
        for (var word : words) {
            assertTrue(e.getMessage().contains(word), () -> "wanted '" + word + "' in: " + e.getMessage());
        }
    }
}
