package rudder.checkpoint.tokenizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import rudder.checkpoint.tokenizer.part.AddedToken;
import rudder.checkpoint.tokenizer.part.TokenizerParts;

/**
 * The settings beside a {@code tokenizer.json}: {@code tokenizer_config.json}, and the older
 * {@code special_tokens_map.json} and {@code added_tokens.json}. They are read as transformers 4.57 reads them for its
 * fast tokenizers. The tokenizer's class decides which fields count.
 */
public final class TokenizerSettings {

    private static final List<String> ROLES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    /** The tokens that a class assumes where the settings name none. */
    private static final Map<String, Map<String, String>> ASSUMED = Map.of(
            "LlamaTokenizer", Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>"),
            "CodeLlamaTokenizer", Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>"),
            "GemmaTokenizer",
                    Map.of("bos_token", "<bos>", "eos_token", "<eos>", "unk_token", "<unk>", "pad_token", "<pad>"),
            "CohereTokenizer",
                    Map.of("bos_token", "<BOS_TOKEN>", "eos_token", "<|END_OF_TURN_TOKEN|>", "unk_token", "<UNK>"),
            "GPTNeoXTokenizer", endOfText("bos_token", "eos_token", "unk_token"),
            "GPT2Tokenizer", endOfText("bos_token", "eos_token", "unk_token"),
            "Qwen2Tokenizer", endOfText("eos_token", "unk_token", "pad_token"));

    /** The classes that write BOS and EOS by their own settings, and whether they write BOS unless told otherwise. */
    private static final Map<String, Boolean> FRAMING = Map.of(
            "LlamaTokenizer", true,
            "CodeLlamaTokenizer", true,
            "GemmaTokenizer", true,
            "CohereTokenizer", true,
            "GPTNeoXTokenizer", false);

    /** The class of each architecture, where no file names one. */
    private static final Map<String, String> CLASSES = Map.of(
            "llama", "LlamaTokenizer",
            "mistral", "LlamaTokenizer",
            "gemma", "GemmaTokenizer",
            "gemma2", "GemmaTokenizer",
            "gemma3", "GemmaTokenizer",
            "gemma3_text", "GemmaTokenizer",
            "qwen2", "Qwen2Tokenizer",
            "qwen3", "Qwen2Tokenizer");

    /** No settings: the file {@code tokenizer.json} alone decides. */
    public static final TokenizerSettings NONE =
            new TokenizerSettings("tokenizer_config.json", "", Map.of(), Map.of(), Map.of());

    private final String where;
    private final String type; // without "Fast"
    private final Map<String, Object> json;
    private final Map<String, Object> roles = new LinkedHashMap<>(); // bos_token, ... -> String or AddedToken
    private final Map<Integer, AddedToken> declared = new TreeMap<>();

    private TokenizerSettings(
            String where,
            String type,
            Map<String, Object> json,
            Map<String, Object> specialTokens,
            Map<String, Object> addedTokens) {
        this.where = where;
        this.type = type;
        this.json = json;
        readDeclared(addedTokens);
        boolean legacy = !json.containsKey("added_tokens_decoder");
        var named = new LinkedHashMap<>(json);
        if (legacy) {
            named.putAll(specialTokens);
        }
        for (String role : ROLES) {
            Object token = named.containsKey(role)
                    ? named.get(role)
                    : ASSUMED.getOrDefault(type, Map.of()).get(role);
            if (token != null) {
                roles.put(role, special(role, token));
            }
        }
        readMore("additional_special_tokens", named.get("additional_special_tokens"));
        readMore("extra_special_tokens", named.get("extra_special_tokens"));
        if (Boolean.TRUE.equals(json.get("split_special_tokens"))) {
            throw refused("split_special_tokens", true, "false or absent: Rudder does not spell control tokens out");
        }
    }

    private static Map<String, String> endOfText(String... roles) {
        var tokens = new LinkedHashMap<String, String>();
        for (String role : roles) {
            tokens.put(role, "<|endoftext|>");
        }
        return tokens;
    }

