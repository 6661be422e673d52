package rudder.compare;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.checkpoint.format.Progress;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.MovedText;
import rudder.model.Positions;
import rudder.model.Sampling;
import rudder.steer.ControllerFactory;
import rudder.theory.Setpoint;
import rudder.theory.Stop;
import rudder.theory.control.Arm;
import tech.tablesaw.api.Table;

/**
 * Compares controllers on the same prompts. All arms have the same sampling, number of tokens and metrics, and at each
 * prompt the same random numbers.
 *
 * <pre>{@code
 * Comparison.of(model, prompts, Controller.none(), Controller.actAdd(target, 15), lqr).table()
 * }</pre>
 *
 * <p>The metrics are {@code strength}, {@code perplexity} under the unsteered model, {@code energy} of the inputs per
 * token, {@code distinct-1} to {@code distinct-3}, and {@code repetition}. The strength is that of the feature at the
 * last state, averaged over the generated tokens, in gaps as lambda is. {@link #with} adds other metrics.
 */
public final class Comparison {

    /**
     * How completions are generated and measured.
     *
     * @param tokens longest completion
     * @param sampling how tokens are drawn; by default greedily with repetition penalty 1.2
     * @param measured the feature whose strength is measured; null for that of the first arm with a setpoint
     * @param judge the model that computes perplexity; null for the compared model itself, unsteered
     * @param positions the tokens that are steered
     * @param chat whether prompts are a user's messages, rendered with the model's chat template; otherwise prompts are
     *     texts to continue
     * @param divergence whether to measure the metric {@code KL}: the divergence, in nats, of the steered next-token
     *     distributions from the unsteered ones. It costs about twice as much as perplexity
     */
    public record Settings(
            int tokens,
            Sampling sampling,
            Setpoint measured,
            LanguageModel judge,
            Positions positions,
            boolean chat,
            boolean divergence) {
        /** Returns the same settings with this number of tokens. */
        public Settings tokens(int tokens) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** Returns the same settings with this sampling. */
        public Settings sampling(Sampling sampling) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** Returns the same settings, measuring this setpoint's feature. */
        public Settings measuring(Setpoint measured) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** Returns the same settings, with perplexity under this model. */
        public Settings judge(LanguageModel judge) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** Returns the same settings, steering these tokens. */
        public Settings atPositions(Positions positions) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** Returns the same settings, with the metric KL. */
        public Settings withDivergence() {
            return new Settings(tokens, sampling, measured, judge, positions, chat, true);
        }

        /**
         * Returns the same settings, with prompts as messages that the model answers. Without a judge, perplexity is
         * then that of the answer's tokens after the message.
         */
        public Settings asChat() {
            return new Settings(tokens, sampling, measured, judge, positions, true, divergence);
        }

        /**
         * Generates a completion of each prompt under each of several controllers, all in one batch.
         *
         * @param row index of the first prompt in a longer list. Random numbers depend on the index, so a part of the
         *     list gives the same completions as the whole list, up to rounding in batches
         * @return [controller][prompt]
         */
        public List<List<Completion>> write(
                LanguageModel model, List<ControllerFactory> factories, List<String> prompts, int row) {
            return new Writing(model, this).plain(factories, prompts, row);
        }

        /**
         * Generates as {@link #write} does, and measures how far each controller moves each token.
         *
         * @return [controller][prompt]
         */
        public List<List<MovedText>> writeMoved(
                LanguageModel model, List<ControllerFactory> factories, List<String> prompts, int row) {
            return new Writing(model, this).moved(factories, prompts, row);
        }

        /**
         * Generates as {@link #write} does, and computes the scores that need a model, as a whole comparison computes
         * them.
         *
         * @return [controller][prompt]
         */
        public List<List<ScoredCompletion>> writeScored(
                LanguageModel model, List<ControllerFactory> factories, List<String> prompts, int row) {
            return new Writing(model, this).scored(factories, prompts, row);
        }

        /**
         * Returns the metric perplexity that these settings measure of a model's texts: under the judge if there is
         * one; otherwise under the unsteered model, of raw texts, or in a chat of the answer's tokens after the
         * message.
         */
        public Metric perplexity(LanguageModel model) {
            return judge != null
                    ? Metric.perplexity(judge)
                    : chat ? Metric.ownPerplexity(model) : Metric.perplexity(model);
        }

        /**
         * Returns the same settings, measuring the feature that {@link Comparison#of} would: the present one, otherwise
         * that of the first controller with a setpoint, otherwise none.
         */
        public Settings resolved(LanguageModel model, List<ControllerFactory> factories, String prompt) {
            return measured != null
                    ? this
                    : measuring(factories.stream()
                            .flatMap(factory -> factory.controller().apply(model, prompt).setpoint().stream())
                            .findFirst()
                            .orElse(null));
        }
    }

