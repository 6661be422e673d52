package rudder.checkpoint.tokenizer;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import com.google.gson.stream.MalformedJsonException;
import java.io.BufferedWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import rudder.checkpoint.tokenizer.Vocabulary.Kind;
import rudder.checkpoint.tokenizer.Vocabulary.Spelling;

/**
 * Reads the vocabulary of a {@code tokenizer.json} and rewrites the file so that no text can spell a control token. The
 * engine cuts "added tokens" out of a text before all else. The special ones among them move from that list into the
 * plain vocabulary, with the same ids. The file is streamed, because a tree of it takes over a gigabyte.
 */
final class TokenizerFile {

    private static final String UNUSED = "<unused %d>";

    private final Path path;
    private final Map<String, Added> added = new LinkedHashMap<>();
    private final List<String> tokens = new ArrayList<>();
    private final ByteArrayOutputStream rewritten = new ByteArrayOutputStream(1 << 20);
    private final Set<String> types =
            new HashSet<>(); // every "type" in the file: steps of the normalizer, the decoder, ...
    private String unknown;
    private boolean bytes;

    private record Added(int id, Map<String, Boolean> options) {
        boolean special() {
            return options.getOrDefault("special", false);
        }
    }

    /** @throws IOException if the file cannot be read, is malformed, or is not byte-pair encoding */
    TokenizerFile(Path path) throws IOException {
        this.path = path;
        try {
            readAdded();
            rewrite();
        } catch (MalformedJsonException
                | EOFException
                | IllegalStateException
                | NumberFormatException e) { // the JSON reader throws all four
            throw broken("it is not the JSON of a tokenizer, " + e.getMessage());
        }
        if (!types.contains("ByteLevel") && !tokens.contains("\u2581")) {
            throw broken("found neither byte-level tokens nor U+2581 for a space, wanted one of the two");
        }
    }

    private IOException broken(String found) {
        return new IOException("cannot read the tokenizer " + path + ": " + found
                + "; fetch the model again, or give tokens instead of text");
    }

    private JsonReader open() throws IOException {
        return new JsonReader(Files.newBufferedReader(path));
    }

    private void readAdded() throws IOException {
        try (JsonReader json = open()) {
            json.beginObject();
            while (json.hasNext()) {
                if (!json.nextName().equals("added_tokens")) {
                    json.skipValue();
                    continue;
                }
                json.beginArray();
                while (json.hasNext()) {
                    readOneAdded(json);
                }
                json.endArray();
            }
        }
    }

    private void readOneAdded(JsonReader json) throws IOException {
        int id = -1;
        String content = null;
        var options = new LinkedHashMap<String, Boolean>();
        json.beginObject();
        while (json.hasNext()) {
            String field = json.nextName();
            switch (field) {
                case "id" -> id = json.nextInt();
                case "content" -> content = json.nextString();
                default -> options.put(field, json.nextBoolean());
            }
        }
        json.endObject();
        if (id < 0 || content == null) {
            throw broken("an added token lacks its id or content, wanted both");
        }
        added.put(content, new Added(id, options));
        name(id, content);
    }

    private void name(int id, String token) throws IOException {
        if (id < 0 || id > 1 << 24) {
            throw broken("the token '" + token + "' has the id " + id + ", wanted 0 to " + (1 << 24));
        }
        while (tokens.size() <= id) {
            tokens.add(null);
        }
        tokens.set(id, token);
    }

    private void rewrite() throws IOException {
        try (JsonReader in = open();
                JsonWriter out =
                        new JsonWriter(new BufferedWriter(new OutputStreamWriter(rewritten, StandardCharsets.UTF_8)))) {
            out.setHtmlSafe(false);
            out.setSerializeNulls(true);
            in.beginObject();
            out.beginObject();
            writeAdded(out);
            while (in.hasNext()) {
                String name = in.nextName();
                switch (name) {
                    case "truncation", "padding", "added_tokens" -> in.skipValue();
                    case "model" -> {
                        out.name(name);
                        copyModel(in, out);
                    }
                    default -> {
                        out.name(name);
                        copy(in, out);
                    }
                }
            }
            in.endObject();
            out.endObject();
        }
    }