    /**
     * Reads the settings of a folder.
     *
     * @param where the file to name in errors
     * @param json {@code tokenizer_config.json}
     * @param specialTokens {@code special_tokens_map.json}, which counts only without {@code added_tokens_decoder}
     * @param addedTokens {@code added_tokens.json}, which counts only without {@code added_tokens_decoder}
     * @param config {@code config.json}, which names the architecture
     * @throws IllegalArgumentException if a field has another type than transformers writes
     */
    public static TokenizerSettings of(
            String where,
            Map<String, Object> json,
            Map<String, Object> specialTokens,
            Map<String, Object> addedTokens,
            Map<String, Object> config) {
        Object named =
                json.get("tokenizer_class") != null ? json.get("tokenizer_class") : config.get("tokenizer_class");
        if (named != null && !(named instanceof String)) {
            throw new IllegalArgumentException(where + ": tokenizer_class is " + named + ", wanted a name");
        }
        String type = named instanceof String name
                ? name.replaceFirst("Fast$", "")
                : CLASSES.getOrDefault(String.valueOf(config.get("model_type")), "");
        return new TokenizerSettings(where, type, json, specialTokens, addedTokens);
    }

    private IllegalArgumentException refused(String field, Object found, String wanted) {
        return new IllegalArgumentException(where + ": " + field + " is " + found + ", wanted " + wanted);
    }

    private void readDeclared(Map<String, Object> addedTokens) {
        Object decoder = json.get("added_tokens_decoder");
        if (decoder != null && !(decoder instanceof Map<?, ?>)) {
            throw refused("added_tokens_decoder", decoder, "an object from ids to tokens");
        }
        if (decoder instanceof Map<?, ?> tokens) {
            tokens.forEach((id, token) -> {
                if (!(token instanceof Map<?, ?> object)) {
                    throw refused("added_tokens_decoder." + id, token, "an object that holds the token's content");
                }
                declared.put(id("added_tokens_decoder", id), added("added_tokens_decoder." + id, object));
            });
        } else if (!json.containsKey("added_tokens_decoder")) {
            addedTokens.forEach((content, id) -> {
                if (content.isEmpty()) {
                    throw new IllegalArgumentException("added_tokens.json: found an empty token");
                }
                declared.put(id("added_tokens.json", id), AddedToken.of(content, false));
            });
        }
    }

    private int id(String field, Object id) {
        String digits = String.valueOf(id);
        if (!digits.matches("[0-9]{1,9}")) {
            throw refused(field, "of a token with the id " + id, "an id from 0 to 999999999");
        }
        return Integer.parseInt(digits);
    }

    private AddedToken added(String field, Map<?, ?> token) {
        try {
            return AddedToken.of(token);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(where + ": " + field + ": " + e.getMessage(), e);
        }
    }

    private Object special(String field, Object token) {
        if (token instanceof Map<?, ?> object) {
            AddedToken added = added(field, object);
            return new AddedToken(
                    added.content(),
                    added.singleWord(),
                    added.lstrip(),
                    added.rstrip(),
                    object.get("normalized") != null && added.normalized(),
                    true);
        }
        if (!(token instanceof String)) {
            throw refused(field, token, "a token's spelling, or an object that holds it");
        }
        return token;
    }

    private void readMore(String field, Object tokens) {
        if (tokens == null) {
            return;
        }
        if (tokens instanceof Map<?, ?> byName) {
            byName.forEach((name, token) -> roles.put(String.valueOf(name), special(field + "." + name, token)));
        } else if (tokens instanceof List<?> list) {
            for (int i = 0; i < list.size(); i++) {
                roles.put(field + "[" + i + "]", special(field, list.get(i)));
            }
        } else {
            throw refused(field, tokens, "a list of tokens");
        }
    }

    private static String spelling(Object token) {
        return token instanceof AddedToken added ? added.content() : (String) token;
    }

