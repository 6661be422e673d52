package rudder.model.pass;

import java.util.Arrays;

/**
 * Collects how far steering moves texts while they are written. Each text has a shadow beside it: an unsteered text
 * that takes the same tokens. So a text's two distributions come from one pass, whose products serve all rows.
 *
 * <p>Of the texts that are written, number 2 i is the text i, and number 2 i + 1 its shadow. They begin and end
 * together.
 */
public final class Divergences {

    private final double[][] divergences; // [text][token]
    private final int[] lengths;
    private final boolean[] over;

    public Divergences(int texts, int maxTokens) {
        divergences = new double[texts][maxTokens];
        lengths = new int[texts];
        over = new boolean[texts];
    }

    /**
     * Adds a token of every text that goes on.
     *
     * @param pass that the token was chosen from
     * @param ended whether each text that is written ends with this token, or ended before
     */
    public void add(Passes.Result pass, boolean... ended) {
        int[] texts = pass.texts();
        double[] all = pass.logits().divergences(pair -> !over[texts[2 * pair] / 2]);
        for (int pair = 0; pair < all.length; pair++) {
            int i = texts[2 * pair] / 2;
            if (!over[i]) {
                divergences[i][lengths[i]++] = all[pair];
                over[i] = ended[2 * i];
            }
        }
    }

    /** Returns those of a text's first tokens, in nats. */
    public double[] of(int text, int tokens) {
        return Arrays.copyOf(divergences[text], tokens);
    }
}
