package rudder.checkpoint.tokenizer.part;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import rudder.checkpoint.text.StrictJson;

/**
 * Checks the parts of a {@code tokenizer.json} before the native library sees them, for it ends the process on some
 * unsound files. What is not on the lists here is refused by name.
 */
public final class TokenizerParts {
    private static final Set<String> BEHAVIORS =
            Set.of("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous");
    private static final String NORMALIZERS =
            "Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Prepend, Replace";
    private static final String PRE_TOKENIZERS = "Sequence, ByteLevel, Metaspace, Split, Digits, Punctuation,"
            + " Whitespace, WhitespaceSplit, CharDelimiterSplit";
    private static final String DECODERS = "Sequence, ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip";
    private static final String POST_PROCESSORS =
            "Sequence, ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing";

    /** The tokens that a post-processor writes before and behind each text. */
    public record Frame(List<Integer> before, List<Integer> behind) {
        /** No tokens. */
        public static final Frame NONE = new Frame(List.of(), List.of());
    }

    private TokenizerParts() {}

    /** One part: its type, and its fields, of which each must be asked for. */
    private static final class Fields {
        private final String where;
        private final Map<String, Object> left;
        private final Map<String, Object> checked = new LinkedHashMap<>();
        final String type;

        Fields(String where, Object json) {
            if (!(json instanceof Map<?, ?> map) || !(map.get("type") instanceof String name)) {
                throw new IllegalArgumentException(
                        "its " + where + " is " + StrictJson.shown(json) + ", wanted an object with a type");
            }
            this.where = where + " " + name;
            this.type = name;
            this.left = new LinkedHashMap<>();
            map.forEach((key, value) -> left.put((String) key, value));
            checked.put("type", left.remove("type"));
        }

        IllegalArgumentException refused(String field, Object found, String wanted) {
            return new IllegalArgumentException(
                    "its " + where + " has " + field + " = " + StrictJson.shown(found) + ", wanted " + wanted);
        }

        Object take(String field, Object absent) {
            Object value = left.containsKey(field) ? left.remove(field) : absent;
            return value == null ? absent : value;
        }

        boolean flag(String field, Boolean absent) {
            Object value = take(field, absent);
            if (!(value instanceof Boolean flag)) {
                throw refused(field, value, "true or false");
            }
            checked.put(field, flag);
            return flag;
        }

        String text(String field, int least, int most) {
            Object value = take(field, null);
            if (!(value instanceof String text)
                    || text.codePointCount(0, text.length()) < least
                    || text.codePointCount(0, text.length()) > most) {
                throw refused(field, value, "a string of " + least + " to " + most + " characters");
            }
            checked.put(field, text);
            return text;
        }

        String oneOf(String field, String absent, Set<String> known) {
            Object value = take(field, absent);
            if (!(value instanceof String name) || !known.contains(name)) {
                throw refused(field, value, "one of " + known.stream().sorted().toList());
            }
            checked.put(field, name);
            return name;
        }

        List<?> list(String field) {
            Object value = take(field, null);
            if (!(value instanceof List<?> list) || list.size() > 64) {
                throw refused(
                        field,
                        value instanceof List<?> long64 ? long64.size() + " elements" : value,
                        "a list of at most 64 elements");
            }
            return list;
        }

        void pattern(String field) {
            Object value = take(field, null);
            if (value instanceof Map<?, ?> map && map.size() == 1) {
                if (map.get("String") instanceof String text && !text.isEmpty() && text.length() <= 1_000) {
                    checked.put(field, Map.of("String", text));
                    return;
                }
                if (map.get("Regex") instanceof String regex) {
                    try {
                        checked.put(field, Map.of("Regex", SafePattern.require(regex)));
                    } catch (IllegalArgumentException e) {
                        throw new IllegalArgumentException("its " + where + ": " + e.getMessage(), e);
                    }
                    return;
                }
            }
            throw refused(field, value, "{\"String\": ..} or {\"Regex\": ..}");
        }

