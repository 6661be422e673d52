package rudder.checkpoint.tokenizer;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import java.io.BufferedWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import rudder.checkpoint.text.StrictJson;
import rudder.checkpoint.tokenizer.part.AddedTokens;

/**
 * The model in a {@code tokenizer.json}: byte-pair encoding (BPE) with merges, or Unigram with scores. Vocabulary and
 * merges are streamed, because a tree of them takes over a gigabyte.
 */
final class TokenizerModel {

    static final Gson GSON =
            new GsonBuilder().disableHtmlEscaping().serializeNulls().create();

    private final Function<String, IOException> broken;
    private final Map<String, Integer> vocabulary = new LinkedHashMap<>(1 << 16);
    private final List<String> tokens = new ArrayList<>();
    private final List<Double> scores = new ArrayList<>(); // of Unigram
    private final ByteArrayOutputStream merges = new ByteArrayOutputStream();
    private final BitSet merged = new BitSet(); // ids that a merge builds
    private final Map<String, Object> options = new LinkedHashMap<>();
    private String type;
    private String unknown;
    private boolean bytes;
    private boolean hasMerges;

    /** @param broken makes the error that says what was found */
    TokenizerModel(Function<String, IOException> broken) {
        this.broken = broken;
    }

    private IOException broken(String found) {
        return broken.apply(found);
    }

    /** Returns the id of each token, in the file's order. */
    Map<String, Integer> vocabulary() {
        return Collections.unmodifiableMap(vocabulary);
    }

    /** Returns the name of each id; null for an id without a token. */
    List<String> tokens() {
        return Collections.unmodifiableList(tokens);
    }

    /** Returns the token that stands for what no other spells; null if there is none. */
    String unknown() {
        return unknown;
    }

    /** Returns whether bytes that no token spells become tokens of their own. */
    boolean fallsBackToBytes() {
        return bytes;
    }

    /** Reads the object; {@link #finish} checks it as a whole. */
    void read(JsonReader json) throws IOException {
        json.beginObject();
        while (json.hasNext()) {
            String name = json.nextName();
            switch (name) {
                case "type" -> {
                    type = json.nextString();
                    requireType();
                }
                case "vocab" -> {
                    if (!vocabulary.isEmpty()) {
                        throw broken("its model has two vocabularies");
                    }
                    if (json.peek() == JsonToken.BEGIN_ARRAY) {
                        readScored(json);
                    } else {
                        readVocabulary(json);
                    }
                }
                case "merges" -> {
                    if (vocabulary.isEmpty() || hasMerges) {
                        throw broken("its merges stand before its vocabulary, or twice");
                    }
                    hasMerges = true;
                    readMerges(json);
                }
                default -> options.put(name, StrictJson.value(json));
            }
        }
        json.endObject();
    }

    private void requireType() throws IOException {
        if (!type.equals("BPE") && !type.equals("Unigram")) {
            throw broken("found a model of type " + type + ", wanted BPE or Unigram");
        }
    }

    private void readVocabulary(JsonReader json) throws IOException {
        json.beginObject();
        while (json.hasNext()) {
            put(json.nextName(), json.nextInt());
        }
        json.endObject();
        placeTokens();
    }

    private void put(String token, int id) throws IOException {
        if (!isSound(token)) {
            throw broken("the token with id " + id + " is empty or holds half a character");
        }
        Integer before = vocabulary.put(token, id);
        if (before != null) {
            throw broken("the token '" + token + "' has two ids, " + before + " and " + id);
        }
    }

    /** Returns whether a token is not empty, and holds whole characters only. */
    static boolean isSound(String token) {
        for (int i = 0; i < token.length(); i++) {
            char c = token.charAt(i);
            if (Character.isSurrogate(c)) {
                if (!Character.isHighSurrogate(c)
                        || i + 1 == token.length()
                        || !Character.isLowSurrogate(token.charAt(++i))) {
                    return false;
                }
            }
        }
        return !token.isEmpty();
    }

    /** Sets the name of each id, after a check that the ids are about as many as the tokens. */
    private void placeTokens() throws IOException {
        long most = 4L * vocabulary.size() + 1024;
        for (var token : vocabulary.entrySet()) {
            int id = token.getValue();
            if (id < 0 || id > most) {
                throw broken("the token '" + token.getKey() + "' has the id " + id + ", wanted 0 to " + most
                        + " in a vocabulary of " + vocabulary.size());
            }
            while (tokens.size() <= id) {
                tokens.add(null);
            }
            String other = tokens.set(id, token.getKey());
            if (other != null) {
                throw broken("the tokens '" + other + "' and '" + token.getKey() + "' both have the id " + id);
            }
        }
    }

    private void readScored(JsonReader json) throws IOException {
        json.beginArray();
        while (json.hasNext()) {
            json.beginArray();
            put(json.nextString(), vocabulary.size());
            double score = json.nextDouble();
            if (!Double.isFinite(score)) {
                throw broken("the token " + (vocabulary.size() - 1) + " has the score " + score + ", wanted a number");
            }
            scores.add(score);
            json.endArray();
        }
        json.endArray();
        tokens.addAll(vocabulary.keySet());
    }

