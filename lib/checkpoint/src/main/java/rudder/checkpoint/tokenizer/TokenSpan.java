package rudder.checkpoint.tokenizer;

import java.io.Serializable;
import java.util.List;

/**
 * Adjacent tokens of a text.
 *
 * @param from index of the first, from 0
 * @param end index behind the last
 */
public record TokenSpan(int from, int end) implements Serializable {

    /** @throws IllegalArgumentException if the span has no token */
    public TokenSpan {
        if (from < 0 || end <= from) {
            throw new IllegalArgumentException(
                    "the tokens " + from + ".." + (end - 1) + " are none: wanted a span of at least one token");
        }
    }

    /**
     * Requires a span for each text, within the text.
     *
     * @throws IllegalArgumentException otherwise
     */
    public static void requireWithin(List<int[]> texts, List<TokenSpan> spans) {
        if (texts.size() != spans.size()) {
            throw new IllegalArgumentException(
                    texts.size() + " texts and " + spans.size() + " spans, wanted one for each text");
        }
        for (int i = 0; i < spans.size(); i++) {
            if (spans.get(i).end > texts.get(i).length) {
                throw new IllegalArgumentException(spans.get(i) + " of a text of " + texts.get(i).length
                        + " tokens, wanted a span within the text");
            }
        }
    }

    /** Returns the number of tokens. */
    public int length() {
        return end - from;
    }
}