    private final List<String> prompts;
    private final Setpoint measured; // null if no feature was measured
    private final LinkedHashMap<String, List<Completion>> completions; // by controller
    private final MeasuredMetrics metrics;

    private Comparison(
            List<String> prompts,
            Setpoint measured,
            LinkedHashMap<String, List<Completion>> completions,
            MeasuredMetrics metrics) {
        this.prompts = prompts;
        this.measured = measured;
        this.completions = completions;
        this.metrics = metrics;
    }

    /** Returns the default settings: 36 tokens, greedily with repetition penalty 1.2. */
    public static Settings settings() {
        return new Settings(36, Sampling.standard(), null, null, Positions.PROMPT_END_AND_GENERATED, false, false);
    }

    /** Compares with the default {@link #settings}. */
    public static Comparison of(LanguageModel model, List<String> prompts, Arm... arms) {
        return of(model, prompts, settings(), arms);
    }

    /**
     * Generates a completion of every prompt under every arm, and measures the completions.
     *
     * @param arms controllers and {@link ControllerFactory}s, in any mixture.
     * @throws IllegalArgumentException if there is no prompt or no arm, or two arms have the same name. Also if a
     *     controller does not fit the model, or prompt and tokens do not fit its context
     */
    public static Comparison of(LanguageModel model, List<String> prompts, Settings settings, Arm... arms) {
        if (prompts.isEmpty() || arms.length == 0) {
            throw new IllegalArgumentException("found " + prompts.size() + " prompts and " + arms.length
                    + " controllers, wanted at least one of each");
        }
        var factories = ControllerFactory.all(arms);
        var measuring = settings.resolved(model, factories, prompts.get(0));
        var writing = new Writing(model, measuring);
        var completions = new LinkedHashMap<String, List<Completion>>();
        var divergences = new IdentityHashMap<Completion, Double>();
        factories.forEach(factory -> completions.put(factory.name(), new ArrayList<>()));
        for (var batch : Batch.of(factories.size(), prompts.size())) {
            var some = factories.subList(batch.firstArm(), batch.endArm());
            var generated = writing.measured(some, batch.ofPrompts(prompts), batch.first(), divergences);
            IntStream.range(0, some.size())
                    .forEach(i -> completions.get(some.get(i).name()).addAll(generated.get(i)));
        }
        return measured(
                measuring.measured,
                completions,
                settings.perplexity(model),
                settings.divergence ? List.of(Metric.of("KL", divergences::get)) : List.of());
    }

    /**
     * Measures completions whose scores were computed elsewhere, as on a cluster. Needs no model.
     *
     * @param measured the feature whose strength was measured; null if none was
     * @param completions by controller, of the same prompts in the same order
     * @throws IllegalArgumentException if there are none, or controllers have different prompts
     */
    public static Comparison ofScored(Setpoint measured, Map<String, List<ScoredCompletion>> completions) {
        var scores = new IdentityHashMap<Completion, ScoredCompletion>();
        var plain = new LinkedHashMap<String, List<Completion>>();
        completions.forEach((name, scored) -> {
            scored.forEach(one -> scores.put(one.completion(), one));
            plain.put(name, scored.stream().map(ScoredCompletion::completion).toList());
        });
        requireSamePrompts(plain);
        boolean divergence = scores.values().stream().anyMatch(one -> !Double.isNaN(one.divergence()));
        var perplexity = Metric.of("perplexity", one -> scores.get(one).perplexity());
        return measured(
                measured,
                plain,
                new Metric(perplexity.name(), perplexity.all(), true),
                divergence ? List.of(Metric.of("KL", one -> scores.get(one).divergence())) : List.of());
    }

