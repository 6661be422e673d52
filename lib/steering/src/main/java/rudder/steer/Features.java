package rudder.steer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import rudder.checkpoint.format.Progress;
import rudder.model.LanguageModel;
import rudder.model.ResidualTrace;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.control.Rollout;

/**
 * Where a feature lies in the residual stream, by the difference of means: with e_k the mean last-token state z_k of
 * the texts that show it minus the mean of those that do not, {@code mu_k = |e_k|} and {@code v_k = e_k / mu_k}, k =
 * 0..T.
 *
 * <p>The first state is the last token's embedding. Of texts that all end in the same token, a full stop perhaps, it
 * says nothing about the feature: there mu_0 = 0 and v_0 = 0, and a setpoint asks for nothing.
 *
 * <p>Source: Marks and Tegmark, arXiv 2310.06824 (difference of means); the paper, section 4.
 */
public final class Features {

    /**
     * States of equal texts agree to about this fraction of their length, single precision and batching being what they
     * are.
     */
    private static final double SAME = 1e-5;
    /** Texts of a side whose traces are held rather than made twice. */
    private static final int FEW = 64;

    /**
     * What was measured on one side of the contrast.
     *
     * @param count number of texts
     * @param states mean z_k, [T+1][d]
     * @param strengths mean of v_k.z_k, [T+1]
     * @param deviations standard deviation over the texts of v_k.z_k, [T+1]; divided by count - 1, NaN for a single
     *     text
     */
    public record Side(int count, double[][] states, double[] strengths, double[] deviations) {
        @Override
        public String toString() {
            int last = strengths.length - 1;
            return String.format(
                    Locale.ROOT,
                    "Side[%d texts, last state's strength %.4g, sd %.2g]",
                    count,
                    strengths[last],
                    deviations[last]);
        }
    }

    private final String name;
    private final double[][] directions;
    private final double[] gaps;
    private final Side positive;
    private final Side negative;

    private Features(String name, double[][] directions, double[] gaps, Side positive, Side negative) {
        this.name = name;
        this.directions = directions;
        this.gaps = gaps;
        this.positive = positive;
        this.negative = negative;
    }

    /**
     * Traces every text of the set, and where a side has more than {@value #FEW} traces it twice, for the means and
     * then for the spread about them: a batch of each side is in memory at a time.
     *
     * @throws IllegalArgumentException naming the block, if from there on the two sides look the same to the model
     */
    public static Features contrast(LanguageModel model, ContrastSet set) {
        return contrast(model, set, model::encode);
    }

    /**
     * The same with every text as a user's message to an instruction-tuned model, at the token before its answer: where
     * it is settled whether the model will, say, refuse.
     */
    public static Features contrastInChat(LanguageModel model, ContrastSet set) {
        return contrast(model, set, model::encodeChat);
    }

    private static Features contrast(LanguageModel model, ContrastSet set, Function<String, int[]> encode) {
        return contrast(
                model,
                set.name(),
                set.positive().stream().map(encode).toList(),
                set.negative().stream().map(encode).toList());
    }

    /** The same of texts given as tokens, such as a chat whose answer has begun. */
    public static Features contrast(LanguageModel model, String name, List<int[]> positive, List<int[]> negative) {
        try (var job = Progress.of("features of " + name, 2L * (positive.size() + negative.size()))) {
            return between(name, traces(model, positive, job), traces(model, negative, job));
        }
    }

    private static Iterable<Rollout> traces(LanguageModel model, List<int[]> texts, Progress job) {
        int counted = texts.size() > FEW ? 1 : 2; // passes over them
        Iterable<Rollout> runs = () -> model.streamTraces(texts)
                .map(ResidualTrace::rollout)
                .peek(run -> job.advance(counted))
                .iterator();
        if (texts.size() > FEW) {
            return runs;
        }
        var once = new ArrayList<Rollout>();
        runs.forEach(once::add);
        return once;
    }

