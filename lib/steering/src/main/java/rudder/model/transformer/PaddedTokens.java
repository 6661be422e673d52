package rudder.model.transformer;

import java.util.List;

/**
 * Prompts of different lengths as one batch: padded on the left, so that the last token of each stands in the last
 * column.
 *
 * @param tokens [B][longest], zeros where there is padding
 * @param pads [B], columns of padding before each prompt
 */
public record PaddedTokens(int[][] tokens, int[] pads) {

    /** Pads all prompts to the length of the longest. */
    public static PaddedTokens of(List<int[]> prompts) {
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        var tokens = new int[prompts.size()][longest];
        var pads = new int[tokens.length];
        for (int i = 0; i < tokens.length; i++) {
            int[] prompt = prompts.get(i);
            pads[i] = longest - prompt.length;
            System.arraycopy(prompt, 0, tokens[i], pads[i], prompt.length);
        }
        return new PaddedTokens(tokens, pads);
    }

    /** Returns the number of columns, which is the length of the longest prompt. */
    public int columns() {
        return tokens[0].length;
    }
}