    /**
     * Measures completions that were generated before.
     *
     * @param settings with which they were generated
     * @param completions by controller, of the same prompts in the same order. They need strengths if the settings name
     *     a measured feature.
     * @throws IllegalArgumentException if there are none, controllers have different prompts, or the settings ask for
     *     KL, which needs the controllers
     */
    public static Comparison of(LanguageModel model, Settings settings, Map<String, List<Completion>> completions) {
        if (settings.divergence) {
            throw new IllegalArgumentException(
                    "the settings ask for KL, which completions alone cannot give: wanted settings without it");
        }
        requireSamePrompts(completions);
        return measured(settings.measured, new LinkedHashMap<>(completions), settings.perplexity(model), List.of());
    }

    private static void requireSamePrompts(Map<String, List<Completion>> completions) {
        var prompts = completions.values().stream()
                .map(generated -> generated.stream().map(Completion::prompt).toList())
                .distinct()
                .toList();
        if (prompts.size() != 1 || prompts.get(0).isEmpty()) {
            throw new IllegalArgumentException("completions under " + completions.keySet() + " continue "
                    + prompts.size() + " different lists of prompts, wanted one, of at least one prompt");
        }
    }

    private static Comparison measured(
            Setpoint measured,
            LinkedHashMap<String, List<Completion>> completions,
            Metric perplexity,
            List<Metric> more) {
        var prompts = completions.values().iterator().next().stream()
                .map(Completion::prompt)
                .toList();
        var metrics = new ArrayList<Metric>();
        if (measured != null) {
            metrics.add(Metric.of(
                    "strength",
                    completion -> measured.inGaps(measured.horizon(), completion.meanStrength(measured.horizon()))));
        }
        metrics.add(perplexity);
        metrics.addAll(more);
        metrics.addAll(List.of(
                Metric.energy(), Metric.distinct(1), Metric.distinct(2), Metric.distinct(3), Metric.repetition()));
        return new Comparison(prompts, measured, completions, MeasuredMetrics.NONE).with(metrics);
    }

    /**
     * Returns the comparison of some of its controllers.
     *
     * @throws IllegalArgumentException if there is no controller of a name
     */
    public Comparison only(String... controllers) {
        var some = new LinkedHashMap<String, List<Completion>>();
        Stream.of(controllers).forEach(name -> some.put(name, completions(name)));
        int[] theirs = some.keySet().stream().mapToInt(this::indexOf).toArray();
        return new Comparison(prompts, measured, some, metrics.only(theirs));
    }

    /**
     * Joins comparisons of the same controllers into one of all their prompts. Every prompt has the same weight.
     *
     * @throws IllegalArgumentException if controllers or metrics differ
     */
    public static Comparison joined(List<Comparison> comparisons) {
        var first = comparisons.get(0);
        var completions = new LinkedHashMap<String, List<Completion>>();
        for (var comparison : comparisons) {
            if (!comparison.controllers().equals(first.controllers())) {
                throw new IllegalArgumentException("comparisons of " + comparison.controllers() + " and of "
                        + first.controllers() + ", wanted the same controllers");
            }
        }
        first.controllers()
                .forEach(name -> completions.put(
                        name,
                        comparisons.stream()
                                .flatMap(comparison -> comparison.completions(name).stream())
                                .toList()));
        return new Comparison(
                comparisons.stream()
                        .flatMap(comparison -> comparison.prompts.stream())
                        .toList(),
                first.measured,
                completions,
                MeasuredMetrics.joined(comparisons.stream()
                        .map(comparison -> comparison.metrics)
                        .toList()));
    }

    /**
     * Returns this comparison with one more metric.
     *
     * @throws IllegalArgumentException if there is a metric of that name already
     */
    public Comparison with(Metric metric) {
        metrics.requireNew(metric.name());
        var arms = List.copyOf(completions.values());
        var values = new double[arms.size()][prompts.size()];
        try (var job = Progress.of(metric.name(), (long) arms.size() * prompts.size())) {
            // each batch under every controller before the next batch, because a judge caches the prompts it just read
            for (var batch : Batch.of(arms.size(), prompts.size())) {
                for (int arm = batch.firstArm(); arm < batch.endArm(); arm++) {
                    Stop.ifInterrupted(batch.first(), prompts.size(), "prompts");
                    double[] some = metric.all().apply(batch.ofPrompts(arms.get(arm)));
                    System.arraycopy(some, 0, values[arm], batch.first(), some.length);
                }
                job.advance(batch.texts());
            }
        }
        return new Comparison(prompts, measured, completions, metrics.with(metric, values));
    }

