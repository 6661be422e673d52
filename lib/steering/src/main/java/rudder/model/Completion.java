package rudder.model;

import java.util.Arrays;

/**
 * What a model wrote after a prompt, with what was measured and added at every token.
 *
 * @param prompt the text it continues
 * @param text the continuation, without the token that ended it
 * @param promptTokens what the model read: the prompt's tokens, with whatever it wants around them
 * @param tokens the continuation's tokens, the one that ended it included
 * @param ended whether a stop token ended it, rather than the asked length
 * @param controller name of the controller that steered
 * @param positions tokens that it steered
 * @param strengths beta_k = v_k.z_k of the measured feature, [tokens][T+1]: row i is the pass that chose token i; no
 *     rows if nothing was measured
 * @param energies |u_k|^2, [tokens][T]; inputs on attention heads as they reach the residual stream
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

    /** Input energy of the whole completion, sum over tokens and blocks of |u_k|^2, divided by the number of tokens. */
    public double energyPerToken() {
        return Arrays.stream(energies).flatMapToDouble(Arrays::stream).sum() / energies.length;
    }

    /** Mean over tokens of the strength at state z_k, k = 0..T, in the state's units. */
    public double meanStrength(int k) {
        return Arrays.stream(strengths).mapToDouble(row -> row[k]).average().orElse(Double.NaN);
    }

    /** Returns the prompt, a bar and the continuation; behind them, the positions where they are not the default. */
    @Override
    public String toString() {
        return prompt + " |" + text + (positions == Positions.DEFAULT ? "" : " [" + positions + "]");
    }
}
