package rudder.checkpoint.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import com.google.gson.stream.MalformedJsonException;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The newest Gson, which knows records itself, is the oracle. */
class RecordJsonTest {

    private record Inner(String word, Double perhaps) {}

    private record Outer(
            Inner inner, List<Inner> list, float[][] rows, int count, boolean yes, long seed, String missing) {}

    private record Positive(int number) {
        private Positive {
            if (number <= 0) {
                throw new IllegalArgumentException("found " + number + ", wanted more than 0");
            }
        }
    }

    private static final Gson ORACLE =
            new GsonBuilder().serializeSpecialFloatingPointValues().create();
    private static final Gson OURS = new GsonBuilder()
            .serializeSpecialFloatingPointValues()
            .registerTypeAdapterFactory(new RecordJson())
            .create();
    private static final Outer RECORD = new Outer(
            new Inner("the \"sea\"\n\u2028", null),
            List.of(new Inner("a", 0.1), new Inner("b", Double.NaN)),
            new float[][] {{0.1f, -2}, {}, {1e-30f}},
            7,
            true,
            Long.MIN_VALUE,
            null);

    @Test
    void theJsonIsGsonsOwn() {
        assertEquals(ORACLE.toJson(RECORD), OURS.toJson(RECORD));
        assertEquals(ORACLE.toJson(new Inner(null, null)), OURS.toJson(new Inner(null, null)));
    }

    @Test
    void aRecordComesBack() {
        var read = OURS.fromJson(OURS.toJson(RECORD), Outer.class);
        assertEquals(RECORD.inner, read.inner);
        assertEquals(RECORD.list, read.list);
        assertArrayEquals(RECORD.rows, read.rows);
        assertEquals(RECORD.seed, read.seed);
        assertEquals(ORACLE.toJson(RECORD), ORACLE.toJson(read));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"unknown\":{\"a\":[1,2]},\"count\":3}",
                "{\"yes\":true,\"inner\":null,\"list\":[null]}",
                "{\"count\":1,\"count\":2}",
                "null"
            })
    void missingAndUnknownMembersAreReadAsGsonReadsThem(String json) {
        assertEquals(ORACLE.fromJson(json, Outer.class), OURS.fromJson(json, Outer.class));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"[]", "3", "{\"count\":null}", "{\"count\":\"x\"}", "{\"inner\":[]}", "{\"rows\":[[true]]}"})
    void whatGsonRefusesIsRefused(String json) {
        assertThrows(JsonParseException.class, () -> ORACLE.fromJson(json, Outer.class));
        assertThrows(JsonParseException.class, () -> OURS.fromJson(json, Outer.class));
    }

    @Test
    void whatTheConstructorRefusesIsNoRecord() {
        var error = assertThrows(JsonParseException.class, () -> OURS.fromJson("{\"number\":-1}", Positive.class));
        assertEquals("found -1, wanted more than 0", error.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":TRUE}",
                "{\"a\":nulL}",
                "{\"a\":\"\t\"}",
                "{\"a\":\"\\'\"}",
                "{\"a\":\"\\\n\"}",
                "{\"a\":'x'}",
                "{\"a\":NaN}",
                "{a:1}",
                "{\"a\":01}",
                "{\"a\":1}]",
                "{\"a\":1,}",
                "{} {}",
                "// {}\n{}"
            })
    void jsonIsStrict(String text) {
        assertThrows(MalformedJsonException.class, () -> StrictJson.object(text));
    }

    @Test
    void jsonNestsSoDeepAndNoDeeper() throws IOException {
        assertEquals(1, StrictJson.object(nested(254)).size());
        assertThrows(MalformedJsonException.class, () -> StrictJson.object(nested(255)));
        assertThrows(MalformedJsonException.class, () -> StrictJson.object(nested(1_000_000)));
    }

    private static String nested(int arrays) {
        return "{\"a\":" + "[".repeat(arrays) + "]".repeat(arrays) + "}";
    }

    @Test
    void whatIsAllowedIsRead() throws IOException {
        var object =
                StrictJson.object("{\"A\": [1E5, 1e-2, -0.5E+1, true, null, \"\\u00e9\\/\\\\ \\\"NULL\\\" \u2028\"]}");
        var list = (List<?>) object.get("A");
        assertEquals(List.of(1e5, 0.01, -5.0, true), list.subList(0, 4));
        assertNull(list.get(4));
        assertEquals("\u00e9/\\ \"NULL\" \u2028", list.get(5));
    }
}
