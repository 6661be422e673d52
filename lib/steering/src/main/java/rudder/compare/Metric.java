package rudder.compare;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import rudder.model.Completion;
import rudder.model.LanguageModel;

/**
 * One number for each completion: a column of a {@link Comparison}.
 *
 * @param name the column's title
 * @param all maps completions to one value each. A value must not depend on the other completions in the list; it is
 *     NaN if undefined
 * @param ratio whether values are compared by ratios, as perplexities are; then the mean is geometric
 */
public record Metric(String name, Function<List<Completion>, double[]> all, boolean ratio) {

    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}]+(?:['\u2019][\\p{L}\\p{N}]+)*");

    /** Returns a metric with an arithmetic mean: a count, a rate, or a judge's verdict of 0 or 1. */
    public static Metric of(String name, ToDoubleFunction<Completion> of) {
        return new Metric(
                name, completions -> completions.stream().mapToDouble(of).toArray(), false);
    }

    /**
     * Returns the perplexity of the generated text under an unsteered model: exp of the mean surprisal of its tokens
     * after the prompt. Its mean over completions is geometric. Undefined if no text was generated.
     */
    public static Metric perplexity(LanguageModel judge) {
        return new Metric(
                "perplexity",
                completions -> {
                    var whole = completions.stream()
                            .map(completion -> judge.encode(completion.prompt() + completion.text()))
                            .toList();
                    // a token may span the end of the prompt
                    int[] from = IntStream.range(0, whole.size())
                            .map(i -> Math.max(
                                    1, common(judge.encode(completions.get(i).prompt()), whole.get(i))))
                            .toArray();
                    return perplexities(judge, whole, from);
                },
                true);
    }

    /**
     * Returns the perplexity of the generated tokens under the unsteered model: exp of their mean surprisal. The model
     * reads the same tokens before them as when it generated, chat markers included. The end token does not count.
     * Undefined if no text was generated.
     */
    static Metric ownPerplexity(LanguageModel model) {
        return new Metric(
                "perplexity",
                completions -> {
                    var whole = completions.stream()
                            .map(completion -> {
                                int[] read = completion.promptTokens();
                                int generated = completion.tokens().length - (completion.ended() ? 1 : 0);
                                int[] tokens = Arrays.copyOf(read, read.length + generated);
                                System.arraycopy(completion.tokens(), 0, tokens, read.length, generated);
                                return tokens;
                            })
                            .toList();
                    return perplexities(
                            model,
                            whole,
                            completions.stream()
                                    .mapToInt(completion -> completion.promptTokens().length)
                                    .toArray());
                },
                true);
    }

    /** exp of the mean surprisal of each sequence's tokens {@code from}..n-1; NaN if there is none. */
    private static double[] perplexities(LanguageModel model, List<int[]> sequences, int[] from) {
        return Arrays.stream(model.surprisals(sequences, from))
                .mapToDouble(surprisals ->
                        Math.exp(Arrays.stream(surprisals).average().orElse(Double.NaN)))
                .toArray();
    }

    private static int common(int[] a, int[] b) {
        int mismatch = Arrays.mismatch(a, b);
        return mismatch < 0 ? a.length : mismatch;
    }

    /** Returns the input energy per token: the sum over blocks of |u_k|^2, in squared units of the state. */
    public static Metric energy() {
        return of("energy", Completion::energyPerToken);
    }

    /**
     * Returns distinct-n: the number of different runs of n words over the number of all runs of n words. It is 1 if no
     * run repeats. It falls if a text loops, and slowly with the text's length. Undefined for fewer than n words.
     *
     * <p>Source: Li et al., arXiv 1510.03055.
     */
    public static Metric distinct(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("runs of " + n + " words, wanted at least 1");
        }
        return of("distinct-" + n, completion -> distinct(words(completion.text()), n));
    }

    static double distinct(List<String> words, int n) {
        int runs = words.size() - n + 1;
        var different = new HashSet<List<String>>();
        for (int i = 0; i < runs; i++) {
            different.add(words.subList(i, i + n));
        }
        return runs < 1 ? Double.NaN : (double) different.size() / runs;
    }

    /**
     * Returns the share of a text's runs of four words that repeat an earlier run. It is 0 for ordinary short prose and
     * near 1 for a loop. Undefined for fewer than four words.
     */
    public static Metric repetition() {
        return of("repetition", completion -> 1 - distinct(words(completion.text()), 4));
    }

    /** Runs of letters and digits, with apostrophes inside a word, in lower case. */
    static List<String> words(String text) {
        return WORD.matcher(text.toLowerCase(Locale.ROOT))
                .results()
                .map(MatchResult::group)
                .toList();
    }

    /** Returns the same metric under another name. */
    public Metric named(String name) {
        return new Metric(name, all, ratio);
    }

    ConfidenceInterval mean(double[] values) {
        return ratio ? ConfidenceInterval.bootstrap(log(values)).map(Math::exp) : ConfidenceInterval.bootstrap(values);
    }

    double average(double[] values) {
        return ratio ? Math.exp(ConfidenceInterval.average(log(values))) : ConfidenceInterval.average(values);
    }

    ConfidenceInterval change(double[] values, double[] baseline) {
        return ratio
                ? ConfidenceInterval.ofDifference(log(values), log(baseline)).map(Math::exp)
                : ConfidenceInterval.ofDifference(values, baseline);
    }

    static double[] log(double[] values) {
        return Arrays.stream(values).map(Math::log).toArray();
    }

    @Override
    public String toString() {
        return "Metric[" + name + "]";
    }
}
