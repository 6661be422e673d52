package rudder.checkpoint.tokenizer;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import java.io.InputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class NativeEncoderTest {

    private static NativeEncoder open(NativeEncoder.Loader loader) {
        return new NativeEncoder(InputStream.nullInputStream(), "", 7, loader);
    }

    /** A full cache folder or another platform, a damaged library, and the attempt after it. */
    static Stream<Throwable> failures() {
        return Stream.of(
                new EngineException("Failed to load.", new EngineException("No space left on device")),
                new UnsatisfiedLinkError("libtokenizers.so: file too short"),
                new NoClassDefFoundError("Could not initialize class LibUtils"));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void aLibraryThatDoesNotLoadIsNoFaultOfTheCheckpoint(Throwable failure) {
        var error = assertThrows(
                IllegalStateException.class,
                () -> open((json, options) -> {
                    throw failure instanceof Error e ? throwing(e) : (RuntimeException) failure;
                }));
        String root = failure.getCause() == null
                ? failure.getMessage()
                : failure.getCause().getMessage();
        for (String part : new String[] {System.getProperty("os.arch"), "DJL_CACHE_DIR", root}) {
            assertTrue(error.getMessage().contains(part), error.getMessage());
        }
        assertFalse(error.getMessage().contains("checkpoint"), error.getMessage());
        assertSame(failure, error.getCause());
    }

    private static RuntimeException throwing(Error e) {
        throw e;
    }

    @Test
    void aFileThatTheLibraryRefusesIsAFaultOfTheCheckpoint() {
        var error = assertThrows(
                IllegalArgumentException.class,
                () -> open((json, options) -> {
                    throw new RuntimeException("Model missing.");
                }));
        assertTrue(error.getMessage().contains("the checkpoint's tokenizer is inconsistent: its 7"), error.toString());
        assertTrue(error.getMessage().contains("Model missing."), error.toString());
    }
}