    /** Returns the special tokens that a chat template may ask for, {@code bos_token} to {@code <s>} for instance. */
    public Map<String, String> specialTokens() {
        var tokens = new LinkedHashMap<String, String>();
        roles.forEach((role, token) -> {
            if (!role.endsWith("]")) { // one of a list has no name
                tokens.put(role, spelling(token));
            }
        });
        return tokens;
    }

    /**
     * Returns the tokens to declare on top of those of {@code tokenizer.json}, in the order that gives new ones their
     * ids.
     *
     * @param present the tokens of {@code tokenizer.json}, by their spelling
     */
    List<AddedToken> declared(Map<String, AddedToken> present) {
        var special = roles.values().stream().map(TokenizerSettings::spelling).toList();
        var tokens = new LinkedHashMap<String, AddedToken>();
        for (AddedToken token : declared.values()) {
            if (!token.equals(present.get(token.content()))) {
                tokens.put(
                        token.content(),
                        new AddedToken(
                                token.content(),
                                token.singleWord(),
                                token.lstrip(),
                                token.rstrip(),
                                token.normalized(),
                                token.special() || special.contains(token.content())));
            }
        }
        for (Object role : roles.values()) {
            if (!present.containsKey(spelling(role)) && !spelling(role).isEmpty()) {
                tokens.putIfAbsent(
                        spelling(role), role instanceof AddedToken added ? added : AddedToken.of(spelling(role), true));
            }
        }
        return new ArrayList<>(tokens.values());
    }

    /** Returns whether this class of tokenizer writes BOS and EOS itself, whatever {@code tokenizer.json} says. */
    boolean frames() {
        return FRAMING.containsKey(type);
    }

    /** Returns the spelling of the token that stands before every text, if this class writes one. */
    Optional<String> before() {
        return framing("add_bos_token", "bos_token", FRAMING.getOrDefault(type, false));
    }

    /** Returns the spelling of the token that stands behind every text, if this class writes one. */
    Optional<String> behind() {
        return framing("add_eos_token", "eos_token", false);
    }

    private Optional<String> framing(String field, String role, boolean assumed) {
        if (!frames() || !flag(field, assumed)) {
            return Optional.empty();
        }
        if (roles.get(role) == null) {
            throw refused(field, true, "also a token in " + role);
        }
        return Optional.of(spelling(roles.get(role)));
    }

    /** Refuses tokens around a text that have no row in the model's embedding. */
    void requireRows(TokenizerParts.Frame frame, int size) {
        if (Stream.concat(frame.before().stream(), frame.behind().stream()).anyMatch(id -> id >= size)) {
            throw new IllegalArgumentException(where + ": the class " + type + " writes " + before().orElse("nothing")
                    + " before and " + behind().orElse("nothing") + " behind a text, of which one is not in the"
                    + " vocabulary of " + size + "; name the model's bos_token and eos_token there, or set"
                    + " add_bos_token to false");
        }
    }

    private boolean flag(String field, boolean assumed) {
        Object value = json.containsKey(field) ? json.get(field) : (Object) assumed;
        if (value != null && !(value instanceof Boolean)) {
            throw refused(field, value, "true or false");
        }
        return Boolean.TRUE.equals(value);
    }

    /**
     * Returns whether a byte-level tokenizer puts a space before each text. The settings override the file
     * {@code tokenizer.json}, except in Llama's class.
     */
    boolean prefixSpace(boolean ofFile) {
        return this == NONE || type.equals("LlamaTokenizer") && json.get("add_prefix_space") == null
                ? ofFile
                : flag("add_prefix_space", false);
    }

    /**
     * Checks that the file's space before each text is the one that the settings ask for. Llama's class would build the
     * tokenizer anew from its SentencePiece file.
     *
     * @throws IllegalArgumentException if they disagree
     */
    void requirePrefixSpace(boolean ofFile) {
        if (type.equals("LlamaTokenizer")
                && json.get("add_prefix_space") != null
                && flag("add_prefix_space", false) != ofFile) {
            throw refused(
                    "add_prefix_space",
                    !ofFile,
                    ofFile + ", as tokenizer.json has it: save the tokenizer again with transformers");
        }
    }
}
