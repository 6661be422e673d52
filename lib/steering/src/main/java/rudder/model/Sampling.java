package rudder.model;

import rudder.model.engine.Sampler;

/**
 * Settings for choosing the next token from the logits. The steps and their order are those of the transformers
 * library:
 *
 * <ol>
 *   <li>Divide the logits of tokens already in the text by the repetition penalty; multiply negative ones.
 *   <li>Divide all logits by the temperature.
 *   <li>Keep the {@code topK} largest.
 *   <li>Keep the fewest of these whose probabilities sum to {@code topP}.
 *   <li>Draw one of them.
 * </ol>
 *
 * @param temperature 0 takes the largest logit (greedy decoding), 1 draws from the model's own distribution
 * @param topK how many tokens to keep; 0 keeps all
 * @param topP the probability to keep, in (0, 1]; 1 keeps all
 * @param repetitionPenalty above 1 discourages tokens of the prompt and of the text so far; 1 has no effect. Source:
 *     Keskar et al. 2019, arXiv 1909.05858, section 4.1
 * @param seed the same seed draws the same tokens. Text i of a list draws the same whatever the size of a batch; alone
 *     it is text 0, see {@link SteeredModel#fromRow}
 */
public record Sampling(double temperature, int topK, double topP, double repetitionPenalty, long seed) {
    public Sampling {
        require(
                temperature >= 0 && temperature < Double.POSITIVE_INFINITY,
                "temperature",
                temperature,
                "0 (greedy) or above");
        require(topK >= 0, "topK", topK, "a number of tokens, or 0 for all");
        require(topP > 0 && topP <= 1, "topP", topP, "a probability above 0, up to 1");
        require(
                repetitionPenalty > 0 && repetitionPenalty < Double.POSITIVE_INFINITY,
                "repetitionPenalty",
                repetitionPenalty,
                "a factor above 0; 1 for none");
    }

    private static void require(boolean holds, String name, Object found, String wanted) {
        if (!holds) {
            throw new IllegalArgumentException(name + ": found " + found + ", wanted " + wanted);
        }
    }

    /** Returns greedy decoding: always the likeliest token. */
    public static Sampling greedy() {
        return new Sampling(0, 0, 1, 1, 0);
    }

    /** Returns the default where none is given: greedy decoding with repetition penalty 1.2. */
    public static Sampling standard() {
        return greedy().withRepetitionPenalty(1.2);
    }

    /** Returns the paper's setting (arXiv 2604.19018): top-p 0.3 at temperature 1, repetition penalty 1.2; seed 0. */
    public static Sampling paper() {
        return new Sampling(1, 0, 0.3, 1.2, 0);
    }

    public Sampling withTemperature(double value) {
        return new Sampling(value, topK, topP, repetitionPenalty, seed);
    }

    public Sampling withTopK(int value) {
        return new Sampling(temperature, value, topP, repetitionPenalty, seed);
    }

    public Sampling withTopP(double value) {
        return new Sampling(temperature, topK, value, repetitionPenalty, seed);
    }

    public Sampling withRepetitionPenalty(double value) {
        return new Sampling(temperature, topK, topP, value, seed);
    }

    public Sampling withSeed(long value) {
        return new Sampling(temperature, topK, topP, repetitionPenalty, value);
    }

    Sampler sampler(int row, int... prompt) {
        return new Sampler(temperature, topK, topP, repetitionPenalty, seed, row, prompt);
    }
}