    /**
     * The same for any plant's runs.
     *
     * @param positive runs that show the feature, of one horizon and width; iterated over twice
     * @param negative runs that do not
     * @throws IllegalArgumentException if a side is empty, or a gap after the first state is zero
     */
    public static Features between(String name, Iterable<Rollout> positive, Iterable<Rollout> negative) {
        double[][] with = meanStates(name, "positive", positive);
        double[][] without = meanStates(name, "negative", negative);
        if (with.length != without.length || with[0].length != without[0].length) {
            throw new IllegalArgumentException("the positive runs of " + name + " have T=" + (with.length - 1) + ", d="
                    + with[0].length + ", the negative ones T=" + (without.length - 1) + ", d=" + without[0].length
                    + ": wanted runs of one plant");
        }
        var directions = new double[with.length][];
        var gaps = new double[with.length];
        for (int k = 0; k < with.length; k++) {
            double[] e = Vectors.minus(with[k], without[k]); // e_k = mean(D+) - mean(D-)
            double mu = Vectors.norm(e);
            boolean absent = mu <= SAME * Math.max(Vectors.norm(with[k]), Vectors.norm(without[k]));
            if (absent && k > 0) {
                throw new IllegalArgumentException("the two sides of " + name + " have the same mean state at block "
                        + k + " (gap " + mu + "): wanted texts that differ in what they show");
            }
            gaps[k] = absent ? 0 : mu;
            directions[k] = absent ? new double[e.length] : Vectors.unit(e); // v_k = e_k / mu_k
        }
        return new Features(
                name, directions, gaps, side(positive, with, directions), side(negative, without, directions));
    }

    private static double[][] meanStates(String name, String side, Iterable<Rollout> runs) {
        double[][] sum = null;
        int count = 0;
        for (var run : runs) {
            if (sum == null) {
                sum = new double[run.horizon() + 1][run.dimension()];
            } else if (run.horizon() + 1 != sum.length || run.dimension() != sum[0].length) {
                throw new IllegalArgumentException(run + " is among the " + side + " runs of " + name + ", wanted T="
                        + (sum.length - 1) + ", d=" + sum[0].length + " like the first");
            }
            for (int k = 0; k < sum.length; k++) {
                sum[k] = Vectors.plus(sum[k], 1, run.states()[k]);
            }
            count++;
        }
        if (sum == null) {
            throw new IllegalArgumentException("there is no " + side + " run of " + name + ", wanted at least one");
        }
        for (int k = 0; k < sum.length; k++) {
            sum[k] = Vectors.times(1.0 / count, sum[k]);
        }
        return sum;
    }

    private static Side side(Iterable<Rollout> runs, double[][] means, double[][] directions) {
        var strengths = new double[means.length];
        Arrays.setAll(strengths, k -> Vectors.dot(directions[k], means[k]));
        var squares = new double[means.length];
        int count = 0;
        for (var run : runs) {
            for (int k = 0; k < squares.length; k++) {
                double deviation = Vectors.dot(directions[k], run.states()[k]) - strengths[k];
                squares[k] += deviation * deviation;
            }
            count++;
        }
        int degrees = count - 1;
        return new Side(
                count,
                means,
                strengths,
                Arrays.stream(squares).map(sum -> Math.sqrt(sum / degrees)).toArray());
    }

    /** What the feature is called. */
    public String name() {
        return name;
    }

    /** T. */
    public int horizon() {
        return gaps.length - 1;
    }

    /** d. */
    public int dimension() {
        return directions[0].length;
    }

    /** v_k, d numbers, norm 1; 0 at block 0 if the feature is absent there. k = 0..T. */
    public double[] direction(int k) {
        return directions[k].clone();
    }

    /** mu_k, in the state's units, k = 0..T. */
    public double gap(int k) {
        return gaps[k];
    }

    /** The texts that show the feature. */
    public Side positive() {
        return positive;
    }

    /** The texts that do not. */
    public Side negative() {
        return negative;
    }

    /**
     * The centred setpoint {@code beta*_k = v_k.mean(D-) + lambda mu_k}: lambda = 0 asks for the mean without the
     * feature, lambda = 1 for the mean with it.
     */
    public Setpoint setpoint(double lambda) {
        return Setpoint.of(directions, gaps, negative.strengths, lambda, label());
    }

    /**
     * The paper's setpoint {@code beta*_k = lambda mu_k}. It counts from the origin, which may lie far from every state
     * that the model visits: on Gemma 3 both sides lie below zero, so that even lambda = 0 pushes past the feature, and
     * the text breaks.
     */
    public Setpoint absolute(double lambda) {
        return Setpoint.of(directions, gaps, new double[gaps.length], lambda, label());
    }

    private String label() {
        return name + ", last token";
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "Features[%s, %d against %d texts, blocks 0..%d, d=%d, gap of the last state %.4g]",
                name,
                positive.count,
                negative.count,
                horizon(),
                dimension(),
                gaps[horizon()]);
    }
}
