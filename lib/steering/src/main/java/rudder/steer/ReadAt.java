package rudder.steer;

import java.util.List;
import rudder.checkpoint.tokenizer.TokenSpan;

/**
 * The tokens at which a feature is read: the last one, another one, or the mean over several. Indices count from 0 at
 * the text's first token, and negative ones from its end, where -1 is the last token.
 *
 * <pre>{@code
 * Features.contrast(model, set, ReadAt.meanFrom(1))      // all tokens but the first
 * }</pre>
 */
public final class ReadAt {

    /** The last token, the default. */
    public static final ReadAt LAST = new ReadAt("last token", -1, 0);

    private final String name;
    private final int from;
    private final int end; // 0 is the text's end

    private ReadAt(String name, int from, int end) {
        this.name = name;
        this.from = from;
        this.end = end;
    }

    /** Returns the token at an index. */
    public static ReadAt token(int index) {
        return index == -1 ? LAST : new ReadAt("token " + index, index, index + 1);
    }

    /** Returns the mean over all tokens. */
    public static ReadAt mean() {
        return new ReadAt("mean over all tokens", 0, 0);
    }

    /** Returns the mean over the tokens from an index on: {@code meanFrom(-3)} is that of the last three. */
    public static ReadAt meanFrom(int from) {
        return new ReadAt("mean from token " + from, from, 0);
    }

    /**
     * Returns the mean over the tokens {@code from}..{@code end - 1}.
     *
     * @throws IllegalArgumentException if no text has such tokens
     */
    public static ReadAt mean(int from, int end) {
        if (end <= from && (end < 0) == (from < 0)) {
            throw new IllegalArgumentException(
                    "the tokens from " + from + " to before " + end + " are none: wanted an end behind the beginning");
        }
        return new ReadAt("mean over tokens " + from + " to " + (end - 1), from, end);
    }

    /**
     * Returns these tokens of each text, given as tokens; null for {@link #LAST}, which is read without a span.
     *
     * @throws IllegalArgumentException if a text has no such token
     */
    public List<TokenSpan> spans(List<int[]> texts) {
        return this == LAST
                ? null
                : texts.stream().map(text -> span(text.length)).toList();
    }

    private TokenSpan span(int length) {
        int first = from < 0 ? length + from : from;
        int behind = end < 0 || end == 0 ? length + end : end;
        if (first < 0 || behind > length || first >= behind) {
            throw new IllegalArgumentException(
                    "a text of " + length + " tokens has no " + name + ": read elsewhere, or leave the text out");
        }
        return new TokenSpan(first, behind);
    }

    /** Returns the name that setpoints show: {@code last token} for instance. */
    @Override
    public String toString() {
        return name;
    }
}
