package rudder.steer;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.tokenizer.Message;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.LanguageModel;
import rudder.model.plant.ResidualTrace;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.control.Rollout;

/**
 * The directions of a feature in the residual stream, by the difference of means. Let e_k be the mean last-token state
 * z_k of the positive texts minus that of the negative texts. Then {@code mu_k = |e_k|} and {@code v_k = e_k / mu_k},
 * for k = 0..T.
 *
 * <p>The first state z_0 is the last token's embedding. If all texts end in the same token, such as a full stop, z_0
 * does not show the feature. Then mu_0 = 0 and v_0 = 0, and a setpoint asks for nothing there.
 *
 * <p>Source: Marks and Tegmark, arXiv 2310.06824 (difference of means); the paper, section 4.
 */
public final class Features {

    /** States of equal texts agree to this fraction of their norm, in single precision and different batches. */
    private static final double SAME = 1e-5;

    private static final String LAST = ReadAt.LAST.toString();
    /** A side of at most this many texts is traced once and held; a larger side is traced twice. */
    private static final int FEW = FeatureSums.CHUNK;

    /**
     * The measurements on one side of the contrast.
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
    private final String plant; // null where any plant will do
    private final String read; // the tokens whose states were measured

    private Features(
            String name,
            double[][] directions,
            double[] gaps,
            Side positive,
            Side negative,
            String plant,
            String read) {
        this.name = name;
        this.read = read;
        this.directions = directions;
        this.gaps = gaps;
        this.positive = positive;
        this.negative = negative;
        this.plant = plant;
    }

    /**
     * Measures the features of a contrast set on a model, at the last token of every text. Setpoints are marked with
     * the model's sha256, so that another model refuses their controllers.
     *
     * <p>A side of more than {@value #FEW} texts is traced twice, for the means and for the spread about them; then
     * only one batch of its traces is in memory at a time.
     *
     * @throws IllegalArgumentException naming the block, if both sides have the same mean state there
     */
    public static Features contrast(LanguageModel model, ContrastSet set) {
        return contrast(model, set, ReadAt.LAST);
    }

    /**
     * Measures the features as {@link #contrast(LanguageModel, ContrastSet)} does, at other tokens.
     *
     * @throws IllegalArgumentException also if a text has no such token
     */
    public static Features contrast(LanguageModel model, ContrastSet set, ReadAt at) {
        return contrast(
                model, set.name(), tokens(set.positive(), model::encode), tokens(set.negative(), model::encode), at);
    }

    /**
     * Measures the features with every text as a user's message in the chat template, at the last token before the
     * answer. There the model has decided, for example, whether to refuse.
     */
    public static Features contrastInChat(LanguageModel model, ContrastSet set) {
        return contrastInChat(model, set, ReadAt.LAST);
    }

    /** Measures the features as {@link #contrastInChat(LanguageModel, ContrastSet)} does, at other tokens. */
    public static Features contrastInChat(LanguageModel model, ContrastSet set, ReadAt at) {
        return contrast(
                model,
                set.name(),
                tokens(set.positive(), model::encodeChat),
                tokens(set.negative(), model::encodeChat),
                at);
    }

    private static List<int[]> tokens(List<String> texts, Function<String, int[]> encode) {
        return texts.stream().map(encode).toList();
    }

    /** Measures the features of texts given as tokens, such as a chat whose answer has begun. */
    public static Features contrast(LanguageModel model, String name, List<int[]> positive, List<int[]> negative) {
        return contrast(model, name, positive, negative, ReadAt.LAST);
    }

    /** Measures the features of texts given as tokens, at some tokens of each. */
    public static Features contrast(
            LanguageModel model, String name, List<int[]> positive, List<int[]> negative, ReadAt at) {
        return contrast(
                model,
                name,
                new Texts(positive, at.spans(positive)),
                new Texts(negative, at.spans(negative)),
                at.toString());
    }

    /**
     * Measures the features of answers: every conversation ends with the assistant's message, and the states are
     * averaged over that message's tokens.
     *
     * <p>Source: Rimsky et al., arXiv 2312.06681 (contrastive activation addition), who read at the answer.
     *
     * @throws IllegalArgumentException also if a conversation does not end with an answer
     */
    public static Features contrastAnswers(
            LanguageModel model, String name, List<List<Message>> positive, List<List<Message>> negative) {
        return contrast(
                model, name, Texts.answered(model, positive), Texts.answered(model, negative), "mean over the answer");
    }

    private static Features contrast(LanguageModel model, String name, Texts positive, Texts negative, String read) {
        try (var job = Progress.of("features of " + name, 2L * (positive.size() + negative.size()))) {
            return between(name, traces(model, positive, job), traces(model, negative, job), model.sha256(), read);
        }
    }

