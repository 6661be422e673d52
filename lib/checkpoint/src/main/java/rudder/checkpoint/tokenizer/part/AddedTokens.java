package rudder.checkpoint.tokenizer.part;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/**
 * Cuts added tokens out of a text, as Hugging Face's tokenizers do: leftmost, then longest; first those that are looked
 * for in the raw text, then, in the normalised rest, the others. A mark counts only where the template wrote it.
 */
public final class AddedTokens {

    /**
     * A part of a text.
     *
     * @param id the added token, or -1 for text between tokens
     * @param text the text between tokens
     * @param first whether the part stands at the very start of the input
     */
    public record Part(int id, String text, boolean first) {}

    private record Found(AddedToken token, int id, int length) {}

    private final Map<String, Integer> ids; // content -> id
    private final Spellings raw;
    private final Spellings normalized;
    private final Normalizer normalizer;
    private final Set<String> marks = new HashSet<>();

    /**
     * Collects added tokens.
     *
     * @param tokens token to id
     * @param normalizer what happens to the text before normalised tokens are looked for
     * @param template the chat template: tokens that its source spells are its marks
     */
    public AddedTokens(Map<AddedToken, Integer> tokens, Normalizer normalizer, String template) {
        this.normalizer = normalizer;
        this.ids = new HashMap<>();
        var rawTokens = new LinkedHashMap<String, AddedToken>();
        var normalizedTokens = new LinkedHashMap<String, AddedToken>();
        tokens.forEach((token, id) -> {
            ids.put(token.content(), id);
            if (token.normalized()) {
                normalizedTokens.putIfAbsent(
                        normalizer.apply(Text.ofTemplate(token.content())).toString(), token);
            } else {
                rawTokens.put(token.content(), token);
            }
            if (token.special() || looksLikeMark(token.content()) && template.contains(token.content())) {
                marks.add(token.content());
            }
        });
        normalizedTokens.remove("");
        this.raw = new Spellings(rawTokens);
        this.normalized = new Spellings(normalizedTokens);
    }

    /** Returns whether no message may spell this token. */
    public boolean isMark(String content) {
        return marks.contains(content);
    }

    // A mark is neither a word nor white space.
    private static boolean looksLikeMark(String content) {
        return content.codePoints().anyMatch(c -> !Character.isLetterOrDigit(c) && !isSpace(c));
    }

    /** Returns the parts of a text in which only control tokens must be the template's own. */
    public List<Part> cut(Text text) {
        return cut(text, false);
    }

    /** Returns the parts of a chat, in which all marks of the template must be the template's own. */
    public List<Part> cutChat(Text text) {
        return cut(text, true);
    }

    private List<Part> cut(Text text, boolean chat) {
        var parts = new ArrayList<Part>();
        cut(text, raw, chat, (found, from, to) -> {
            if (found != null) {
                parts.add(new Part(found.id, "", false));
                return;
            }
            boolean first = from == 0;
            Text rest = normalizer.apply(text.subSequence(from, to));
            cut(
                    rest,
                    normalized,
                    chat,
                    (inner, start, end) -> parts.add(
                            inner == null
                                    ? new Part(-1, rest.toString().substring(start, end), first && start == 0)
                                    : new Part(inner.id, "", false)));
        });
        return parts;
    }

    private interface Sink {
        void accept(Found found, int from, int to);
    }

    // The library's own algorithm. A token that swallowed white space may overlap the next one, which is still found.
    private void cut(Text text, Spellings spellings, boolean chat, Sink sink) {
        String all = text.toString();
        int start = 0;
        for (int at = 0; at < all.length(); ) {
            Found found = spellings.longest(text, all, at, chat);
            if (found == null) {
                at++;
                continue;
            }
            int from = at;
            int to = at + found.length;
            at = to;
            if (found.token.singleWord() && (endsWithWord(all, from) || startsWithWord(all, to))) {
                continue;
            }
            if (found.token.lstrip()) {
                int space = from;
                while (space > 0 && isSpace(all.codePointBefore(space))) {
                    space--; // no white space lies beyond the basic plane
                }
                from = Math.max(space, start);
            }
            while (found.token.rstrip() && to < all.length() && isSpace(all.codePointAt(to))) {
                to++;
            }
            if (start < from) {
                sink.accept(null, start, from);
            }
            sink.accept(found, from, to);
            start = to;
        }
        if (start < all.length()) {
            sink.accept(null, start, all.length());
        }
    }

    private static boolean endsWithWord(String text, int end) {
        return end > 0 && isWord(text.codePointBefore(end));
    }

    private static boolean startsWithWord(String text, int start) {
        return start < text.length() && isWord(text.codePointAt(start));
    }

    /** Returns whether Unicode's {@code \w} holds. */
    private static boolean isWord(int point) {
        return Character.isAlphabetic(point)
                || point == 0x200C
                || point == 0x200D
                || switch (Character.getType(point)) {
                    case Character.NON_SPACING_MARK,
                            Character.ENCLOSING_MARK,
                            Character.COMBINING_SPACING_MARK,
                            Character.DECIMAL_DIGIT_NUMBER,
                            Character.CONNECTOR_PUNCTUATION -> true;
                    default -> false;
                };
    }

    /** Returns whether Unicode's property White_Space holds. */
    static boolean isSpace(int point) {
        return point >= 9 && point <= 13
                || point == ' '
                || point == 0x85
                || point == 0xA0
                || point == 0x1680
                || point >= 0x2000 && point <= 0x200A
                || point == 0x2028
                || point == 0x2029
                || point == 0x202F
                || point == 0x205F
                || point == 0x3000;
    }

    /** Spellings of tokens, by first character and length. */
    private final class Spellings {
        private final Map<String, AddedToken> tokens;
        private final Map<Character, int[]> lengths = new HashMap<>(); // longest first

        Spellings(Map<String, AddedToken> tokens) {
            this.tokens = tokens;
            var byFirst = new HashMap<Character, Set<Integer>>();
            tokens.keySet().forEach(spelling -> byFirst.computeIfAbsent(spelling.charAt(0), c -> new HashSet<>())
                    .add(spelling.length()));
            byFirst.forEach((first, set) -> lengths.put(
                    first,
                    Arrays.stream(set.stream().mapToInt(n -> -n).sorted().toArray())
                            .map(n -> -n)
                            .toArray()));
        }

        Found longest(Text text, String all, int at, boolean chat) {
            if (tokens.isEmpty()) {
                return null;
            }
            int[] candidates = lengths.get(all.charAt(at));
            if (candidates == null) {
                return null;
            }
            for (int length : candidates) {
                if (at + length <= all.length()) {
                    AddedToken token = tokens.get(all.substring(at, at + length));
                    if (token != null && counts(token, text, all, at, at + length, chat)) {
                        return new Found(token, ids.get(token.content()), length);
                    }
                }
            }
            return null;
        }

        private boolean counts(AddedToken token, Text text, String all, int from, int to, boolean chat) {
            if (!(token.special() || chat && marks.contains(token.content()))) {
                return true;
            }
            while (from < to && isBlank(all.charAt(from))) { // a normalised spelling may begin or end with a space
                from++;
            }
            while (from < to && isBlank(all.charAt(to - 1))) {
                to--;
            }
            return !text.hasMessage(from, to);
        }

        private boolean isBlank(char c) {
            return c == '\u2581' || isSpace(c);
        }
    }
}
