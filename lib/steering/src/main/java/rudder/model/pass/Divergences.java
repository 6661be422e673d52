package rudder.model.pass;

import java.util.Arrays;

/**
 * Collects how far steering moves texts while they are written. Each text has a shadow in the same batch: an unsteered
 * text that takes the same tokens. So a text's two distributions come from one pass, whose products serve all rows.
 *
 * <p>The rows 0..n-1 of the batch are the texts, and row n + i is the shadow of row i.
 */
public final class Divergences {

    private final double[][] divergences; // [text][token]
    private final int[] lengths;

    public Divergences(int texts, int maxTokens) {
        divergences = new double[texts][maxTokens];
        lengths = new int[texts];
    }

    /**
     * Adds a token of every text that goes on.
     *
     * @param index the token's number among the generated ones
     * @param logits of all rows, that the token was chosen from
     * @param ended whether each row ends with this token, or ended before
     */
    public void add(int index, Logits logits, boolean... ended) {
        double[] all = logits.divergences(i -> lengths[i] == index);
        for (int i = 0; i < all.length; i++) {
            if (lengths[i] == index) {
                divergences[i][index] = all[i];
                lengths[i] += ended[i] ? 0 : 1;
            }
        }
    }

    /** Returns those of a text's first tokens, in nats. */
    public double[] of(int text, int tokens) {
        return Arrays.copyOf(divergences[text], tokens);
    }
}
