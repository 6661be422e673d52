package rudder.checkpoint.tokenizer;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;

/** A file of goldens: its object {@code all} has an array "cases", each with a name. */
record Cases(JsonObject all) {

    static Cases of(String resource) {
        try (Reader in = new InputStreamReader(Cases.class.getResourceAsStream(resource), StandardCharsets.UTF_8)) {
            return new Cases(JsonParser.parseReader(in).getAsJsonObject());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Stream<String> names() {
        return cases().map(one -> one.get("name").getAsString());
    }

    JsonObject find(String name) {
        return cases().filter(one -> one.get("name").getAsString().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private Stream<JsonObject> cases() {
        return all.getAsJsonArray("cases").asList().stream().map(JsonElement::getAsJsonObject);
    }
}
