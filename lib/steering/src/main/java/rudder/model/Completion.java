package rudder.model;

import java.util.Arrays;

/**
 * The text that a model generated after a prompt, with the strengths and energies of every token.
 *
 * @param prompt the text that it continues; of a conversation, the last user message.
 * @param text the continuation, without the stop token.
 * @param promptTokens the tokens that the model read: the prompt's, with BOS and the marks of a chat.
 * @param tokens the generated tokens, with the stop token.
 * @param ended whether a stop token ended the text, rather than the maximal length.
 * @param controller name of the controller that steered.
 * @param positions tokens that it steered.
 * @param strengths beta_k = v_k.z_k of the measured feature, [tokens][T+1]. Row i belongs to the pass that chose token
 *     i. Without a measured feature there are no rows.
 * @param energies |u_k|^2, [tokens][T]; inputs on attention heads count after the output matrix, W_o u, before a norm
 *     that may follow it.
 */
public record Completion(
        String prompt,
        String text,
        int[] promptTokens,
        int[] tokens,
        boolean ended,
        String controller,
        Positions positions,
        double[][] strengths,
        double[][] energies) {

    /**
     * Returns the same generated text as a completion of another prompt. An arm that writes behind an instruction is
     * judged as if it had continued the prompt alone.
     *
     * @param promptTokens the other prompt's
     */
    public Completion continuing(String prompt, int[] promptTokens) {
        return new Completion(prompt, text, promptTokens, tokens, ended, controller, positions, strengths, energies);
    }

    /** Returns the mean input energy of a token, the sum over tokens and blocks of |u_k|^2 divided by the tokens. */
    public double energyPerToken() {
        return Arrays.stream(energies).flatMapToDouble(Arrays::stream).sum() / energies.length;
    }

    /** Returns the mean over tokens of the strength at state z_k, k = 0..T, in the state's units. */
    public double meanStrength(int k) {
        return Arrays.stream(strengths).mapToDouble(row -> row[k]).average().orElse(Double.NaN);
    }

    /** Returns the prompt, a bar and the continuation; behind them, the positions where they are not the default. */
    @Override
    public String toString() {
        return prompt + " |" + text + (positions.equals(Positions.DEFAULT) ? "" : " [" + positions + "]");
    }
}
