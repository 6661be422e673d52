package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PickleTest {

    // joblib.dump({'a': np.array([1.5, -2]), 'b': np.float64(.25), 'c': [1, -70000, 300, True, None, 'é'], 'd': (),
    // 'e': 2**40}), joblib 1.6, NumPy 2
    private static final String DUMPED =
            "gASV2AAAAAAAAAB9lCiMAWGUjBNqb2JsaWIubnVtcHlfcGlja2xllIwRTnVtcHlBcnJheVdyYXBwZXKUk5QpgZR9lCiMCHN1YmNsYXNzlIwFbn"
                    + "VtcHmUjAduZGFycmF5lJOUjAVzaGFwZZRLAoWUjAVvcmRlcpSMAUOUjAVkdHlwZZRoCIwFZHR5cGWUk5SMAmY4lImIh5RSlChLA4wBPJROTk5K"
                    + "/////0r/////SwB0lGKMCmFsbG93X21tYXCUiIwbbnVtcHlfYXJyYXlfYWxpZ25tZW50X2J5dGVzlEsQdWIM////////////////AAAAAAAA+D"
                    + "8AAAAAAAAAwJVlAAAAAAAAAIwBYpSMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAZzY2FsYXKUk5RoFEMIAAAAAAAA0D+UhpRSlIwBY5RdlChL"
                    + "AUqQ7v7/TSwBiE6MAsOplGWMAWSUKYwBZZSKBgAAAAAAAXUu";

    @TempDir
    private Path folder;

    private Object read(byte[] bytes) throws IOException {
        return Pickle.read(Files.write(folder.resolve("x.joblib"), bytes));
    }

    @Test
    void whatPythonDumpedIsRead() throws IOException {
        var dumped = (Map<?, ?>) read(Base64.getDecoder().decode(DUMPED));
        assertArrayEquals(new double[] {1.5, -2}, (double[]) dumped.get("a"));
        assertEquals(0.25, dumped.get("b"));
        assertEquals(Arrays.asList(1L, -70000L, 300L, true, null, "\u00e9"), dumped.get("c"));
        assertEquals(List.of(), dumped.get("d"));
        assertEquals(1L << 40, dumped.get("e"));
        assertEquals(-70000L, Pickle.member(dumped, "c", 1));
        assertRefused(() -> Pickle.member(dumped, "z"), "z is missing");
    }

    @Test
    void codeIsNeverRunAndDamageIsNamed() {
        assertRefused(
                () -> read(bytes("\u0080\4\u008c\2os\u008c\6system\u0093\u008c\4exit\u0085R.")),
                "x.joblib",
                "a call of os.system");
        assertRefused(() -> read(bytes("cos\nsystem\n.")), "byte 1", "instruction 0x63");
        assertRefused(() -> read(bytes("\u0080\4K")), "ends early");
        assertRefused(() -> read(bytes("X\377\377\377\177abc.")), "2147483647 bytes are announced");
        assertRefused(() -> read(bytes("t.")), "never begun");
        assertRefused(() -> read(bytes("a.")), "damaged");
    }

    private static byte[] bytes(String latin1) {
        return latin1.getBytes(StandardCharsets.ISO_8859_1);
    }
}
