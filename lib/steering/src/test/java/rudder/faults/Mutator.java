package rudder.faults;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Damages files: one to three random changes, the same ones for the same seed. */
final class Mutator {

    /** The structures that changes may keep. Three changes in ten are blind, whatever the format. */
    enum Format {
        BYTES,
        TEXT,
        JSON,
        GGUF,
        SAFETENSORS
    }

    /** A damaged file, and how it was damaged. */
    record Mutant(byte[] bytes, String what) {}

    /** Values at which code goes wrong, as JSON texts. */
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1",
            "2",
            "3",
            "0.5",
            "-0.0",
            "7",
            "255",
            "65536",
            "16777216",
            "200000000",
            "2147483647",
            "2147483648",
            "-2147483648",
            "4294967295",
            "9223372036854775807",
            "9223372036854775808",
            "1e308",
            "1e999",
            "-1e999",
            "5e-324",
            "NaN",
            "Infinity",
            "1" + "0".repeat(400),
            "1.5",
            "\"\"",
            "\" \"",
            "\"1\"",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"\\ud83d\\ude00\"",
            "\"\u2581\"",
            "[]",
            "{}",
            "[[]]",
            "[null]",
            "{\"a\": 1}",
            "[1, 2, 3]");

    static final long[] EDGES = {
        0,
        1,
        -1,
        2,
        Integer.MAX_VALUE,
        1L << 31,
        (1L << 32) - 1,
        1L << 32,
        1L << 40,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        3,
        16777216
    };

    final Random random;
    private static final int MOST = 1 << 20; // characters of a repeated part; larger files are bombs
    private final List<String> words;
    private final List<String> raw = new ArrayList<>();
    private final List<String> done = new ArrayList<>();

    private Mutator(long seed, List<String> words) {
        this.random = new Random(seed * 0x9E3779B97F4A7C15L + 1);
        this.words = words;
    }

    /**
     * Damages a file.
     *
     * @param words texts that the format gives a meaning: JSON values, or pieces of a text
     */
    static Mutant of(Format format, byte[] original, List<String> words, long seed) {
        var mutator = new Mutator(seed, words);
        byte[] bytes = original;
        boolean blind = mutator.random.nextInt(10) < 3;
        int changes = mutator.random.nextInt(10) < 7 ? 1 : 2 + mutator.random.nextInt(2);
        for (int i = 0; i < changes && bytes.length < MOST; i++) {
            bytes = blind || format == Format.BYTES
                    ? mutator.bytes(bytes)
                    : switch (format) {
                        case TEXT -> mutator.text(bytes);
                        case JSON -> mutator.json(bytes);
                        case GGUF -> GgufMutator.change(bytes, mutator);
                        default -> mutator.safetensors(bytes);
                    };
        }
        return new Mutant(bytes, String.join("; ", mutator.done));
    }

    void did(String what) {
        done.add(what);
    }

    <T> T oneOf(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    int below(int bound) {
        return bound <= 0 ? 0 : random.nextInt(bound);
    }

    long edge(long now) {
        return switch (random.nextInt(4)) {
            case 0 -> now + 1;
            case 1 -> now - 1;
            case 2 -> now * 2;
            default -> EDGES[random.nextInt(EDGES.length)];
        };
    }

    // ---- bytes

    byte[] bytes(byte[] in) {
        int n = in.length;
        // half of the changes lie in the first kilobyte, where headers are
        int at = below(random.nextBoolean() ? n : Math.min(n, 1024));
        int length = 1 + below(Math.min(Math.max(1, n - at), 1 << random.nextInt(10)));
        byte[] out = in.clone();
        switch (random.nextInt(13)) {
            case 0, 1, 2 -> {
                if (n > 0) {
                    int bit = random.nextInt(8);
                    out[at] ^= (byte) (1 << bit);
                    did("bit " + bit + " of byte " + at);
                }
            }
            case 3 -> {
                if (n > 0) {
                    out[at] = (byte) random.nextInt(256);
                    did("byte " + at + " = " + out[at]);
                }
            }
            case 4 -> {
                byte value = (byte) (random.nextBoolean() ? 0 : 255);
                Arrays.fill(out, at, Math.min(n, at + length), value);
                did(length + " bytes from " + at + " = " + value);
            }
            case 5 -> {
                for (int i = at; i < Math.min(n, at + length); i++) {
                    out[i] = (byte) random.nextInt(256);
                }
                did(length + " random bytes from " + at);
            }
            case 6 -> {
                out = Arrays.copyOf(in, at);
                did("cut to " + at + " of " + n + " bytes");
            }
            case 7 -> {
                out = splice(in, at, at, digits());
                did("digits at " + at);
            }
            case 8 -> {
                out = splice(in, at, Math.min(n, at + length), new byte[0]);
                did(length + " bytes from " + at + " removed");
            }
            case 9 -> {
                byte[] block = Arrays.copyOfRange(in, at, Math.min(n, at + length));
                int times = 1 << random.nextInt(8);
                var all = new ByteArrayOutputStream();
                for (int i = 0; i < times; i++) {
                    all.writeBytes(block);
                }
                out = splice(in, at, at, all.toByteArray());
                did(length + " bytes from " + at + " repeated " + times + " times");
            }
            case 10 -> {
                byte[] breaker = oneOf(List.of(
                        new byte[] {(byte) 0xC3},
                        new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
                        new byte[] {(byte) 0xFF, (byte) 0xFE},
                        new byte[] {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF},
                        new byte[] {0},
                        new byte[] {'"'},
                        new byte[] {'\n'},
                        new byte[] {(byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80}));
                out = splice(in, at, at, breaker);
                did("bytes " + Arrays.toString(breaker) + " at " + at);
            }
            case 11 -> {
                int to = below(n);
                for (int i = 0; i < length && at + i < n && to + i < n; i++) {
                    out[at + i] = in[to + i];
                    out[to + i] = in[at + i];
                }
                did(length + " bytes at " + at + " and " + to + " swapped");
            }
            default -> {
                long edge = edge(at);
                var buffer = ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN);
                if (at + 8 <= n && random.nextBoolean()) {
                    buffer.putLong(at, edge);
                } else if (at + 4 <= n) {
                    buffer.putInt(at, (int) edge);
                }
                did("number " + edge + " at " + at);
            }
        }
        return out;
    }

    private byte[] digits() {
        return oneOf(List.of("9", "00", "-", "e", ".", "9".repeat(20), "1e999", "NaN", "-1"))
                .getBytes();
    }

    static byte[] splice(byte[] in, int from, int to, byte[] with) {
        var all = new ByteArrayOutputStream(in.length + with.length);
        all.write(in, 0, from);
        all.writeBytes(with);
        all.write(in, to, in.length - to);
        return all.toByteArray();
    }

    // ---- texts of lines and words

    private byte[] text(byte[] bytes) {
        String in = new String(bytes, StandardCharsets.UTF_8);
        int at = below(in.length() + 1);
        String word = words.isEmpty() ? "9" : oneOf(words);
        int kind = random.nextInt(8);
        String out;
        if (kind < 3) {
            out = in.substring(0, at) + word + in.substring(at);
            did("'" + word + "' at character " + at);
        } else if (kind == 3) { // a word of the text becomes another
            int other = in.indexOf(oneOf(words.isEmpty() ? List.of(",") : words), at);
            int end = other < 0 ? Math.min(in.length(), at + 1) : other + 1;
            out = in.substring(0, other < 0 ? at : other) + word + in.substring(end);
            did("'" + word + "' for a character at " + (other < 0 ? at : other));
        } else {
            var lines = new ArrayList<>(List.of(in.split("(?<=\n)", -1)));
            int i = below(lines.size());
            int j = below(lines.size());
            switch (kind) {
                case 4 -> {
                    lines.remove(i);
                    did("line " + (i + 1) + " removed");
                }
                case 5 -> {
                    int times = Math.min(
                            1 << random.nextInt(8), 1 + MOST / (1 + lines.get(i).length()));
                    for (int k = 0; k < times; k++) {
                        lines.add(i, lines.get(i));
                    }
                    did("line " + (i + 1) + " repeated " + times + " times");
                }
                case 6 -> {
                    String line = lines.get(i);
                    lines.set(i, lines.get(j));
                    lines.set(j, line);
                    did("lines " + (i + 1) + " and " + (j + 1) + " swapped");
                }
                default -> {
                    int cut = below(lines.get(i).length());
                    lines.set(i, lines.get(i).substring(0, cut));
                    did("line " + (i + 1) + " cut to " + cut + " characters");
                }
            }
            out = String.join("", lines);
        }
        return out.getBytes(StandardCharsets.UTF_8);
    }

    String text(String in) {
        int at = below(in.length() + 1);
        return switch (random.nextInt(8)) {
            case 0 -> "";
            case 1 -> in.substring(0, at);
            case 2 -> in + in;
            case 3 -> in.substring(0, at) + "\u2581" + in.substring(at);
            case 4 -> in.substring(0, at) + "\0" + in.substring(at);
            case 5 -> in.substring(0, at) + "(a+)+$" + in.substring(at);
            case 6 -> in.toUpperCase(java.util.Locale.ROOT);
            default -> in.repeat(Math.min(1 << random.nextInt(14), 1 + MOST / (1 + in.length())));
        };
    }

    // ---- JSON

    private record Slot(JsonElement parent, String key, int index) {
        JsonElement get() {
            return key == null
                    ? parent.getAsJsonArray().get(index)
                    : parent.getAsJsonObject().get(key);
        }

        void set(JsonElement value) {
            if (key == null) {
                parent.getAsJsonArray().set(index, value);
            } else {
                parent.getAsJsonObject().add(key, value);
            }
        }

        void remove() {
            if (key == null) {
                parent.getAsJsonArray().remove(index);
            } else {
                parent.getAsJsonObject().remove(key);
            }
        }

        @Override
        public String toString() {
            return key == null ? "[" + index + "]" : key;
        }
    }

    private byte[] json(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        try {
            return json(text).getBytes(StandardCharsets.UTF_8);
        } catch (JsonParseException | IllegalStateException e) {
            return text(bytes); // an earlier change has left no JSON; lines of JSON come here too
        }
    }

    String json(String text) {
        JsonElement root = JsonParser.parseString(text);
        raw.clear();
        Slot slot = slot(root);
        if (slot == null) {
            did("the whole = a value");
            return oneOf(VALUES);
        }
        JsonElement value = slot.get();
        switch (random.nextInt(14)) {
            case 0, 1, 2 -> put(slot, oneOf(VALUES));
            case 3, 4 -> put(slot, words.isEmpty() ? oneOf(VALUES) : oneOf(words));
            case 5 -> {
                slot.remove();
                did(slot + " removed");
            }
            case 6 -> {
                if (slot.parent.isJsonObject()) {
                    var parent = slot.parent.getAsJsonObject();
                    parent.add("@@DUP@@", random.nextBoolean() ? value.deepCopy() : new JsonPrimitive(1));
                    did(slot + " twice");
                    return filled(root.toString().replace("@@DUP@@", escape(slot.key)));
                }
                slot.parent.getAsJsonArray().add(value.deepCopy());
                did(slot + " appended again");
            }
            case 7 -> {
                Slot other = slot(root);
                JsonElement theirs = other.get().deepCopy();
                other.set(value.deepCopy());
                if (!within(slot, other)) {
                    slot.set(theirs);
                }
                did(slot + " and " + other + " swapped");
            }
            case 8 -> {
                Slot other = slot(root);
                slot.set(other.get().deepCopy());
                did(slot + " = " + other);
            }
            case 9 -> {
                if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isString()) {
                    String changed = text(value.getAsString());
                    slot.set(new JsonPrimitive(changed));
                    did(slot + " = text of " + changed.length() + " characters");
                } else if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber()) {
                    String changed = oneOf(List.of("-", "", "1", "0.")) + value.getAsString() + oneOf(List.of("", "0"));
                    put(slot, changed);
                } else {
                    put(slot, oneOf(VALUES));
                }
            }
            case 10 -> {
                JsonElement around;
                if (random.nextBoolean()) {
                    var array = new JsonArray();
                    array.add(value);
                    around = array;
                } else {
                    var object = new JsonObject();
                    object.add(slot.key == null ? "a" : slot.key, value);
                    around = object;
                }
                slot.set(around);
                did(slot + " nested once");
            }
            case 11 -> {
                int depth = oneOf(List.of(10, 100, 1000, 100_000));
                boolean array = random.nextBoolean();
                put(
                        slot,
                        (array ? "[" : "{\"a\":").repeat(depth)
                                + (array ? "" : "1")
                                + (array ? "]" : "}").repeat(depth),
                        "nested " + depth);
            }
            case 12 -> {
                if (value.isJsonArray() && !value.getAsJsonArray().isEmpty()) {
                    var array = value.getAsJsonArray();
                    var element = array.get(below(array.size()));
                    int times = Math.min(
                            1 << random.nextInt(11), MOST / element.toString().length());
                    for (int i = 0; i < times; i++) {
                        array.add(element.deepCopy());
                    }
                    did("an element of " + slot + " " + times + " times more");
                } else {
                    slot.set(JsonNull.INSTANCE);
                    did(slot + " = null");
                }
            }
            default -> {
                if (slot.parent.isJsonObject()) {
                    slot.remove();
                    String name = text(slot.key);
                    slot.parent.getAsJsonObject().add(name, value);
                    did(slot + " renamed to " + name.length() + " characters");
                } else {
                    slot.parent.getAsJsonArray().add(JsonNull.INSTANCE);
                    did("null appended beside " + slot);
                }
            }
        }
        return filled(root.toString());
    }

    private static boolean within(Slot slot, Slot other) {
        return slot.parent == other.parent
                && slot.key == null
                && slot.index >= slot.parent.getAsJsonArray().size();
    }

    private void put(Slot slot, String value) {
        put(slot, value, value.length() > 60 ? value.substring(0, 60) + "..." : value);
    }

    private void put(Slot slot, String value, String shown) {
        slot.set(new JsonPrimitive("@@RAW" + raw.size() + "@@"));
        raw.add(value);
        did(slot + " = " + shown);
    }

    private String filled(String text) {
        for (int i = 0; i < raw.size(); i++) {
            text = text.replace("\"@@RAW" + i + "@@\"", raw.get(i));
        }
        return text;
    }

    private static String escape(String key) {
        String quoted = new JsonPrimitive(key).toString();
        return quoted.substring(1, quoted.length() - 1);
    }

    /** Walks down from the root, so that a long list does not draw all changes; null if the root has no members. */
    private Slot slot(JsonElement root) {
        Slot slot = null;
        JsonElement at = root;
        while (true) {
            if (at.isJsonObject() && !at.getAsJsonObject().isEmpty()) {
                var keys = List.copyOf(at.getAsJsonObject().keySet());
                slot = new Slot(at, oneOf(keys), 0);
            } else if (at.isJsonArray() && !at.getAsJsonArray().isEmpty()) {
                slot = new Slot(at, null, below(at.getAsJsonArray().size()));
            } else {
                return slot;
            }
            at = slot.get();
            if (random.nextInt(5) == 0) {
                return slot;
            }
        }
    }

    /**
     * Returns a damaged artefact of the library's own with the checksum of its damaged bytes, so that what lies behind
     * the check is tried too.
     */
    static byte[] sealed(byte[] file) {
        byte[] before = "{\"__metadata__\":{\"rudder.sha256\":\"".getBytes(StandardCharsets.US_ASCII);
        int at = 8 + before.length;
        if (file.length < at + 64 || !Arrays.equals(file, 8, at, before, 0, before.length)) {
            return file;
        }
        byte[] sealed = file.clone();
        Arrays.fill(sealed, at, at + 64, (byte) '0');
        byte[] sum = LoopbackHub.sha256(sealed).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(sum, 0, sealed, at, sum.length);
        return sealed;
    }

    // ---- safetensors: length of the header, header, data

    private byte[] safetensors(byte[] in) {
        if (in.length < 8) {
            return bytes(in);
        }
        long length = ByteBuffer.wrap(in).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 2 || length > in.length - 8) {
            return bytes(in);
        }
        byte[] header = Arrays.copyOfRange(in, 8, 8 + (int) length);
        byte[] data = Arrays.copyOfRange(in, 8 + (int) length, in.length);
        long said = -1;
        switch (random.nextInt(8)) {
            case 0 -> {
                said = edge(length);
                did("header length = " + said);
            }
            case 1 -> data = bytes(data);
            default -> header = json(header);
        }
        return ByteBuffer.allocate(8 + header.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(said == -1 ? header.length : said)
                .put(header)
                .put(data)
                .array();
    }
}
