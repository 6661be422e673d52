package rudder.checkpoint.tokenizer;

import com.google.gson.stream.JsonReader;
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
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.text.LfsPointer;
import rudder.checkpoint.text.StrictJson;
import rudder.checkpoint.text.TextFile;
import rudder.checkpoint.tokenizer.Vocabulary.Kind;
import rudder.checkpoint.tokenizer.Vocabulary.Spelling;
import rudder.checkpoint.tokenizer.part.AddedToken;
import rudder.checkpoint.tokenizer.part.AddedTokens;
import rudder.checkpoint.tokenizer.part.Normalizer;
import rudder.checkpoint.tokenizer.part.TokenizerParts;
import rudder.checkpoint.tokenizer.part.TokenizerParts.Frame;

/**
 * Reads and checks a {@code tokenizer.json}, and writes what the engine needs of it: normaliser, pre-tokeniser and
 * {@link TokenizerModel model}. Added tokens, BOS and EOS are Rudder's own work, so that no text can spell a control
 * token.
 */
final class TokenizerFile {

    private final Path path;
    private final Map<String, Object> parts = new HashMap<>(); // all but the model
    private final TokenizerModel model = new TokenizerModel(this::broken);
    private final Map<String, AddedToken> added = new LinkedHashMap<>();
    private final Map<String, Integer> addedIds = new HashMap<>();
    private final List<String> tokens = new ArrayList<>(); // the model's, and added ones
    private final Normalizer normalizer;
    private final Map<String, Object> preTokenizer;
    private final Map<String, Object> engineNormalizer;
    private final Frame frame;

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
        } catch (FileSystemException e) {
            throw broken(TextFile.reason(e));
        }
        settings.requirePrefixSpace(TokenizerParts.prepends(checkedNormalizer(), preTokenizer));
        if (spelling() == Spelling.SPACE_MARK && !model.vocabulary().containsKey("\u2581")) {
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
        LfsPointer.refuse(path);
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
                        model.read(json);
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
        if (!parts.containsKey("model") || model.vocabulary().isEmpty()) {
            throw broken("it has no model with a vocabulary");
        }
        model.finish();
        tokens.addAll(model.tokens());
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
        if (!TokenizerModel.isSound(token.content())) {
            throw broken("an added token holds half a character");
        }
        added.merge(token.content(), token, AddedToken::declaredAgain);
        if (!addedIds.containsKey(token.content())) {
            Integer id = model.vocabulary().get(token.content());
            if (id == null) {
                id = addedIds.values().stream()
                                .mapToInt(Integer::intValue)
                                .filter(known -> known >= model.vocabulary().size())
                                .max()
                                .orElse(model.vocabulary().size() - 1)
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
        var head = new ByteArrayOutputStream(40 * model.vocabulary().size());
        try (var writer = new BufferedWriter(new OutputStreamWriter(head, StandardCharsets.UTF_8))) {
            var token = new LinkedHashMap<String, Object>();
            token.put("id", tokens.size());
            token.put("content", sentinel);
            for (String option : List.of("single_word", "lstrip", "rstrip", "normalized", "special")) {
                token.put(option, option.equals("special"));
            }
            writer.write("{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":"
                    + TokenizerModel.GSON.toJson(List.of(token)) + ",\"normalizer\":"
                    + TokenizerModel.GSON.toJson(engineNormalizer)
                    + ",\"pre_tokenizer\":" + TokenizerModel.GSON.toJson(preTokenizer)
                    + ",\"post_processor\":null,\"decoder\":null,\"model\":");
            model.write(writer, marks, sentinel);
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e); // cannot happen in memory
        }
        return new SequenceInputStream(Collections.enumeration(Arrays.asList(
                new ByteArrayInputStream(head.toByteArray()),
                model.merges(),
                new ByteArrayInputStream("}}".getBytes(StandardCharsets.UTF_8)))));
    }

    /**
     * Requires a row of the embedding for every token that a text may become. An added token may lack one: Gemma 3 has
     * one for images.
     *
     * @throws IOException if a token has none
     */
    void requireRows(int rows) throws IOException {
        for (var token : model.vocabulary().entrySet()) {
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
                all.set(id, "<unused " + id + ">");
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
                                    : token.equals(model.unknown())
                                            ? Kind.UNKNOWN
                                            : model.fallsBackToBytes() && token.matches("<0x[0-9A-F]{2}>")
                                                    ? Kind.BYTE
                                                    : Kind.NORMAL);
        }
        kinds.addAll(Collections.nCopies(Math.max(0, size - kinds.size()), Kind.UNUSED));
        return kinds;
    }
}