        Map<String, Object> done() {
            if (!left.isEmpty()) {
                throw refused(
                        left.keySet().iterator().next(),
                        left.values().iterator().next(),
                        "no such field");
            }
            return checked;
        }

        IllegalArgumentException unknown(String known) {
            return new IllegalArgumentException("its " + where + " is unknown, wanted one of: " + known);
        }
    }

    /** Returns the checked normalizer, or null if the file has none. */
    public static Map<String, Object> normalizer(Object json) {
        if (json == null) {
            return null;
        }
        var part = new Fields("normalizer", json);
        switch (part.type) {
            case "Sequence" -> {
                var steps = new ArrayList<Object>();
                for (Object step : part.list("normalizers")) {
                    steps.add(normalizer(required("normalizer", step)));
                }
                part.checked.put("normalizers", steps);
            }
            case "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents" -> {}
            case "Strip" -> {
                part.flag("strip_left", null);
                part.flag("strip_right", null);
            }
            case "Prepend" -> part.text("prepend", 1, 100);
            case "Replace" -> {
                part.pattern("pattern");
                part.text("content", 0, 100);
            }
            default -> throw part.unknown(NORMALIZERS);
        }
        return part.done();
    }

    private static Object required(String what, Object json) {
        if (json == null) {
            throw new IllegalArgumentException("its " + what + " holds null, wanted an object with a type");
        }
        return json;
    }

    /** Returns the checked pre-tokenizer, or null if the file has none. */
    public static Map<String, Object> preTokenizer(Object json) {
        if (json == null) {
            return null;
        }
        var part = new Fields("pre_tokenizer", json);
        switch (part.type) {
            case "Sequence" -> {
                var steps = new ArrayList<Object>();
                for (Object step : part.list("pretokenizers")) {
                    steps.add(preTokenizer(required("pre_tokenizer", step)));
                }
                part.checked.put("pretokenizers", steps);
            }
            case "ByteLevel" -> {
                part.flag("add_prefix_space", null);
                part.flag("trim_offsets", null);
                part.flag("use_regex", true);
            }
            case "Metaspace" -> metaspace(part);
            case "Split" -> {
                part.pattern("pattern");
                part.oneOf("behavior", null, BEHAVIORS);
                part.flag("invert", null);
            }
            case "Digits" -> part.flag("individual_digits", null);
            case "Punctuation" -> part.oneOf("behavior", "Isolated", BEHAVIORS);
            case "CharDelimiterSplit" -> part.text("delimiter", 1, 1);
            case "Whitespace", "WhitespaceSplit" -> {}
            default -> throw part.unknown(PRE_TOKENIZERS);
        }
        return part.done();
    }

    // Older files say add_prefix_space in place of prepend_scheme, and repeat the replacement as str_rep.
    private static void metaspace(Fields part) {
        part.text("replacement", 1, 1);
        String scheme = part.oneOf("prepend_scheme", "always", Set.of("always", "first", "never"));
        Object old = part.take("add_prefix_space", null);
        if (Boolean.FALSE.equals(old)) {
            part.checked.put("prepend_scheme", "never");
        } else if (old != null && !(Boolean.TRUE.equals(old) && !scheme.equals("never"))) {
            throw part.refused("add_prefix_space", old, "true or false, as prepend_scheme has it");
        }
        part.flag("split", true);
        part.take("str_rep", null);
    }

    /** Returns whether a checked pre-tokenizer puts a space at the very start of the input only. */
    public static boolean prependsFirst(Map<String, Object> preTokenizer) {
        return any(preTokenizer, step -> "first".equals(step.get("prepend_scheme")));
    }

    /** Returns whether a checked normalizer or pre-tokenizer puts a space before the text. */
    public static boolean prepends(Map<String, Object> normalizer, Map<String, Object> preTokenizer) {
        return any(normalizer, step -> "Prepend".equals(step.get("type")))
                || any(
                        preTokenizer,
                        step -> "first".equals(step.get("prepend_scheme"))
                                || "always".equals(step.get("prepend_scheme"))
                                || Boolean.TRUE.equals(step.get("add_prefix_space")));
    }