    private void writeAdded(JsonWriter out) throws IOException {
        out.name("added_tokens").beginArray();
        for (var token : added.entrySet()) {
            if (!token.getValue().special()) {
                out.beginObject()
                        .name("id")
                        .value(token.getValue().id)
                        .name("content")
                        .value(token.getKey());
                for (var option : token.getValue().options.entrySet()) {
                    out.name(option.getKey()).value(option.getValue());
                }
                out.endObject();
            }
        }
        out.endArray();
    }

    private void copyModel(JsonReader in, JsonWriter out) throws IOException {
        in.beginObject();
        out.beginObject();
        while (in.hasNext()) {
            String name = in.nextName();
            out.name(name);
            switch (name) {
                case "type" -> {
                    String type = in.nextString();
                    if (!type.equals("BPE")) {
                        throw broken("found a model of type " + type + ", wanted BPE");
                    }
                    out.value(type);
                }
                case "byte_fallback" -> {
                    bytes = in.nextBoolean();
                    out.value(bytes);
                }
                case "unk_token" -> {
                    if (in.peek() == JsonToken.STRING) {
                        unknown = in.nextString();
                    } else {
                        in.skipValue();
                    }
                    out.value(unknown);
                }
                case "vocab" -> copyVocabulary(in, out);
                default -> copy(in, out);
            }
        }
        in.endObject();
        out.endObject();
    }

    /** Puts all added tokens into the vocabulary: the engine takes their ids from there. */
    private void copyVocabulary(JsonReader in, JsonWriter out) throws IOException {
        var missing = new LinkedHashMap<>(added);
        in.beginObject();
        out.beginObject();
        while (in.hasNext()) {
            String token = in.nextName();
            int id = in.nextInt();
            name(id, token);
            missing.remove(token);
            out.name(token).value(id);
        }
        for (var token : missing.entrySet()) {
            out.name(token.getKey()).value(token.getValue().id);
        }
        in.endObject();
        out.endObject();
    }

    private void copy(JsonReader in, JsonWriter out) throws IOException {
        switch (in.peek()) {
            case BEGIN_OBJECT -> {
                in.beginObject();
                out.beginObject();
                while (in.hasNext()) {
                    String name = in.nextName();
                    out.name(name);
                    if (name.equals("type") && in.peek() == JsonToken.STRING) {
                        String type = in.nextString();
                        types.add(type);
                        out.value(type);
                    } else {
                        copy(in, out);
                    }
                }
                in.endObject();
                out.endObject();
            }
            case BEGIN_ARRAY -> {
                in.beginArray();
                out.beginArray();
                while (in.hasNext()) {
                    copy(in, out);
                }
                in.endArray();
                out.endArray();
            }
            case STRING -> out.value(in.nextString());
            case NUMBER -> out.jsonValue(in.nextString());
            case BOOLEAN -> out.value(in.nextBoolean());
            case NULL -> {
                in.nextNull();
                out.nullValue();
            }
            default -> throw new MalformedJsonException("a value is missing at " + in.getPath());
        }
    }

    /** Returns the rewritten file, for the engine. */
    InputStream json() {
        return new ByteArrayInputStream(rewritten.toByteArray());
    }

    /** Returns the rule by which an ordinary token's name stands for bytes. */
    Spelling spelling() {
        return types.contains("ByteLevel") ? Spelling.BYTE_LEVEL : Spelling.SPACE_MARK;
    }

    /**
     * Returns the name of each token id, at least {@code size} of them; an id without a token is {@code <unused id>}.
     */
    List<String> tokens(int size) {
        var all = new ArrayList<>(tokens);
        all.addAll(Collections.nCopies(Math.max(0, size - all.size()), null));
        for (int id = 0; id < all.size(); id++) {
            if (all.get(id) == null) {
                all.set(id, UNUSED.formatted(id));
            }
        }
        return all;
    }

    /** Returns the kind of each of {@link #tokens}. */
    List<Kind> kinds(int size) {
        var kinds = new ArrayList<Kind>();
        for (String token : tokens) {
            Added own = token == null ? null : added.get(token);
            kinds.add(
                    token == null
                            ? Kind.UNUSED
                            : own != null
                                    ? own.special() ? Kind.CONTROL : Kind.USER_DEFINED
                                    : token.equals(unknown)
                                            ? Kind.UNKNOWN
                                            : bytes && token.matches("<0x[0-9A-F]{2}>") ? Kind.BYTE : Kind.NORMAL);
        }
        kinds.addAll(Collections.nCopies(Math.max(0, size - kinds.size()), Kind.UNUSED));
        return kinds;
    }
}