    /**
     * Measures the features by the paired differences d_i of the set's i-th positive and i-th negative text: v_k is
     * their first principal component, the unit vector with the largest sum of (v.d_i)^2. The differences are not
     * centred, since their mean is the feature. The gap is the mean of v.d_i, and the sign makes it positive; repeng
     * takes the sign of most pairs, which is the same unless pairs disagree.
     *
     * <p>All states are in memory together, 16 (T + 1) d bytes a pair. Source: Zou et al., arXiv 2310.01405; repeng.
     *
     * @throws IllegalArgumentException if the sides have different numbers of texts, or no gap remains at a block
     */
    public static Features pca(LanguageModel model, ContrastSet set, ReadAt at) {
        var positive = tokens(set.positive(), model::encode);
        var negative = tokens(set.negative(), model::encode);
        PairedDifferences.requirePairs(set.name(), positive.size(), negative.size());
        try (var job = Progress.of("features of " + set.name(), positive.size() + negative.size())) {
            return pca(
                    set.name(),
                    runs(model, new Texts(positive, at.spans(positive)), job, 1),
                    runs(model, new Texts(negative, at.spans(negative)), job, 1),
                    model.sha256(),
                    at.toString());
        }
    }

    /** Measures the features of any plant's runs by their paired differences, as the other method does. */
    public static Features pca(String name, List<Rollout> positive, List<Rollout> negative) {
        PairedDifferences.requirePairs(name, positive.size(), negative.size());
        return pca(name, positive, negative, null, LAST);
    }

    private static Features pca(
            String name, List<Rollout> positive, List<Rollout> negative, String plant, String read) {
        return measured(name, positive, negative, plant, read, (k, e) -> {
            double[] v = PairedDifferences.direction(name, positive, negative, k);
            return new Axis(v, Vectors.dot(v, e));
        });
    }

    /**
     * Texts as tokens.
     *
     * @param spans the tokens to read; null for the last ones
     */
    private record Texts(List<int[]> tokens, List<TokenSpan> spans) {

        static Texts answered(LanguageModel model, List<List<Message>> conversations) {
            return new Texts(
                    conversations.stream().map(model::encodeChat).toList(),
                    conversations.stream().map(model::answerSpan).toList());
        }

        int size() {
            return tokens.size();
        }
    }

    private static Iterable<Rollout> traces(LanguageModel model, Texts texts, Progress job) {
        return texts.size() > FEW ? () -> stream(model, texts, job, 1).iterator() : runs(model, texts, job, 2);
    }

    private static List<Rollout> runs(LanguageModel model, Texts texts, Progress job, int counted) {
        return stream(model, texts, job, counted).toList();
    }

    /** @param counted progress of one pass over a text */
    private static Stream<Rollout> stream(LanguageModel model, Texts texts, Progress job, int counted) {
        return model.streamTraces(texts.tokens, texts.spans)
                .map(ResidualTrace::rollout)
                .peek(run -> job.advance(counted));
    }

    /**
     * Measures the features of any plant's runs. Setpoints carry no mark of a plant.
     *
     * @param positive runs that show the feature, all of the same horizon and width; iterated over twice.
     * @param negative runs that do not show the feature
     * @throws IllegalArgumentException if a side is empty, or a gap after the first state is zero
     */
    public static Features between(String name, Iterable<Rollout> positive, Iterable<Rollout> negative) {
        return between(name, positive, negative, null, LAST);
    }

    private static Features between(
            String name, Iterable<Rollout> positive, Iterable<Rollout> negative, String plant, String read) {
        return measured(name, positive, negative, plant, read, DIFFERENCE);
    }

    /** A direction of norm 1, and the gap along it. */
    private record Axis(double[] v, double mu) {}

    /** v_k and mu_k, k = 0..T. */
    record Axes(double[][] directions, double[] gaps) {}

    /** A method that finds the axis of a state from e_k, the difference of the sides' means. */
    interface Method {
        Axis of(int k, double[] e);
    }

    /** The difference of means. */
    static final Method DIFFERENCE = (k, e) -> {
        double mu = Vectors.norm(e);
        return new Axis(mu == 0 ? e : Vectors.unit(e), mu); // v_k = e_k / mu_k
    };

    private static Features measured(
            String name,
            Iterable<Rollout> positive,
            Iterable<Rollout> negative,
            String plant,
            String read,
            Method method) {
        double[][] with = meanStates(name, "positive", positive);
        double[][] without = meanStates(name, "negative", negative);
        requireSamePlant(name, with, without);
        var axes = axes(name, with, without, method);
        return of(
                name,
                axes,
                side(positive, with, axes.directions),
                side(negative, without, axes.directions),
                plant,
                read);
    }

    static Features of(String name, Axes axes, Side positive, Side negative, String plant, String read) {
        return new Features(name, axes.directions, axes.gaps, positive, negative, plant, read);
    }

    static Axes axes(String name, double[][] with, double[][] without, Method method) {
        var directions = new double[with.length][];
        var gaps = new double[with.length];
        for (int k = 0; k < with.length; k++) {
            double[] e = Vectors.minus(with[k], without[k]); // e_k = mean(D+) - mean(D-)
            Axis axis = method.of(k, e);
            boolean absent = isAbsent(name, k, axis.mu, with[k], without[k]);
            gaps[k] = absent ? 0 : axis.mu;
            directions[k] = absent ? new double[e.length] : axis.v;
        }
        return new Axes(directions, gaps);
    }

