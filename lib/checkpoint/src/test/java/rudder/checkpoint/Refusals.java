package rudder.checkpoint;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.function.Executable;

/** Checks the messages of exceptions. */
public final class Refusals {
    private Refusals() {}

    /** Asserts that the act throws an exception whose message contains all the words. */
    public static void assertRefused(Executable act, String... words) {
        var e = assertThrows(Exception.class, act);
        for (var word : words) {
            assertTrue(e.getMessage().contains(word), () -> "wanted '" + word + "' in: " + e.getMessage());
        }
    }
}