    /** Returns whether any part has a type. */
    public static boolean names(Object parts, String type) {
        return any(parts, part -> type.equals(part.get("type")));
    }

    private static boolean any(Object part, Predicate<Map<?, ?>> test) {
        return part instanceof Map<?, ?> map
                        && (test.test(map) || map.values().stream().anyMatch(value -> any(value, test)))
                || part instanceof Collection<?> list && list.stream().anyMatch(value -> any(value, test));
    }

    /** Checks the names in the decoder: Rudder decodes by the spelling of the tokens, as all of these do. */
    public static void decoder(Object json) {
        if (json == null) {
            return;
        }
        var part = new Fields("decoder", json);
        if (!List.of(DECODERS.split(", ")).contains(part.type)) {
            throw part.unknown(DECODERS);
        }
        if (part.type.equals("Sequence")) {
            part.list("decoders").forEach(step -> decoder(required("decoder", step)));
        }
    }

    /** Returns the tokens that the post-processor writes around each text; ids are of {@code size} tokens. */
    public static Frame frame(Object json, int size) {
        if (json == null) {
            return Frame.NONE;
        }
        var part = new Fields("post_processor", json);
        switch (part.type) {
            case "ByteLevel" -> {
                return Frame.NONE; // sets offsets only
            }
            case "Sequence" -> {
                var before = new ArrayList<Integer>();
                var behind = new ArrayList<Integer>();
                for (Object step : part.list("processors")) {
                    Frame frame = frame(required("post_processor", step), size);
                    before.addAll(0, frame.before);
                    behind.addAll(frame.behind);
                }
                return new Frame(before, behind);
            }
            case "TemplateProcessing" -> {
                return template(part, size);
            }
            case "BertProcessing", "RobertaProcessing" -> {
                return new Frame(List.of(second(part, "cls", size)), List.of(second(part, "sep", size)));
            }
            default -> throw part.unknown(POST_PROCESSORS);
        }
    }

    private static int second(Fields part, String field, int size) {
        Object value = part.take(field, null);
        if (!(value instanceof List<?> pair) || pair.size() != 2) {
            throw part.refused(field, value, "a token and its id");
        }
        return id(part, field, pair.get(1), size);
    }

    private static int id(Fields part, String field, Object value, int size) {
        if (!(value instanceof Long id) || id < 0 || id >= size) {
            throw part.refused(field, value, "an id from 0 to " + (size - 1));
        }
        return id.intValue();
    }

    private static Frame template(Fields part, int size) {
        Map<?, ?> special = part.take("special_tokens", Map.of()) instanceof Map<?, ?> map ? map : Map.of();
        var before = new ArrayList<Integer>();
        var behind = new ArrayList<Integer>();
        var now = before;
        for (Object piece : part.list("single")) {
            if (!(piece instanceof Map<?, ?> map) || map.size() != 1) {
                throw part.refused("single", piece, "pieces SpecialToken or Sequence");
            }
            if (map.get("Sequence") instanceof Map<?, ?> sequence) {
                if (now == behind || !"A".equals(sequence.get("id"))) {
                    throw part.refused("single", part.left.get("single"), "the sequence A once");
                }
                now = behind;
            } else if (map.get("SpecialToken") instanceof Map<?, ?> token) {
                if (!(special.get(token.get("id")) instanceof Map<?, ?> known)
                        || !(known.get("ids") instanceof List<?> ids)) {
                    throw part.refused(
                            "single", token.get("id"), "a token that stands in its special_tokens with its ids");
                }
                for (Object id : ids) {
                    now.add(id(part, "special_tokens", id, size));
                }
            } else {
                throw part.refused("single", piece, "pieces SpecialToken or Sequence");
            }
        }
        if (now == before) {
            throw part.refused("single", "no sequence", "the sequence A once");
        }
        return new Frame(before, behind);
    }
}
