package rudder.compare;

import java.util.ArrayList;
import java.util.Arrays;
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
import rudder.model.Positions;
import rudder.model.Sampling;
import rudder.steer.ControllerFactory;
import rudder.theory.Setpoint;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Controllers beside one another: the same prompts, sampling and number of tokens for each, every completion scored
 * alike, the same random numbers at a prompt for all.
 *
 * <pre>{@code
 * Comparison.of(model, prompts, Controller.none(), Controller.actAdd(target, 15), lqr).table()
 * }</pre>
 *
 * Scores are {@code strength}, the feature at the last state averaged over the tokens written, in gaps as lambda is;
 * {@code perplexity} under the unsteered model; {@code energy} of the inputs per token; {@code distinct-1} to
 * {@code distinct-3}, and {@code repetition}. {@link #with} adds others.
 */
public final class Comparison {

    /**
     * How completions are written and measured.
     *
     * @param tokens longest completion
     * @param sampling greedily with repetition penalty 1.2, unless said otherwise
     * @param measured the feature whose strength is measured; null for that of the first controller that has a setpoint
     * @param judge whose perplexity is reported; null for the compared model itself, unsteered
     * @param positions the tokens that are steered
     * @param chat whether prompts are messages to be answered, in the form an instruction-tuned model expects, rather
     *     than texts to be continued
     * @param divergence whether to measure how far each next-token distribution was moved, the score {@code KL} in
     *     nats, at about the price of perplexity twice
     */
    public record Settings(
            int tokens,
            Sampling sampling,
            Setpoint measured,
            LanguageModel judge,
            Positions positions,
            boolean chat,
            boolean divergence) {
        /** Other settings with this many tokens. */
        public Settings tokens(int tokens) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** The same settings with this sampling. */
        public Settings sampling(Sampling sampling) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** The same settings, measuring this setpoint's feature. */
        public Settings measuring(Setpoint measured) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** The same settings, with perplexity under this model. */
        public Settings judge(LanguageModel judge) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** The same settings, steering these tokens. */
        public Settings atPositions(Positions positions) {
            return new Settings(tokens, sampling, measured, judge, positions, chat, divergence);
        }

        /** The same settings, with the score KL. */
        public Settings withDivergence() {
            return new Settings(tokens, sampling, measured, judge, positions, chat, true);
        }

        /**
         * The same settings, with prompts as messages that are answered; perplexity, unless a judge is named, is then
         * that of the answer's tokens after the message.
         */
        public Settings asChat() {
            return new Settings(tokens, sampling, measured, judge, positions, true, divergence);
        }

        /**
         * Generates a text after each prompt under each of several controllers, all side by side.
         *
         * @param row place of the first prompt in a longer list: a part of the list gives what the whole gives, up to
         *     the rounding of batches
         * @return [steering][prompt]
         */
        public List<List<Completion>> write(
                LanguageModel model, List<ControllerFactory> factories, List<String> prompts, int row) {
            int n = prompts.size();
            var controllers = factories.stream()
                    .flatMap(factory -> factory.controllers(model, prompts))
                    .toList();
            var steered = model.steered(controllers)
                    .measuring(measured)
                    .atPositions(positions)
                    .fromRow(row)
                    .inRounds(n);
            var all = factories.stream().flatMap(factory -> prompts.stream()).toList();
            var written = chat ? steered.chat(all, tokens, sampling) : steered.generate(all, tokens, sampling);
            return IntStream.range(0, factories.size())
                    .mapToObj(i -> written.subList(i * n, (i + 1) * n))
                    .toList();
        }
    }

    private final List<String> prompts;
    private final Setpoint measured; // null if nothing was
    private final LinkedHashMap<String, List<Completion>> completions; // by controller
    private final LinkedHashMap<Metric, double[][]> metrics; // [controller][prompt]

    private Comparison(
            List<String> prompts,
            Setpoint measured,
            LinkedHashMap<String, List<Completion>> completions,
            LinkedHashMap<Metric, double[][]> metrics) {
        this.prompts = prompts;
        this.measured = measured;
        this.completions = completions;
        this.metrics = metrics;
    }

    /** 36 tokens, greedily with repetition penalty 1.2. */
    public static Settings settings() {
        return new Settings(
                36,
                Sampling.greedy().withRepetitionPenalty(1.2),
                null,
                null,
                Positions.PROMPT_END_AND_GENERATED,
                false,
                false);
    }

    /** Compares with the default {@link #settings}. */
    public static Comparison of(LanguageModel model, List<String> prompts, Arm... arms) {
        return of(model, prompts, settings(), arms);
    }

    /**
     * Continues every prompt under every arm, and scores the completions.
     *
     * @param arms {@link Controller}s and {@link ControllerFactory}s, in any mixture
     * @throws IllegalArgumentException if there is no prompt or no arm, two arms have the same name, a controller does
     *     not fit the model, or prompt and tokens do not fit its context
     */
    public static Comparison of(LanguageModel model, List<String> prompts, Settings settings, Arm... arms) {
        if (prompts.isEmpty() || arms.length == 0) {
            throw new IllegalArgumentException("found " + prompts.size() + " prompts and " + arms.length
                    + " controllers, wanted at least one of each");
        }
        // KL asks for the controllers a second time
        var factories = ControllerFactory.all(arms).stream()
                .map(factory -> settings.divergence ? factory.kept() : factory)
                .toList();
        var measuring = settings.measuring(
                settings.measured != null
                        ? settings.measured
                        : factories.stream()
                                .flatMap(factory ->
                                        factory.controller().apply(model, prompts.get(0)).setpoint().stream())
                                .findFirst()
                                .orElse(null));
        var completions = new LinkedHashMap<String, List<Completion>>();
        factories.forEach(factory -> completions.put(factory.name(), new ArrayList<>()));
        for (var batch : Batch.of(factories.size(), prompts.size())) {
            var some = factories.subList(batch.firstArm(), batch.endArm());
            var written = measuring.write(model, some, batch.ofPrompts(prompts), batch.first());
            IntStream.range(0, some.size())
                    .forEach(i -> completions.get(some.get(i).name()).addAll(written.get(i)));
        }
        var divergences = new IdentityHashMap<Completion, Double>();
        if (settings.divergence) {
            for (var factory : factories) {
                var written = completions.get(factory.name());
                double[][] moved = factory.on(model, prompts)
                        .atPositions(settings.positions)
                        .divergences(written);
                IntStream.range(0, moved.length)
                        .forEach(i -> divergences.put(
                                written.get(i),
                                Arrays.stream(moved[i]).average().orElseThrow()));
            }
        }
        return scored(
                model,
                measuring,
                completions,
                settings.divergence ? List.of(Metric.of("KL", divergences::get)) : List.of());
    }

    /**
     * Scores completions that were written before, as if they had just been.
     *
     * @param settings with which they were written
     * @param completions by controller, of the same prompts in the same order; with strengths where the settings name a
     *     measured feature
     * @throws IllegalArgumentException if there is none, controllers have different prompts, or the settings ask for
     *     KL, which needs the controllers
     */
    public static Comparison of(LanguageModel model, Settings settings, Map<String, List<Completion>> completions) {
        if (settings.divergence) {
            throw new IllegalArgumentException("KL cannot be had of completions alone: wanted settings without it");
        }
        var prompts = completions.values().stream()
                .map(written -> written.stream().map(Completion::prompt).toList())
                .distinct()
                .toList();
        if (prompts.size() != 1 || prompts.get(0).isEmpty()) {
            throw new IllegalArgumentException("completions under " + completions.keySet() + " continue "
                    + prompts.size() + " different lists of prompts, wanted one, of at least one prompt");
        }
        return scored(model, settings, new LinkedHashMap<>(completions), List.of());
    }

    private static Comparison scored(
            LanguageModel model,
            Settings settings,
            LinkedHashMap<String, List<Completion>> completions,
            List<Metric> more) {
        var prompts = completions.values().iterator().next().stream()
                .map(Completion::prompt)
                .toList();
        var measured = settings.measured;
        var metrics = new ArrayList<Metric>();
        if (measured != null) {
            metrics.add(Metric.of(
                    "strength",
                    completion -> measured.inGaps(measured.horizon(), completion.meanStrength(measured.horizon()))));
        }
        metrics.add(
                settings.judge != null
                        ? Metric.perplexity(settings.judge)
                        : settings.chat ? Metric.ownPerplexity(model) : Metric.perplexity(model));
        metrics.addAll(more);
        metrics.addAll(List.of(
                Metric.energy(), Metric.distinct(1), Metric.distinct(2), Metric.distinct(3), Metric.repetition()));
        return new Comparison(prompts, measured, completions, new LinkedHashMap<>()).with(metrics);
    }

    /**
     * This comparison of some of its controllers.
     *
     * @throws IllegalArgumentException if one is not there
     */
    public Comparison only(String... controllers) {
        var some = new LinkedHashMap<String, List<Completion>>();
        Stream.of(controllers).forEach(name -> some.put(name, completions(name)));
        var theirs = new LinkedHashMap<Metric, double[][]>();
        metrics.forEach((metric, values) -> theirs.put(
                metric,
                some.keySet().stream().map(name -> values[indexOf(name)]).toArray(double[][]::new)));
        return new Comparison(prompts, measured, some, theirs);
    }

    /**
     * Several comparisons of the same controllers as one: every prompt of every one of them counts alike, and a prompt
     * under one is paired with itself.
     *
     * @throws IllegalArgumentException if controllers or scores differ
     */
    public static Comparison joined(List<Comparison> comparisons) {
        var first = comparisons.get(0);
        var completions = new LinkedHashMap<String, List<Completion>>();
        var metrics = new LinkedHashMap<Metric, double[][]>();
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
        first.metrics
                .keySet()
                .forEach(metric -> metrics.put(
                        metric,
                        IntStream.range(0, completions.size())
                                .mapToObj(i -> comparisons.stream()
                                        .flatMapToDouble(comparison -> Arrays.stream(
                                                comparison.metrics.get(comparison.metric(metric.name()))[i]))
                                        .toArray())
                                .toArray(double[][]::new)));
        return new Comparison(
                comparisons.stream()
                        .flatMap(comparison -> comparison.prompts.stream())
                        .toList(),
                first.measured,
                completions,
                metrics);
    }

    /**
     * This comparison with one more score.
     *
     * @throws IllegalArgumentException if there is one of that name
     */
    public Comparison with(Metric metric) {
        if (metrics.keySet().stream().anyMatch(present -> present.name().equals(metric.name()))) {
            throw new IllegalArgumentException("there is a score '" + metric.name() + "' already: choose another name");
        }
        var all = new LinkedHashMap<>(metrics);
        var arms = List.copyOf(completions.values());
        var values = new double[arms.size()][prompts.size()];
        try (var job = Progress.of(metric.name(), (long) arms.size() * prompts.size())) {
            // a batch under every controller before the next: what a judge reads of all of them alike, it has just read
            for (var batch : Batch.of(arms.size(), prompts.size())) {
                for (int arm = batch.firstArm(); arm < batch.endArm(); arm++) {
                    double[] some = metric.all().apply(batch.ofPrompts(arms.get(arm)));
                    System.arraycopy(some, 0, values[arm], batch.first(), some.length);
                }
                job.advance(batch.texts());
            }
        }
        all.put(metric, values);
        return new Comparison(prompts, measured, completions, all);
    }

    /** {@link #with(Metric)} of several, in order. */
    public Comparison with(List<Metric> metrics) {
        var comparison = this;
        for (var metric : metrics) {
            comparison = comparison.with(metric);
        }
        return comparison;
    }

    /** The controllers' names, in the order given. */
    public List<String> controllers() {
        return List.copyOf(completions.keySet());
    }

    /** The prompts. */
    public List<String> prompts() {
        return prompts;
    }

    /** The setpoint whose feature was measured, if one was. */
    public Optional<Setpoint> measured() {
        return Optional.ofNullable(measured);
    }

    /**
     * What was written under a controller, in the prompts' order.
     *
     * @throws IllegalArgumentException if there is no controller of that name
     */
    public List<Completion> completions(String controller) {
        return completions.get(controllers().get(indexOf(controller)));
    }

    /**
     * A score's mean over prompts under a controller, with its 95 % interval.
     *
     * @throws IllegalArgumentException if there is no such controller or score
     */
    public ConfidenceInterval mean(String controller, String metric) {
        var found = metric(metric);
        return found.mean(metrics.get(found)[indexOf(controller)]);
    }

    /**
     * How a controller's score differs from a baseline's on the same prompts: mean of the differences, or of the ratios
     * for a score that is compared by ratios, with the 95 % interval of the paired bootstrap. An interval without 0 (or
     * 1) shows a difference.
     *
     * @throws IllegalArgumentException if there is no such controller or score
     */
    public ConfidenceInterval change(String controller, String baseline, String metric) {
        var found = metric(metric);
        return found.change(metrics.get(found)[indexOf(controller)], metrics.get(found)[indexOf(baseline)]);
    }

    /**
     * What controllers of growing strength achieve at equal damage.
     *
     * @param effect the score wanted
     * @param damage the score it costs
     * @throws IllegalArgumentException if there is no such score
     */
    public TradeOff tradeOff(String effect, String damage) {
        boolean ratio = metric(damage).ratio();
        return new TradeOff(byController(metric(effect), false), byController(metric(damage), ratio), ratio);
    }

    private Map<String, double[]> byController(Metric metric, boolean log) {
        var values = new LinkedHashMap<String, double[]>();
        controllers()
                .forEach(name -> values.put(
                        name,
                        log ? Metric.log(metrics.get(metric)[indexOf(name)]) : metrics.get(metric)[indexOf(name)]));
        return values;
    }

    private int indexOf(String controller) {
        int at = controllers().indexOf(controller);
        if (at < 0) {
            throw new IllegalArgumentException(
                    "there is no controller '" + controller + "' here, there are " + controllers());
        }
        return at;
    }

    private Metric metric(String name) {
        return metrics.keySet().stream()
                .filter(metric -> metric.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no score '" + name + "' here, there are "
                        + metrics.keySet().stream().map(Metric::name).toList()));
    }

    /** One row a controller, one column a score: mean and 95 % bootstrap interval over the prompts. */
    public Table table() {
        var table = Table.create(this.toString(), StringColumn.create("controller", controllers()));
        metrics.forEach((metric, values) -> table.addColumns(StringColumn.create(
                metric.name(), Stream.of(values).map(row -> metric.mean(row).toString()))));
        return table;
    }

    /** One row a controller but the baseline, one column a score: {@link #change} against the baseline. */
    public Table changes(String baseline) {
        var others = controllers().stream()
                .filter(controller -> !controller.equals(baseline))
                .toList();
        var table = Table.create("Against " + baseline, StringColumn.create("controller", others));
        metrics.keySet()
                .forEach(metric -> table.addColumns(StringColumn.create(
                        metric.name() + (metric.ratio() ? ", ratio" : ", difference"),
                        others.stream().map(controller -> change(controller, baseline, metric.name())
                                .toString()))));
        return table;
    }

    /** One row a controller and prompt, with all scores as numbers: what a chart or a test of one's own starts from. */
    public Table measurements() {
        var table = Table.create(
                "Measurements",
                StringColumn.create("controller", controllers().stream().flatMap(name -> prompts.stream()
                        .map(prompt -> name))),
                StringColumn.create("prompt", controllers().stream().flatMap(name -> prompts.stream())));
        metrics.forEach((metric, values) -> table.addColumns(DoubleColumn.create(
                metric.name(), Stream.of(values).flatMapToDouble(Arrays::stream).toArray())));
        return table;
    }

    /** One row a prompt, one column a controller: what was written, side by side. */
    public Table texts() {
        var table = Table.create("Completions", StringColumn.create("prompt", prompts));
        completions.forEach((name, written) ->
                table.addColumns(StringColumn.create(name, written.stream().map(Completion::text))));
        return table;
    }

    @Override
    public String toString() {
        return "Comparison[" + completions.size() + " controllers, " + prompts.size() + " prompts]";
    }
}
