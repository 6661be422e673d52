package rudder.checkpoint.store;

import java.util.Locale;
import java.util.stream.IntStream;

/** Levenshtein's distance: the number of letters to insert, delete or replace. */
final class EditDistance {

    private EditDistance() {}

    /**
     * Returns the distance of {@code part} to the most similar part of {@code whole}, in any case. The distance of
     * "smollm2" to "SmolLM2-135M-Instruct" is 0.
     */
    static int ofPart(String whole, String part) {
        var a = whole.toLowerCase(Locale.ROOT);
        var b = part.toLowerCase(Locale.ROOT);
        var row = new int[a.length() + 1]; // zeros: a part may begin anywhere
        for (int i = 1; i <= b.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= a.length(); j++) {
                int substituted = diagonal + (a.charAt(j - 1) == b.charAt(i - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return IntStream.of(row).min().orElseThrow();
    }
}
