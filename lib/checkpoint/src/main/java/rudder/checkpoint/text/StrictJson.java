package rudder.checkpoint.text;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON strictly by RFC 8259, for files from elsewhere. Ambiguous texts fail, above all an object with the same
 * name twice.
 */
public final class StrictJson {

    /** Bytes of the longest file of settings that is read. Parsed JSON takes up to 20 times its size. */
    public static final int LONGEST = 1 << 24;

    private StrictJson() {}

    /**
     * Reads a text that is one JSON object. Values are Map, List, String, Boolean or null; Long for an integer that
     * fits; Double for any other number.
     *
     * @throws MalformedJsonException if the text is malformed, or is not one object
     * @throws java.io.EOFException if the text ends inside the object
     */
    public static Map<String, Object> object(String text) throws IOException {
        JsonReader json = new JsonReader(new StringReader(text));
        json.setStrictness(Strictness.STRICT);
        if (json.peek() != JsonToken.BEGIN_OBJECT) {
            throw new MalformedJsonException("found " + json.peek() + ", wanted an object");
        }
        Map<String, Object> object = members(json);
        if (json.peek() != JsonToken.END_DOCUMENT) {
            throw new MalformedJsonException("something follows the object: " + json);
        }
        return object;
    }

    private static Map<String, Object> members(JsonReader json) throws IOException {
        Map<String, Object> members = new LinkedHashMap<>();
        json.beginObject();
        while (json.hasNext()) {
            String name = json.nextName();
            if (members.containsKey(name)) {
                throw new MalformedJsonException("the name '" + name + "' occurs twice in one object");
            }
            members.put(name, value(json));
        }
        json.endObject();
        return members;
    }

    /**
     * Reads the next value of a file that is streamed, as {@link #object} reads the values of an object.
     *
     * @throws MalformedJsonException if the text is malformed
     * @throws java.io.EOFException if the text ends inside the value
     */
    public static Object value(JsonReader json) throws IOException {
        return switch (json.peek()) {
            case BEGIN_OBJECT -> members(json); // the reader limits the nesting
            case BEGIN_ARRAY -> elements(json);
            case STRING -> json.nextString();
            case BOOLEAN -> json.nextBoolean();
            case NUMBER -> number(json.nextString());
            case NULL -> {
                json.nextNull();
                yield null;
            }
            default -> throw new MalformedJsonException("a value is missing: " + json);
        };
    }

    private static List<Object> elements(JsonReader json) throws IOException {
        List<Object> elements = new ArrayList<>();
        json.beginArray();
        while (json.hasNext()) {
            elements.add(value(json));
        }
        json.endArray();
        return elements;
    }

    private static Object number(String digits) {
        boolean fitsLong = digits.length() <= 20
                && digits.matches("-?[0-9]{1,19}")
                && new BigInteger(digits).bitLength() < Long.SIZE;
        return fitsLong ? (Object) Long.valueOf(digits) : Double.valueOf(digits);
    }
}
