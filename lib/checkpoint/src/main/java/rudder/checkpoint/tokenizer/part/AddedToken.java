package rudder.checkpoint.tokenizer.part;

import java.util.Map;

/**
 * A token that is cut out of a text before the words are: a mark of the chat template, for instance. The options are
 * those of Hugging Face's tokenizers.
 *
 * @param content the spelling
 * @param singleWord whether it counts only where no letter, digit or underscore touches it
 * @param lstrip whether it swallows the white space before it
 * @param rstrip whether it swallows the white space behind it
 * @param normalized whether it is looked for in the normalised text, by its own normalised spelling
 * @param special whether it is a control token, which no message can spell
 */
public record AddedToken(
        String content, boolean singleWord, boolean lstrip, boolean rstrip, boolean normalized, boolean special) {

    private static final Map<String, Boolean> OPTIONS =
            Map.of("single_word", false, "lstrip", false, "rstrip", false, "special", false);

    /** Returns a token as the library declares one by its spelling: one that is not special is normalised. */
    public static AddedToken of(String content, boolean special) {
        return new AddedToken(content, false, false, false, !special, special);
    }

    /** Returns a token that is looked for in the raw text, and that any text can spell. */
    public static AddedToken ofPart(String content) {
        return new AddedToken(content, false, false, false, false, false);
    }

    /** Returns this token, which now swallows the white space behind it. */
    public AddedToken swallowing() {
        return new AddedToken(content, singleWord, lstrip, true, normalized, special);
    }

    /**
     * Reads a token as {@code tokenizer.json} and {@code tokenizer_config.json} write one.
     *
     * @throws IllegalArgumentException if the content is missing or empty, or an option is no boolean
     */
    public static AddedToken of(Map<?, ?> json) {
        if (!(json.get("content") instanceof String content) || content.isEmpty()) {
            throw new IllegalArgumentException("an added token has the content " + json.get("content")
                    + ", wanted the token's spelling in 'content'");
        }
        boolean special = option(json, "special");
        return new AddedToken(
                content,
                option(json, "single_word"),
                option(json, "lstrip"),
                option(json, "rstrip"),
                json.get("normalized") == null ? !special : option(json, "normalized"),
                special);
    }

    private static boolean option(Map<?, ?> json, String name) {
        Object value = json.get(name);
        if (value == null) {
            value = OPTIONS.get(name);
        }
        if (!(value instanceof Boolean option)) {
            throw new IllegalArgumentException("the added token '" + json.get("content") + "' has " + name + " = "
                    + value + ", wanted true or false");
        }
        return option;
    }

    /**
     * Returns this token declared again, as the library merges two declarations: the later options hold, a special
     * token stays special, and a token that was once looked for in the raw text still is.
     */
    public AddedToken declaredAgain(AddedToken later) {
        return new AddedToken(
                content,
                later.singleWord,
                later.lstrip,
                later.rstrip,
                normalized && (special || later.normalized),
                special || later.special);
    }
}
