package rudder.checkpoint.tokenizer.part;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/**
 * Normalises texts whose characters remember who wrote them. It is needed where an added token is looked for in the
 * normalised text; otherwise the engine normalises.
 */
public interface Normalizer extends UnaryOperator<Text> {

    /** Leaves a text as it is. */
    Normalizer NONE = text -> text;

    /**
     * Returns the normaliser that a {@code tokenizer.json} describes.
     *
     * @param json the field {@code normalizer}, already checked
     * @throws IllegalArgumentException if it has a step that is not implemented here
     */
    static Normalizer of(Object json) {
        if (json == null) {
            return NONE;
        }
        var step = (Map<?, ?>) json;
        String type = (String) step.get("type");
        return switch (type) {
            case "Sequence" -> {
                List<Normalizer> steps = ((List<?>) step.get("normalizers"))
                        .stream().map(Normalizer::of).toList();
                yield text -> {
                    for (Normalizer one : steps) {
                        text = one.apply(text);
                    }
                    return text;
                };
            }
            case "Prepend" -> {
                Text front = Text.ofTemplate((String) step.get("prepend"));
                yield text -> text.length() == 0 ? text : front.plus(text);
            }
            case "Replace" -> {
                if (!(((Map<?, ?>) step.get("pattern")).get("String") instanceof String pattern)) {
                    throw new IllegalArgumentException("it has a normalizer Replace with a regular expression, and an"
                            + " added token that is 'normalized': Rudder does not implement the two together");
                }
                String content = (String) step.get("content");
                yield text -> replace(text, pattern, content);
            }
            case "NFC", "NFD", "NFKC", "NFKD" -> {
                var form = java.text.Normalizer.Form.valueOf(type);
                yield text -> compose(text, form);
            }
            case "Lowercase" -> text -> text.map(c -> Character.toString(c).toLowerCase(Locale.ROOT));
            case "Strip" -> {
                boolean left = !Boolean.FALSE.equals(step.get("strip_left"));
                boolean right = !Boolean.FALSE.equals(step.get("strip_right"));
                yield text -> text.strip(left, right, AddedTokens::isSpace);
            }
            default ->
                throw new IllegalArgumentException("it has a normalizer " + type + ", and an added token that is"
                        + " 'normalized': Rudder does not implement the two together");
        };
    }

    private static Text replace(Text text, String pattern, String content) {
        String all = text.toString();
        int at = all.indexOf(pattern);
        if (at < 0) {
            return text;
        }
        var out = new Text.Builder();
        int from = 0;
        for (; at >= 0; at = all.indexOf(pattern, from)) {
            out.add(text.subSequence(from, at)).add(content, text.hasMessage(at, at + pattern.length()));
            from = at + pattern.length();
        }
        return out.add(text.subSequence(from, all.length())).build();
    }

    /** Composes or decomposes each character together with the marks behind it. */
    private static Text compose(Text text, java.text.Normalizer.Form form) {
        String all = text.toString();
        if (java.text.Normalizer.isNormalized(all, form)) {
            return text;
        }
        var cuts = new ArrayList<Integer>();
        for (int i = 0; i < all.length(); i += Character.charCount(all.codePointAt(i))) {
            if (i == 0 || begins(all.codePointAt(i))) {
                cuts.add(i);
            }
        }
        cuts.add(all.length());
        var out = new Text.Builder();
        for (int i = 0; i + 1 < cuts.size(); i++) {
            Text cluster = text.subSequence(cuts.get(i), cuts.get(i + 1));
            String changed = java.text.Normalizer.normalize(cluster, form);
            if (changed.contentEquals(cluster)) {
                out.add(cluster);
            } else {
                out.add(changed, cluster.hasMessage(0, cluster.length()));
            }
        }
        return out.build();
    }

    // A combining mark, or a vowel or final consonant of Hangul, composes with the character before it.
    private static boolean begins(int point) {
        return switch (Character.getType(point)) {
            case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.COMBINING_SPACING_MARK -> false;
            default -> point < 0x1160 || point > 0x11FF;
        };
    }
}
