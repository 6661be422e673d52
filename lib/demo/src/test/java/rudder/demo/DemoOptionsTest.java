package rudder.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DemoOptionsTest {

    private static final DemoOptions STANDARD = DemoOptions.standard();

    @Test
    void theStandardIsThisMachineAndATokenThatNobodyGuesses() {
        assertEquals("127.0.0.1", STANDARD.host());
        assertEquals(48, STANDARD.token().length());
        assertNotEquals(STANDARD.token(), DemoOptions.standard().token());
        assertEquals("0.0.0.0", STANDARD.withHost("0.0.0.0").host());
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/b", "a b", "\u00e4", "..", "%2e", "", "short"})
    void aTokenIsAPartOfAnAddress(String token) {
        assertThrows(IllegalArgumentException.class, () -> STANDARD.withToken(token));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 65_536})
    void aPortIsAPort(int port) {
        assertThrows(IllegalArgumentException.class, () -> STANDARD.withPort(port));
    }
}
