package rudder.checkpoint.text;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Reads JSON strictly by RFC 8259, for files from elsewhere. Ambiguous texts fail, above all an object with the same
 * name twice.
 *
 * <p>Uses only what Gson 2.8.5 has: the IJava kernel brings that version, and its classes come before ours. That
 * version accepts control characters in texts, the word TRUE, and any nesting; this class looks for them itself.
 */
public final class StrictJson {

    /** Bytes of the longest file of settings that is read. Parsed JSON takes up to 20 times its size. */
    public static final int LONGEST = 1 << 24;

    private static final int DEEPEST = 255;
    private static final String ESCAPES = "\"\\/bfnrtu";

    private static final int SHOWN = 60;

    private StrictJson() {}

    /** Returns a value for a message: its text, cut after 60 characters. */
    public static String shown(Object value) {
        String text = String.valueOf(value);
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
    }

    /**
     * Returns a reader of the text.
     *
     * @throws MalformedJsonException if the text holds what RFC 8259 forbids and a reader of Gson 2.8.5 accepts, or
     *     nests more than 255 levels
     */
    public static JsonReader reader(String text) throws MalformedJsonException {
        int depth = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"') {
                i = endOfString(text, i + 1);
            } else if (c == '{' || c == '[') {
                requireDepth(++depth);
            } else if (c == '}' || c == ']') {
                depth--;
            } else if (c >= 'A' && c <= 'Z' && !(c == 'E' && i > 0 && Character.isDigit(text.charAt(i - 1)))) {
                throw new MalformedJsonException("found '" + c + "' at character " + (i + 1)
                        + ", wanted true, false, null or a number: JSON writes words in small letters");
            }
        }
        return new JsonReader(new StringReader(text)); // refuses all else by default
    }

    private static int endOfString(String text, int from) throws MalformedJsonException {
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"') {
                return i;
            }
            if (c < ' ') {
                throw new MalformedJsonException(String.format(
                        Locale.ROOT,
                        "found the control character U+%04X at character %d, wanted it escaped",
                        (int) c,
                        i + 1));
            }
            if (c == '\\' && ++i < text.length() && ESCAPES.indexOf(text.charAt(i)) < 0) {
                throw new MalformedJsonException(
                        "found the escape \\" + text.charAt(i) + " at character " + i + ", wanted one of " + ESCAPES);
            }
        }
        return text.length(); // the reader reports the missing end
    }

    private static void requireDepth(int depth) throws MalformedJsonException {
        if (depth > DEEPEST) {
            throw new MalformedJsonException("found values nested deeper than " + DEEPEST + " levels");
        }
    }

    /**
     * Reads a text that is one JSON object. Values are Map, List, String, Boolean or null; Long for an integer that
     * fits; Double for any other number.
     *
     * @throws MalformedJsonException if the text is malformed, or is not one object
     * @throws java.io.EOFException if the text ends inside the object
     */
    public static Map<String, Object> object(String text) throws IOException {
        JsonReader json = reader(text);
        if (json.peek() != JsonToken.BEGIN_OBJECT) {
            throw new MalformedJsonException("found " + json.peek() + ", wanted an object");
        }
        Map<String, Object> object = members(json, 1);
        if (json.peek() != JsonToken.END_DOCUMENT) {
            throw new MalformedJsonException("something follows the object: " + json);
        }
        return object;
    }

    private static Map<String, Object> members(JsonReader json, int depth) throws IOException {
        requireDepth(depth);
        Map<String, Object> members = new LinkedHashMap<>();
        json.beginObject();
        while (json.hasNext()) {
            String name = json.nextName();
            if (members.containsKey(name)) {
                throw new MalformedJsonException("the name '" + name + "' occurs twice in one object");
            }
            members.put(name, value(json, depth));
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
        return value(json, 0);
    }

    private static Object value(JsonReader json, int depth) throws IOException {
        return switch (json.peek()) {
            case BEGIN_OBJECT -> members(json, depth + 1);
            case BEGIN_ARRAY -> elements(json, depth + 1);
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

    private static List<Object> elements(JsonReader json, int depth) throws IOException {
        requireDepth(depth);
        List<Object> elements = new ArrayList<>();
        json.beginArray();
        while (json.hasNext()) {
            elements.add(value(json, depth));
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