    private void readMerges(JsonReader json) throws IOException {
        try (JsonWriter out =
                new JsonWriter(new BufferedWriter(new OutputStreamWriter(merges, StandardCharsets.UTF_8)))) {
            out.setHtmlSafe(false);
            out.beginArray();
            json.beginArray();
            while (json.hasNext()) {
                String left;
                String right;
                if (json.peek() == JsonToken.BEGIN_ARRAY) {
                    json.beginArray();
                    left = json.nextString();
                    right = json.nextString();
                    json.endArray();
                } else {
                    String pair = json.nextString();
                    int space = pair.indexOf(' ');
                    left = pair.substring(0, Math.max(0, space));
                    right = pair.substring(space + 1);
                }
                Integer both = vocabulary.get(left + right);
                if (both == null || !vocabulary.containsKey(left) || !vocabulary.containsKey(right)) {
                    throw broken("it merges '" + left + "' and '" + right
                            + "', wanted two tokens of its vocabulary that build a third");
                }
                merged.set(both);
                out.beginArray().value(left).value(right).endArray();
            }
            json.endArray();
            out.endArray();
        }
    }

    /** Checks the model when the whole file was read. */
    void finish() throws IOException {
        if (type == null) {
            type = hasMerges ? "BPE" : scores.isEmpty() ? "of no type" : "Unigram";
            requireType();
        }
        boolean scored = type.equals("Unigram");
        if (scored == scores.isEmpty() || scored == hasMerges) {
            throw broken("its model " + type + " has " + (hasMerges ? "merges" : "no merges") + " and " + scores.size()
                    + " scores; wanted merges in BPE, scores in Unigram");
        }
        bytes = flag("byte_fallback");
        if (scored) {
            if (!(options.get("unk_id") instanceof Long id) || id < 0 || id >= tokens.size()) {
                throw broken(
                        "its unk_id is " + options.get("unk_id") + ", wanted one of its " + tokens.size() + " tokens");
            }
            unknown = tokens.get(id.intValue());
            requireOptions(Set.of("unk_id", "byte_fallback"));
            return;
        }
        Object unk = options.get("unk_token");
        if (unk != null && !(unk instanceof String name && vocabulary.containsKey(name))) {
            throw broken("its unk_token is " + unk + ", wanted a token of its vocabulary");
        }
        unknown = (String) unk;
        flag("fuse_unk");
        flag("ignore_merges");
        for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            Object value = options.put(affix, null);
            if (value != null && !value.equals("")) {
                throw broken("its " + affix + " is " + value + ", wanted none: Rudder does not implement it");
            }
        }
        Object dropout = options.put("dropout", null);
        if (dropout != null && !(dropout instanceof Number p && p.doubleValue() == 0)) {
            throw broken("its dropout is " + dropout + ", wanted none: tokens would be drawn at random");
        }
        requireOptions(Set.of(
                "unk_token",
                "byte_fallback",
                "fuse_unk",
                "ignore_merges",
                "continuing_subword_prefix",
                "end_of_word_suffix",
                "dropout"));
    }

    private boolean flag(String option) throws IOException {
        Object value = options.putIfAbsent(option, false);
        if (value == null) {
            options.put(option, false);
        } else if (!(value instanceof Boolean)) {
            throw broken("its model has " + option + " = " + value + ", wanted true or false");
        }
        return Boolean.TRUE.equals(value);
    }

    private void requireOptions(Set<String> known) throws IOException {
        for (String option : options.keySet()) {
            if (!known.contains(option)) {
                throw broken("its model " + type + " has the field " + option + ", wanted only "
                        + known.stream().sorted().toList());
            }
        }
    }

    /**
     * Writes the model for the engine up to its {@link #merges}.
     *
     * @param marks tokens that no message may spell: the engine must not find them as ordinary tokens
     * @param sentinel a text that no input holds
     */
    void write(Writer writer, AddedTokens marks, String sentinel) throws IOException {
        writer.write("{\"type\":" + GSON.toJson(type));
        for (var option : options.entrySet()) {
            Object value = option.getKey().equals("unk_token") && unknown != null
                    ? engineName(unknown, marks, sentinel)
                    : option.getValue();
            writer.write("," + GSON.toJson(option.getKey()) + ":" + GSON.toJson(value));
        }
        writer.write(",\"vocab\":");
        var json = new JsonWriter(writer);
        json.setHtmlSafe(false);
        boolean scored = !scores.isEmpty();
        if (scored) {
            json.beginArray();
        } else {
            json.beginObject();
        }
        int next = 0;
        for (var entry : vocabulary.entrySet()) {
            String name = engineName(entry.getKey(), marks, sentinel);
            if (scored) {
                json.beginArray().value(name).value(scores.get(next)).endArray();
            } else {
                json.name(name).value(entry.getValue());
            }
            next++;
        }
        if (scored) {
            json.endArray();
        } else {
            json.endObject();
        }
        json.flush();
        if (hasMerges) {
            writer.write(",\"merges\":");
        }
    }

    /** Returns the merges, as an array of pairs; empty in Unigram. */
    InputStream merges() {
        return new ByteArrayInputStream(merges.toByteArray());
    }

    /** Returns a token's name for the engine. An engine that takes whole words must not find a mark. */
    private String engineName(String token, AddedTokens marks, String sentinel) {
        boolean whole = type.equals("Unigram") || Boolean.TRUE.equals(options.get("ignore_merges"));
        int id = vocabulary.get(token);
        return whole && marks.isMark(token) && !merged.get(id) ? sentinel + id : token;
    }
}
