package rudder.model.engine;

import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Prompts of different lengths as one batch: padded on the left, so that the last token of each stands in the last
 * column.
 *
 * @param tokens [B][columns], zeros where there is padding
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

    /** Returns the number of prompts. */
    public int size() {
        return tokens.length;
    }

    /** Returns the tokens of one prompt, without its padding. */
    public IntBuffer row(int i) {
        return IntBuffer.wrap(tokens[i], pads[i], columns() - pads[i]);
    }

    /** Returns a batch of some of the prompts. */
    public PaddedTokens rows(int... rows) {
        return new PaddedTokens(
                Arrays.stream(rows).mapToObj(i -> tokens[i]).toArray(int[][]::new),
                Arrays.stream(rows).map(i -> pads[i]).toArray());
    }

    /** Returns the columns before one. */
    public PaddedTokens before(int column) {
        return new PaddedTokens(
                Arrays.stream(tokens).map(row -> Arrays.copyOf(row, column)).toArray(int[][]::new), pads);
    }

    /** Returns the tokens from one column on, [B][columns - column]. */
    public int[][] from(int column) {
        return Arrays.stream(tokens)
                .map(row -> Arrays.copyOfRange(row, column, row.length))
                .toArray(int[][]::new);
    }

    /** Returns how many tokens all prompts begin with; fewer than there are columns. */
    public int commonPrefix() {
        return IntStream.range(0, size())
                .map(i -> {
                    int differs = row(0).mismatch(row(i));
                    return differs < 0 ? columns() - pads[0] : differs;
                })
                .reduce(columns() - 1, Math::min);
    }

    /** Returns whether both batches have the same tokens in the same columns. */
    public boolean matches(PaddedTokens other) {
        return Arrays.equals(pads, other.pads) && Arrays.deepEquals(tokens, other.tokens);
    }
}