    /** Returns this comparison with several more metrics, in order. */
    public Comparison with(List<Metric> metrics) {
        var comparison = this;
        for (var metric : metrics) {
            comparison = comparison.with(metric);
        }
        return comparison;
    }

    /** Returns the controllers' names, in the order given. */
    public List<String> controllers() {
        return List.copyOf(completions.keySet());
    }

    /** Returns the prompts. */
    public List<String> prompts() {
        return prompts;
    }

    /** Returns the setpoint whose feature was measured; empty if no feature was. */
    public Optional<Setpoint> measured() {
        return Optional.ofNullable(measured);
    }

    /**
     * Returns the completions under a controller, in the prompts' order.
     *
     * @throws IllegalArgumentException if there is no controller of that name
     */
    public List<Completion> completions(String controller) {
        return completions.get(controllers().get(indexOf(controller)));
    }

    /**
     * Returns a metric's mean over prompts under a controller, with its 95 % interval.
     *
     * @throws IllegalArgumentException if there is no such controller or metric
     */
    public ConfidenceInterval mean(String controller, String metric) {
        return metrics.named(metric).mean(values(controller, metric));
    }

    /**
     * Returns the mean that {@link #mean} returns, without its interval, which takes 4,000 resamples.
     *
     * @throws IllegalArgumentException if there is no such controller or metric
     */
    public double average(String controller, String metric) {
        return metrics.named(metric).average(values(controller, metric));
    }

    /**
     * Returns a metric of each prompt's text under a controller, in the order of the prompts.
     *
     * @throws IllegalArgumentException if there is no such controller or metric
     */
    public double[] values(String controller, String metric) {
        return metrics.of(metrics.named(metric))[indexOf(controller)].clone();
    }

    /**
     * Returns how a controller's metric differs from a baseline's on the same prompts. This is the mean of the
     * differences, or of the ratios for a {@link Metric#ratio} metric, with the 95 % interval of the paired bootstrap.
     * An interval without 0 (for ratios, without 1) shows a difference.
     *
     * @throws IllegalArgumentException if there is no such controller or metric
     */
    public ConfidenceInterval change(String controller, String baseline, String metric) {
        return metrics.named(metric).change(values(controller, metric), values(baseline, metric));
    }

    /**
     * Returns the trade-off between two metrics, for controllers of growing strength.
     *
     * @param effect the metric to be moved
     * @param damage the metric that pays for it
     * @throws IllegalArgumentException if there is no such metric
     */
    public TradeOff tradeOff(String effect, String damage) {
        boolean ratio = metrics.named(damage).ratio();
        return new TradeOff(byController(effect, false), byController(damage, ratio), ratio);
    }

    private Map<String, double[]> byController(String metric, boolean log) {
        var all = new LinkedHashMap<String, double[]>();
        controllers().forEach(name -> all.put(name, log ? Metric.log(values(name, metric)) : values(name, metric)));
        return all;
    }

    private int indexOf(String controller) {
        int at = controllers().indexOf(controller);
        if (at < 0) {
            throw new IllegalArgumentException(
                    "there is no controller '" + controller + "' here, there are " + controllers());
        }
        return at;
    }

    /**
     * Returns one row a controller and one column a metric: the mean and its 95 % bootstrap interval over the prompts.
     *
     * @param metrics the columns, in this order; without names all metrics
     * @throws IllegalArgumentException if there is no metric of a name
     */
    public Table table(String... metrics) {
        return ComparisonTables.means(this, this.metrics, metrics);
    }

    /**
     * Returns one row a controller except the baseline, and one column a metric: the {@link #change} against the
     * baseline.
     *
     * @param metrics the columns, in this order; without names all metrics
     * @throws IllegalArgumentException if there is no such controller or metric
     */
    public Table changes(String baseline, String... metrics) {
        return ComparisonTables.changes(this, this.metrics, baseline, metrics);
    }

    /** Returns one row a controller and prompt, with all metrics as numbers, for charts and tests of your own. */
    public Table measurements() {
        return ComparisonTables.measurements(this, metrics);
    }

    /** Returns one row a prompt and one column a controller: the generated texts. */
    public Table texts() {
        return ComparisonTables.texts(this);
    }

    @Override
    public String toString() {
        return "Comparison[" + completions.size() + " controllers, " + prompts.size() + " prompts]";
    }
}
