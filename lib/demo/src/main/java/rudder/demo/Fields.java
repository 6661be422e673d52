package rudder.demo;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;

/** The fields of a request. Each getter refuses a value of another type or out of range, by the field's name. */
record Fields(JsonObject json) {

    /** @throws IllegalArgumentException if the text is no JSON object */
    static Fields parse(String text) {
        try {
            var element = JsonParser.parseString(text);
            if (element.isJsonObject()) {
                return new Fields(element.getAsJsonObject());
            }
        } catch (JsonParseException e) {
            throw new IllegalArgumentException("the request is no JSON: " + e.getMessage(), e);
        }
        throw new IllegalArgumentException("the request is no JSON object, wanted one in braces");
    }

    boolean has(String name) {
        return json.has(name) && !json.get(name).isJsonNull();
    }

    String text(String name, int longest) {
        var text = primitive(name, JsonPrimitive::isString, "a text").getAsString();
        if (text.length() > longest) {
            throw new IllegalArgumentException(
                    name + " has " + text.length() + " characters, wanted at most " + longest + ": shorten it");
        }
        return text;
    }

    double number(String name, double least, double most) {
        double number = primitive(name, JsonPrimitive::isNumber, "a number").getAsDouble();
        if (!(number >= least && number <= most)) {
            throw new IllegalArgumentException(name + " is " + number + ", wanted " + least + " to " + most);
        }
        return number;
    }

    int integer(String name, int least, int most) {
        double number = number(name, least, most);
        if (number != Math.rint(number)) {
            throw new IllegalArgumentException(name + " is " + number + ", wanted a whole number");
        }
        return (int) number;
    }

    Optional<Integer> perhaps(String name, int least, int most) {
        return has(name) ? Optional.of(integer(name, least, most)) : Optional.empty();
    }

    boolean flag(String name) {
        return primitive(name, JsonPrimitive::isBoolean, "true or false").getAsBoolean();
    }

    /** Returns the element of a field, whatever its type. */
    JsonElement element(String name) {
        if (!has(name)) {
            throw new IllegalArgumentException("the request has no " + name);
        }
        return json.get(name);
    }

    /** Returns the texts of a list, without blank ones. */
    List<String> texts(String name, int characters) {
        var element = element(name);
        if (!element.isJsonArray()
                || StreamSupport.stream(element.getAsJsonArray().spliterator(), false)
                        .anyMatch(text -> !isText(text))) {
            throw new IllegalArgumentException(name + " is no list of texts");
        }
        var texts = StreamSupport.stream(element.getAsJsonArray().spliterator(), false)
                .map(text -> text.getAsString().strip())
                .filter(text -> !text.isEmpty())
                .toList();
        int all = texts.stream().mapToInt(String::length).sum();
        if (all > characters) {
            throw new IllegalArgumentException(
                    name + " has " + all + " characters, wanted at most " + characters + ": take fewer sentences");
        }
        return texts;
    }

    static boolean isText(JsonElement element) {
        return element.isJsonPrimitive() && element.getAsJsonPrimitive().isString();
    }

    private JsonPrimitive primitive(String name, Predicate<JsonPrimitive> type, String wanted) {
        var element = element(name);
        if (!element.isJsonPrimitive() || !type.test(element.getAsJsonPrimitive())) {
            throw new IllegalArgumentException(
                    name + " is no " + wanted.replaceFirst("^a ", "") + ", wanted " + wanted);
        }
        return element.getAsJsonPrimitive();
    }
}
