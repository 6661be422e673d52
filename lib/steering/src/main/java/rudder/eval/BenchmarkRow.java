package rudder.eval;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.TypeAdapter;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import rudder.checkpoint.text.Csv;
import rudder.checkpoint.text.StrictJson;
import rudder.checkpoint.text.TextFile;

/**
 * One item of a benchmark's file: its fields by name, in any format, and its place, for error messages.
 *
 * @param place the file, and the line or the number of the item
 * @param fields texts if the file is a table, any JSON if it is JSON
 */
record BenchmarkRow(String place, JsonObject fields) {

    private static final TypeAdapter<JsonElement> ELEMENTS = new Gson().getAdapter(JsonElement.class);

    /** Turns a row into an item. */
    interface RowReader<T> {
        T of(BenchmarkRow row) throws IOException;
    }

    /**
     * Reads a file. The end of its name says the format: csv, tsv, jsonl, jsonl.gz, or json, an array of objects.
     *
     * @throws IOException if the format is unknown or the file does not have it; the message names the place
     */
    static <T> List<T> read(Path file, RowReader<T> reader) throws IOException {
        var name = file.getFileName().toString();
        if (name.endsWith(".csv") || name.endsWith(".tsv")) {
            return read(Csv.read(file, name.endsWith(".tsv") ? '\t' : ','), reader);
        }
        if (!name.endsWith(".json") && !name.endsWith(".jsonl") && !name.endsWith(".jsonl.gz")) {
            throw new IOException(file + ": wanted a name that ends in .csv, .tsv, .json, .jsonl or .jsonl.gz");
        }
        var read = new ArrayList<T>();
        var text = TextFile.read(file);
        if (name.endsWith(".json")) {
            var array = json(file.toString(), text);
            if (!array.isJsonArray()) {
                throw new IOException(file + ": found no array, wanted an array of objects");
            }
            for (var element : array.getAsJsonArray()) {
                read.add(of(file + ", item " + (read.size() + 1), element).as(reader));
            }
            return read;
        }
        int number = 0;
        for (var line : (Iterable<String>) text.lines()::iterator) {
            var place = file + ", line " + ++number;
            if (!line.isBlank()) {
                read.add(of(place, json(place, line)).as(reader));
            }
        }
        return read;
    }

    /** Returns the row of a JSON object. */
    static BenchmarkRow of(String place, JsonElement element) throws IOException {
        if (!element.isJsonObject()) {
            throw new IOException(place + ": found no object, wanted one");
        }
        return new BenchmarkRow(place, element.getAsJsonObject());
    }

    /** Reads the rows of a table. */
    static <T> List<T> read(Csv csv, RowReader<T> reader) throws IOException {
        var read = new ArrayList<T>();
        for (var row : csv.rows()) {
            var fields = new JsonObject();
            for (int i = 0; i < csv.columns().size(); i++) {
                fields.addProperty(csv.columns().get(i), row.fields().get(i));
            }
            read.add(new BenchmarkRow(csv.file() + ", line " + row.line(), fields).as(reader));
        }
        return read;
    }

    private <T> T as(RowReader<T> reader) throws IOException {
        try {
            return reader.of(this);
        } catch (IllegalArgumentException e) {
            throw new IOException(place + ": " + e.getMessage(), e);
        }
    }

    /** Parses a text that consists of one JSON value. */
    static JsonElement json(String place, String text) throws IOException {
        try (var json = StrictJson.reader(text)) {
            var value = ELEMENTS.read(json);
            if (json.peek() != JsonToken.END_DOCUMENT) {
                throw new MalformedJsonException("something follows the value: " + json);
            }
            return value;
        } catch (MalformedJsonException | EOFException | JsonParseException | NumberFormatException e) {
            throw new IOException(place + " is not JSON: " + e.getMessage(), e);
        }
    }

    /** Returns the field of that name, which must be a text. */
    String text(String name) throws IOException {
        return optional(name)
                .orElseThrow(() -> fields.has(name)
                        ? wrong(name, "a text")
                        : new IOException(place + ": found the fields " + String.join(", ", fields.keySet())
                                + ", wanted one named " + name));
    }

    /** Returns the field of that name, if it is there and a text. */
    Optional<String> optional(String name) {
        return Optional.ofNullable(fields.get(name))
                .filter(JsonElement::isJsonPrimitive)
                .map(JsonElement::getAsString);
    }

    /** Returns the fields that are there and neither null nor blank, as numbers; true counts as 1. */
    Map<String, Double> numbers(Iterable<String> names) throws IOException {
        var numbers = new LinkedHashMap<String, Double>();
        for (var name : names) {
            var found = optional(name).filter(text -> !text.isBlank());
            if (found.isPresent()) {
                numbers.put(name, number(name, found.get()));
            }
        }
        return numbers;
    }

    private double number(String name, String text) throws IOException {
        try {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "true" -> 1;
                case "false" -> 0;
                default -> Double.parseDouble(text);
            };
        } catch (NumberFormatException e) {
            throw wrong(name, "a number");
        }
    }

    /** Returns a place from 0 below {@code count}, which the field gives as one character, {@code first} for 0. */
    int place(String name, int count, char first) throws IOException {
        var text = text(name).strip();
        int place = text.length() == 1 ? text.charAt(0) - first : -1;
        if (place < 0 || place >= count) {
            throw wrong(name, "one of " + first + " to " + (char) (first + count - 1));
        }
        return place;
    }

    /** Returns the field of that name, which must be an object. */
    BenchmarkRow object(String name) throws IOException {
        if (!fields.has(name)) {
            throw wrong(name, "an object");
        }
        return of(place + ", " + name, fields.get(name));
    }

    /** Returns the field of that name, which must be an array of texts. */
    List<String> texts(String name) throws IOException {
        var element = fields.get(name);
        if (element == null || !element.isJsonArray()) {
            throw wrong(name, "an array of texts");
        }
        var texts = new ArrayList<String>();
        for (var text : element.getAsJsonArray()) {
            if (!text.isJsonPrimitive()) {
                throw wrong(name, "an array of texts");
            }
            texts.add(text.getAsString());
        }
        return List.copyOf(texts);
    }

    private IOException wrong(String name, String wanted) {
        return new IOException(place + ", column " + name + ": found " + fields.get(name) + ", wanted " + wanted);
    }
}
