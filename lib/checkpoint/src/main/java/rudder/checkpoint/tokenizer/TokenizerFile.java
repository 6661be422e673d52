package rudder.checkpoint.tokenizer;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
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
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import rudder.checkpoint.text.StrictJson;
import rudder.checkpoint.tokenizer.Vocabulary.Kind;
import rudder.checkpoint.tokenizer.Vocabulary.Spelling;
import rudder.checkpoint.tokenizer.part.AddedToken;
import rudder.checkpoint.tokenizer.part.AddedTokens;
import rudder.checkpoint.tokenizer.part.Normalizer;
import rudder.checkpoint.tokenizer.part.TokenizerParts;
import rudder.checkpoint.tokenizer.part.TokenizerParts.Frame;

/**
 * Reads and checks a {@code tokenizer.json}, and writes what the engine needs of it: normaliser, pre-tokeniser and
 * model. Added tokens, BOS and EOS are Rudder's own work, so that no text can spell a control token. Vocabulary and
 * merges are streamed, because a tree of them takes over a gigabyte.
 */
final class TokenizerFile {

    private static final String UNUSED = "<unused %d>";
    private static final Gson GSON =
            new GsonBuilder().disableHtmlEscaping().serializeNulls().create();

    private final Path path;
    private final Map<String, Object> parts = new HashMap<>(); // all but the model
    private final Map<String, Integer> vocabulary = new LinkedHashMap<>(1 << 16);
    private final List<Double> scores = new ArrayList<>(); // of Unigram
    private final ByteArrayOutputStream merges = new ByteArrayOutputStream();
    private final BitSet merged = new BitSet(); // ids that a merge builds
    private final Map<String, AddedToken> added = new LinkedHashMap<>();
    private final Map<String, Integer> addedIds = new HashMap<>();
    private final List<String> tokens = new ArrayList<>();
    private final Map<String, Object> options = new LinkedHashMap<>(); // of the model
    private final Normalizer normalizer;
    private final Map<String, Object> preTokenizer;
    private final Map<String, Object> engineNormalizer;
    private final Frame frame;
    private String model;
    private String unknown;
    private boolean bytes;
    private boolean hasMerges;

    /**
     * Reads a file.
     *
     * @throws IOException if the file cannot be read, is malformed, or holds something that is not on the lists of
     *     {@link TokenizerParts}
     * @throws IllegalArgumentException if the settings contradict the file
     */
    TokenizerFile(Path path, TokenizerSettings settings) throws IOException {
        this.path = path;
        try {
            read();
            addTokens(settings);
            Map<String, Object> checked = TokenizerParts.normalizer(parts.get("normalizer"));
            boolean own = added.values().stream().anyMatch(AddedToken::normalized);
            this.normalizer = own ? Normalizer.of(checked) : Normalizer.NONE;
            this.engineNormalizer = own ? null : checked;
            this.preTokenizer = TokenizerParts.preTokenizer(parts.get("pre_tokenizer"));
            if (preTokenizer != null && preTokenizer.get("add_prefix_space") instanceof Boolean space) {
                preTokenizer.put("add_prefix_space", settings.prefixSpace(space));
            }
            TokenizerParts.decoder(parts.get("decoder"));
            Frame ofFile = TokenizerParts.frame(parts.get("post_processor"), tokens.size());
            this.frame = settings.frames()
                    ? new Frame(
                            settings.before().stream().map(addedIds::get).toList(),
                            settings.behind().stream().map(addedIds::get).toList())
                    : ofFile;
        } catch (MalformedJsonException
                | EOFException
                | CharacterCodingException
                | IllegalStateException
                | NumberFormatException e) { // the JSON reader throws all five
            throw broken("it is not the JSON of a tokenizer, " + e.getMessage());
        } catch (IllegalArgumentException e) {
            throw broken(e.getMessage());
        }
        settings.requirePrefixSpace(TokenizerParts.prepends(checkedNormalizer(), preTokenizer));
        if (spelling() == Spelling.SPACE_MARK && !vocabulary.containsKey("\u2581")) {
            throw broken("found neither byte-level tokens nor U+2581 for a space, wanted one of the two");
        }
    }

    private Map<String, Object> checkedNormalizer() {
        return TokenizerParts.normalizer(parts.get("normalizer"));
    }

    private IOException broken(String found) {
        return new IOException("cannot read the tokenizer " + path + ": " + found
                + "; fetch the model again, or give tokens instead of text");
    }

    private void read() throws IOException {
        try (JsonReader json = new JsonReader(Files.newBufferedReader(path))) {
            json.beginObject();
            while (json.hasNext()) {
                String name = json.nextName();
                if (parts.containsKey(name)) {
                    throw broken("the field " + name + " stands there twice");
                }
                switch (name) {
                    case "model" -> {
                        parts.put(name, null);
                        readModel(json);
                    }
                    case "truncation", "padding" -> {
                        parts.put(name, null);
                        json.skipValue(); // Rudder cuts and pads no text
                    }
                    default -> parts.put(name, StrictJson.value(json));
                }
            }
            json.endObject();
        }
        if (!parts.containsKey("model") || vocabulary.isEmpty()) {
            throw broken("it has no model with a vocabulary");
        }
        finishModel();
    }

