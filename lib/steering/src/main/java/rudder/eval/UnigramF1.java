package rudder.eval;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Scores how many words an answer shares with a reference, 0 to 1: F1 = 2PR / (P + R). P is the share of the answer's
 * words that the reference has, and R the share of the reference's words that the answer has. A repeated word counts as
 * often as it occurs in both. Articles do not count. Of several references the best one counts.
 *
 * <p>This score is weak on questions of fact: it rewards a text's subject and not its claim. "It is not true" and "It
 * is true" share most words. Use {@link MultipleChoice} for truth, and this score only beside it. Source: Rajpurkar et
 * al., arXiv 1606.05250.
 */
public final class UnigramF1 {

    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}]+");
    private static final List<String> ARTICLES = List.of("a", "an", "the");

    private UnigramF1() {}

    /** Returns F1 against the reference most like the answer; 0 if either has no word. */
    public static double of(String answer, List<String> references) {
        return references.stream()
                .mapToDouble(reference -> of(counts(answer), counts(reference)))
                .max()
                .orElse(0);
    }

    private static double of(Map<String, Integer> answer, Map<String, Integer> reference) {
        int shared = answer.entrySet().stream()
                .mapToInt(word -> Math.min(word.getValue(), reference.getOrDefault(word.getKey(), 0)))
                .sum();
        int all = answer.values().stream().mapToInt(n -> n).sum()
                + reference.values().stream().mapToInt(n -> n).sum();
        return shared == 0 ? 0 : 2.0 * shared / all; // 2PR / (P + R) = 2 shared / (|answer| + |reference|)
    }

    private static Map<String, Integer> counts(String text) {
        var counts = new HashMap<String, Integer>();
        WORD.matcher(text.toLowerCase(Locale.ROOT))
                .results()
                .map(match -> match.group())
                .filter(word -> !ARTICLES.contains(word))
                .forEach(word -> counts.merge(word, 1, Integer::sum));
        return counts;
    }
}