    private static void requireSamePlant(String name, double[][] with, double[][] without) {
        if (with.length != without.length || with[0].length != without[0].length) {
            throw new IllegalArgumentException("the positive runs of " + name + " have T=" + (with.length - 1) + ", d="
                    + with[0].length + ", the negative ones T=" + (without.length - 1) + ", d=" + without[0].length
                    + ": wanted runs of one plant");
        }
    }

    /** Returns whether the gap is rounding; throws if it is behind the first state. */
    private static boolean isAbsent(String name, int k, double mu, double[] with, double[] without) {
        boolean absent = mu <= SAME * Math.max(Vectors.norm(with), Vectors.norm(without));
        if (absent && k > 0) {
            throw new IllegalArgumentException("the two sides of " + name + " have the same mean state at block " + k
                    + " (gap " + mu + "): wanted texts that differ in what they show");
        }
        return absent;
    }

    private static double[][] meanStates(String name, String side, Iterable<Rollout> runs) {
        Rollout first = null;
        var sum = new ChunkedSum();
        for (var run : runs) {
            first = first == null ? run : first;
            if (run.horizon() != first.horizon() || run.dimension() != first.dimension()) {
                throw new IllegalArgumentException(run + " is among the " + side + " runs of " + name + ", wanted T="
                        + first.horizon() + ", d=" + first.dimension() + " like the first");
            }
            sum.add(run.states());
        }
        if (first == null) {
            throw new IllegalArgumentException("there is no " + side + " run of " + name + ", wanted at least one");
        }
        return mean(sum);
    }

    static double[][] mean(ChunkedSum sum) {
        return Stream.of(sum.total())
                .map(row -> Vectors.times(1.0 / sum.count(), row))
                .toArray(double[][]::new);
    }

    private static Side side(Iterable<Rollout> runs, double[][] means, double[][] directions) {
        double[] strengths = strengths(directions, means);
        var sum = new ChunkedSum();
        runs.forEach(run -> sum.add(new double[][] {squares(run, directions, strengths)}));
        return side(sum, means, directions);
    }

    /** v_k.m_k */
    static double[] strengths(double[][] directions, double[][] means) {
        var strengths = new double[means.length];
        Arrays.setAll(strengths, k -> Vectors.dot(directions[k], means[k]));
        return strengths;
    }

    /** (v_k.z_k - strength)^2 */
    static double[] squares(Rollout run, double[][] directions, double... strengths) {
        var squares = new double[strengths.length];
        for (int k = 0; k < squares.length; k++) {
            double deviation = Vectors.dot(directions[k], run.states()[k]) - strengths[k];
            squares[k] = deviation * deviation;
        }
        return squares;
    }

    /** @param squares their sum over the side's texts, [1][T+1] */
    static Side side(ChunkedSum squares, double[][] means, double[][] directions) {
        int degrees = squares.count() - 1;
        return new Side(
                squares.count(),
                means,
                strengths(directions, means),
                Arrays.stream(squares.total()[0])
                        .map(sum -> Math.sqrt(sum / degrees))
                        .toArray());
    }

    /** Returns the feature's name. */
    public String name() {
        return name;
    }

    /** Returns T, the number of blocks. */
    public int horizon() {
        return gaps.length - 1;
    }

    /** Returns d, the width of the state. */
    public int dimension() {
        return directions[0].length;
    }

    /** Returns v_k, [d], of norm 1, for k = 0..T; v_0 is 0 if the feature is absent there. */
    public double[] direction(int k) {
        return directions[k].clone();
    }

    /** Returns mu_k, in units of the state, for k = 0..T. */
    public double gap(int k) {
        return gaps[k];
    }

    /** Returns the measurements on the texts that show the feature. */
    public Side positive() {
        return positive;
    }

    /** Returns the measurements on the texts that do not show the feature. */
    public Side negative() {
        return negative;
    }

    /** Returns what identifies the plant that was measured: the sha256 of a model's weights; empty if nobody said. */
    public Optional<String> plant() {
        return Optional.ofNullable(plant);
    }

    /**
     * Returns the centred setpoint {@code beta*_k = v_k.mean(D-) + lambda mu_k}. Strength lambda = 0 asks for the mean
     * without the feature, lambda = 1 for the mean with it.
     */
    public Setpoint setpoint(double lambda) {
        return setpoint(negative.strengths, lambda);
    }

    /**
     * Returns the paper's setpoint {@code beta*_k = lambda mu_k}. It is measured from the origin, which may lie far
     * from all states of the model. On Gemma 3 both sides lie below zero: even lambda = 0 pushes past the feature, and
     * the text breaks.
     */
    public Setpoint absolute(double lambda) {
        return setpoint(new double[gaps.length], lambda);
    }

    private Setpoint setpoint(double[] offsets, double lambda) {
        var setpoint = Setpoint.of(directions, gaps, offsets, lambda, name + ", " + read);
        return plant().map(setpoint::measuredOn).orElse(setpoint);
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