    private void readModel(JsonReader json) throws IOException {
        json.beginObject();
        while (json.hasNext()) {
            String name = json.nextName();
            switch (name) {
                case "type" -> {
                    model = json.nextString();
                    requireModel();
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

    private void requireModel() throws IOException {
        if (!model.equals("BPE") && !model.equals("Unigram")) {
            throw broken("found a model of type " + model + ", wanted BPE or Unigram");
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

    private static boolean isSound(String token) {
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

    private void finishModel() throws IOException {
        if (model == null) {
            model = hasMerges ? "BPE" : scores.isEmpty() ? "of no type" : "Unigram";
            requireModel();
        }
        boolean scored = model.equals("Unigram");
        if (scored == scores.isEmpty() || scored == hasMerges) {
            throw broken("its model " + model + " has " + (hasMerges ? "merges" : "no merges") + " and " + scores.size()
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
                throw broken("its model " + model + " has the field " + option + ", wanted only "
                        + known.stream().sorted().toList());
            }
        }
    }

    /**
     * Declares the file's added tokens, then those of the settings. A token of the vocabulary keeps its id; another one
     * gets the next free id behind the vocabulary, whatever id is written down, as the library does it.
     */
    private void addTokens(TokenizerSettings settings) throws IOException {
        if (!(parts.getOrDefault("added_tokens", List.of()) instanceof List<?> list)) {
            throw broken("its added_tokens are no list");
        }
        for (Object one : list) {
            if (!(one instanceof Map<?, ?> token)) {
                throw broken("its added_tokens hold " + one + ", wanted objects");
            }
            if (!(token.get("id") instanceof Long)) {
                throw broken("an added token lacks its id or content, wanted both");
            }
            declare(AddedToken.of(token));
        }
        for (AddedToken token : settings.declared(Map.copyOf(added))) {
            declare(token);
        }
    }

    private void declare(AddedToken token) throws IOException {
        if (!isSound(token.content())) {
            throw broken("an added token holds half a character");
        }
        added.merge(token.content(), token, AddedToken::declaredAgain);
        if (!addedIds.containsKey(token.content())) {
            Integer id = vocabulary.get(token.content());
            if (id == null) {
                id = addedIds.values().stream()
                                .mapToInt(Integer::intValue)
                                .filter(known -> known >= vocabulary.size())
                                .max()
                                .orElse(vocabulary.size() - 1)
                        + 1;
                if (id < tokens.size() && tokens.get(id) != null) {
                    throw broken("its added token '" + token.content() + "' gets the id " + id + ", which the token '"
                            + tokens.get(id) + "' has");
                }
            }
            while (tokens.size() <= id) {
                tokens.add(null);
            }
            tokens.set(id, token.content());
            addedIds.put(token.content(), id);
        }
    }

    /** Returns what cuts the added tokens out of a text. */
    AddedTokens addedTokens(String template) {
        var ids = new LinkedHashMap<AddedToken, Integer>();
        added.values().forEach(token -> ids.put(token, addedIds.get(token.content())));
        return new AddedTokens(ids, normalizer, template);
    }

    /** Returns the tokens that stand before and behind each text. */
    Frame frame() {
        return frame;
    }

    /** Returns whether the pre-tokeniser puts a space at the very start of the input only. */
    boolean prependsFirst() {
        return TokenizerParts.prependsFirst(preTokenizer);
    }

    /**
     * Returns the file for the engine.
     *
     * @param marks tokens that no message may spell: the engine must not find them as ordinary tokens
     * @param sentinel a text that no input holds: an added token of the engine
     */
    InputStream json(AddedTokens marks, String sentinel) {
        var head = new ByteArrayOutputStream(40 * vocabulary.size());
        try (var writer = new BufferedWriter(new OutputStreamWriter(head, StandardCharsets.UTF_8))) {
            var token = new LinkedHashMap<String, Object>();
            token.put("id", tokens.size());
            token.put("content", sentinel);
            for (String option : List.of("single_word", "lstrip", "rstrip", "normalized", "special")) {
                token.put(option, option.equals("special"));
            }
            writer.write("{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":"
                    + GSON.toJson(List.of(token)) + ",\"normalizer\":" + GSON.toJson(engineNormalizer)
                    + ",\"pre_tokenizer\":" + GSON.toJson(preTokenizer)
                    + ",\"post_processor\":null,\"decoder\":null,\"model\":{\"type\":" + GSON.toJson(model));
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
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e); // cannot happen in memory
        }
        return new SequenceInputStream(Collections.enumeration(Arrays.asList(
                new ByteArrayInputStream(head.toByteArray()),
                new ByteArrayInputStream(merges.toByteArray()),
                new ByteArrayInputStream("}}".getBytes(StandardCharsets.UTF_8)))));
    }

    /** Returns a token's name for the engine. An engine that takes whole words must not find a mark. */
    private String engineName(String token, AddedTokens marks, String sentinel) {
        boolean whole = model.equals("Unigram") || Boolean.TRUE.equals(options.get("ignore_merges"));
        int id = vocabulary.get(token);
        return whole && marks.isMark(token) && !merged.get(id) ? sentinel + id : token;
    }

    /**
     * Requires a row of the embedding for every token that a text may become. An added token may lack one: Gemma 3 has
     * one for images.
     *
     * @throws IOException if a token has none
     */
    void requireRows(int rows) throws IOException {
        for (var token : vocabulary.entrySet()) {
            if (token.getValue() >= rows && !added.containsKey(token.getKey())) {
                throw broken("the token '" + token.getKey() + "' has the id " + token.getValue() + ", wanted one below "
                        + rows + ", the number of rows of the model's embedding");
            }
        }
    }

    /** Returns the rule by which an ordinary token's name stands for bytes. */
    Spelling spelling() {
        return TokenizerParts.names(parts.values(), "ByteLevel") ? Spelling.BYTE_LEVEL : Spelling.SPACE_MARK;
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
            AddedToken own = token == null ? null : added.get(token);
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
