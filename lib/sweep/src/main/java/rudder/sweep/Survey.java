package rudder.sweep;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import rudder.model.LanguageModel;
import rudder.model.plant.PromptPlant;
import rudder.steer.ContrastSet;
import rudder.steer.FeatureSums;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.steer.Provenance;
import rudder.steer.ReadAt;
import rudder.steer.rival.HeadProbes;
import rudder.study.LinearityStudy;
import rudder.sweep.unit.Folder;
import rudder.sweep.unit.Rate;
import rudder.sweep.unit.SentModel;
import rudder.sweep.unit.UnitRun;

/**
 * A sweep of one measurement over many texts or blocks. Its units are joined to the object that one machine gives.
 *
 * <pre>{@code
 * var survey = Survey.features(model, set);
 * try (var spark = SweepSession.local()) {
 *     Features features = survey.run(spark, "sweeps/ocean").result();
 * }
 * }</pre>
 *
 * <p>Units have ids as those of {@link Sweep} have, and lie in the same kind of folder: a unit that is there is not
 * computed again, a unit that failed is a row with its error, and a survey that was killed goes on where it stopped.
 * One folder may hold sweeps and surveys.
 *
 * <p>Units are fixed chunks of the batches in which one machine reads, and sums are added in the order of the texts.
 * One machine sums the same chunks. So results do not depend on the cluster, and equal those of one machine to the last
 * bit, under the conditions that the package states.
 *
 * @param <R> the result
 */
public final class Survey<R> {

    /** Texts of a unit. A multiple of twice a batch: then each unit is read in whole batches, as one machine reads. */
    private static final int TEXTS = 64;
    /** Jacobians of a unit take at most this many bytes, or are those of one block. */
    private static final long JACOBIANS = 32L << 20;

    /** Gives the tables of a unit of the survey. */
    interface Tables {
        Map<String, double[][]> of(int unit) throws IOException;
    }

    /** Makes a result when it is asked for. */
    interface Source<R> {
        R get() throws IOException;
    }

    /** What follows when all units are there: a result, or units that needed the first ones. */
    record Step<R>(Source<R> result, Survey<R> next) {
        static <R> Step<R> done(Source<R> result) {
            return new Step<>(result, null);
        }
    }

    interface Join<R> {
        Step<R> of(Tables tables) throws IOException;
    }

    /**
     * A unit.
     *
     * @param here the model on this machine
     * @param bytes of its result, before compression
     */
    record Planned(MeasurementJob job, LanguageModel here, long bytes) {
        static Planned of(LanguageModel model, Measurement what, long bytes) {
            var sent = SentModel.of(model);
            var texts = new ArrayList<>(List.of(Provenance.VERSION, sent.id().toString(), what.kind()));
            texts.addAll(what.inputs());
            var id = Provenance.digest(texts).substring(0, 32);
            return new Planned(new MeasurementJob(sent, what, id), model, bytes);
        }
    }

    private final List<Planned> units;
    private final int later; // units of later steps, each with the work of one of these
    private final double hours; // of all units; NaN if nothing was timed
    private final String source; // of the hours
    private final Join<R> join;

    private Survey(List<Planned> units, int later, double hours, String source, Join<R> join) {
        this.units = units;
        this.later = later;
        this.hours = hours;
        this.source = source;
        this.join = join;
    }

    static <R> Survey<R> of(List<Planned> units, int later, Join<R> join) {
        return new Survey<>(List.copyOf(units), later, Double.NaN, null, join);
    }

    /**
     * Plans {@link Features#contrast(LanguageModel, ContrastSet)}: sums of states with counts, then sums of squared
     * deviations along the directions.
     *
     * @param model loaded here to make the plan and the result; executors load it by the same name or path
     * @throws IllegalArgumentException if the model was made in memory
     */
    public static Survey<Features> features(LanguageModel model, ContrastSet set) {
        return features(model, set, ReadAt.LAST);
    }

    /** Plans {@link Features#contrast(LanguageModel, ContrastSet, ReadAt)}. */
    public static Survey<Features> features(LanguageModel model, ContrastSet set, ReadAt at) {
        return features(model, FeatureSums.of(model, set, at));
    }

    /** Plans {@link Features#contrastInChat(LanguageModel, ContrastSet, ReadAt)}. */
    public static Survey<Features> featuresInChat(LanguageModel model, ContrastSet set, ReadAt at) {
        return features(model, FeatureSums.inChat(model, set, at));
    }

    private static Survey<Features> features(LanguageModel model, FeatureSums sums) {
        var chunks = sums.chunks();
        int[] first = new int[chunks.size()];
        for (int i = 1; i < first.length; i++) {
            first[i] = first[i - 1] + chunks.get(i - 1).tokens().size();
        }
        long horizon = model.horizon() + 1L;
        IntFunction<Planned> sum = i ->
                Planned.of(model, new Measurements.StateSum(chunks.get(i), first[i]), horizon * model.dimension() * 8);
        return of(each(chunks.size(), sum), chunks.size(), tables -> {
            var means = sums.means(all(chunks.size(), tables));
            IntFunction<Planned> squares = i ->
                    Planned.of(model, new Measurements.SquareSum(means.squares(chunks.get(i)), first[i]), horizon * 8);
            return new Step<>(
                    null,
                    of(
                            each(chunks.size(), squares),
                            0,
                            more -> Step.done(() -> means.features(all(chunks.size(), more).stream()
                                    .map(rows -> rows[0])
                                    .toList()))));
        });
    }

    private static <T> List<T> each(int count, IntFunction<T> made) {
        return IntStream.range(0, count).mapToObj(made).toList();
    }

    private static List<double[][]> all(int count, Tables tables) throws IOException {
        var all = new ArrayList<double[][]>();
        for (int i = 0; i < count; i++) {
            all.add(Measurements.only(tables.of(i)));
        }
        return all;
    }

    /**
     * Plans {@link Linearisation#kept(LanguageModel, List)}: sums of Jacobians, of {@value PromptPlant#CHUNK} prompts
     * and some blocks a unit. The result is kept in this machine's cache; later calls of {@code kept} load it. On a GPU
     * a mean may differ in its last bit, because there the engine multiplies by the reciprocal of the number of
     * prompts.
     *
     * @throws IllegalArgumentException if there is no prompt, or the model was made in memory
     */
    public static Survey<Linearisation> meanJacobians(LanguageModel model, List<String> prompts) {
        requireSome("prompts", prompts);
        var texts = prompts.stream().map(model::encode).toList();
        int d = model.dimension();
        int blocks = model.horizon();
        int together = (int) Math.max(1, Math.min(blocks, JACOBIANS / (4L * d * d)));
        int groups = (blocks + together - 1) / together;
        var units = new ArrayList<Planned>();
        for (int first = 0; first < texts.size(); first += PromptPlant.CHUNK) {
            var some = List.copyOf(texts.subList(first, Math.min(texts.size(), first + PromptPlant.CHUNK)));
            for (int k = 0; k < blocks; k += together) {
                int end = Math.min(blocks, k + together);
                units.add(Planned.of(
                        model, new Measurements.JacobianSums(some, first, k, end, blocks), 4L * d * d * (end - k)));
            }
        }
        return of(
                units,
                0,
                tables -> Step.done(() -> Linearisation.kept(
                        model,
                        prompts,
                        new JoinedMeans(texts.size(), groups, together, units.size() / groups, tables)::block)));
    }

    /**
     * Plans {@link HeadProbes#of(LanguageModel, ContrastSet, ReadAt)}: the outputs of all heads at all texts.
     *
     * @throws IllegalArgumentException if the model was made in memory, or a text has no such token
     */
    public static Survey<HeadProbes> headProbes(LanguageModel model, ContrastSet set, ReadAt at) {
        var sides = FeatureSums.of(model, set, at).chunks(); // of TEXTS, each of one side
        var units = new ArrayList<Planned>();
        int first = 0;
        for (var chunk : sides) {
            int size = chunk.tokens().size();
            units.add(Planned.of(
                    model,
                    new Measurements.HeadOutputs(chunk.tokens(), chunk.spans(), first),
                    4L * size * model.horizon() * model.headsWidth()));
            first += size;
        }
        return of(
                units,
                0,
                tables -> Step.done(() -> {
                    var positive = new ArrayList<double[][]>();
                    var negative = new ArrayList<double[][]>();
                    for (int i = 0; i < units.size(); i++) {
                        for (var row : Measurements.only(tables.of(i))) {
                            (sides.get(i).positive() ? positive : negative)
                                    .add(Measurements.HeadOutputs.blocks(row, model.headsWidth()));
                        }
                    }
                    return HeadProbes.ofOutputs(
                            model,
                            set.name(),
                            positive.toArray(double[][][]::new),
                            negative.toArray(double[][][]::new));
                }));
    }

    /**
     * Plans {@link LanguageModel#surprisals(List, int...)} of texts: the negative log-likelihood in nats of each text's
     * tokens 2..n, [text][n - 1].
     *
     * @throws IllegalArgumentException if there is no text, or the model was made in memory
     */
    public static Survey<double[][]> surprisals(LanguageModel model, List<String> texts) {
        requireSome("texts", texts);
        var tokens = texts.stream().map(model::encode).toList();
        var units = new ArrayList<Planned>();
        for (int first = 0, end; first < tokens.size(); first = end) {
            // a short rest joins the last unit: it would be read in smaller batches
            end = tokens.size() - first < 2 * TEXTS ? tokens.size() : first + TEXTS;
            var what = new Measurements.Surprisals(List.copyOf(tokens.subList(first, end)), first);
            units.add(Planned.of(model, what, 8 * what.tokens()));
        }
        return of(
                units,
                0,
                tables -> Step.done(() -> all(units.size(), tables).stream()
                        .flatMap(Arrays::stream)
                        .toArray(double[][]::new)));
    }

    /**
     * Plans {@link LinearityStudy#kept(LanguageModel, List, List, ContrastSet)}: a unit is a block. {@link #all} joins
     * the studies of several models.
     *
     * @throws IllegalArgumentException if the model was made in memory, there are fewer than three prompts, a prompt
     *     occurs twice, or the population is empty
     */
    public static Survey<LinearityStudy> linearity(
            LanguageModel model, List<String> prompts, List<String> population, ContrastSet contrast) {
        LinearityStudy.requireWhole(prompts, population);
        var subject = new Measurements.Linearity.Subject(
                List.copyOf(prompts),
                List.copyOf(population),
                contrast.name(),
                contrast.positive(),
                contrast.negative());
        long read = Stream.of(prompts, population, contrast.positive(), contrast.negative())
                .flatMap(List::stream)
                .mapToLong(text -> model.encode(text).length)
                .sum();
        long n = prompts.size();
        // alignments of n prompts twice, values of d/20, errors of each kind, all in double precision
        long bytes = 8 * n * (2 * n + model.dimension() / 20 + 96);
        return of(
                each(model.horizon(), k -> Planned.of(model, new Measurements.Linearity(subject, k, read), bytes)),
                0,
                tables -> Step.done(() -> {
                    var blocks = new ArrayList<Map<String, double[][]>>();
                    for (int k = 0; k < model.horizon(); k++) {
                        blocks.add(tables.of(k));
                    }
                    return LinearityStudy.ofBlocks(model.name(), prompts, blocks);
                }));
    }

    private static void requireSome(String what, List<String> texts) {
        if (texts.isEmpty()) {
            throw new IllegalArgumentException("there are no " + what + ", wanted at least one");
        }
    }

    /**
     * Returns the survey of several, of different models for instance. Their units run side by side, and the result
     * lists their results.
     */
    public static <R> Survey<List<R>> all(List<Survey<R>> surveys) {
        var units = surveys.stream().flatMap(survey -> survey.units.stream()).toList();
        int later = surveys.stream().mapToInt(survey -> survey.later).sum();
        double hours = surveys.stream().mapToDouble(survey -> survey.hours).sum();
        var sources = surveys.stream().map(survey -> survey.source).distinct().toList();
        return new Survey<>(units, later, hours, sources.toString(), tables -> {
            var steps = new ArrayList<Step<R>>();
            int first = 0;
            for (var survey : surveys) {
                int from = first;
                steps.add(survey.join.of(i -> tables.of(from + i)));
                first += survey.units.size();
            }
            if (steps.stream().allMatch(step -> step.next == null)) {
                return Step.done(() -> {
                    var results = new ArrayList<R>();
                    for (var step : steps) {
                        results.add(step.result.get());
                    }
                    return results;
                });
            }
            return new Step<>(
                    null,
                    all(steps.stream()
                            .map(step -> step.next == null ? of(List.<Planned>of(), 0, none -> step) : step.next)
                            .toList()));
        });
    }

    /** Returns the number of units. */
    public int units() {
        return units.size() + later;
    }

    /**
     * Returns the plan with an estimate of its hours. Computes the first unit of each model on this machine, twice, and
     * times the second. The estimate is in hours of one core: the seconds, times this machine's cores, in proportion to
     * the work of all units.
     */
    public Survey<R> timed() {
        double all = 0;
        var sources = new ArrayList<String>();
        var models = units.stream().map(Planned::here).distinct().toList();
        for (var model : models) {
            var own = units.stream().filter(unit -> unit.here == model).toList();
            var first = own.get(0).job.what();
            first.of(model);
            long start = System.nanoTime();
            first.of(model);
            var rate = Rate.since(start, first.work());
            all += rate.hours(
                    own.stream().mapToDouble(unit -> unit.job.what().work()).sum());
            sources.add(rate.toString());
        }
        double steps = (double) units() / units.size();
        return new Survey<>(units, later, all * steps, String.join(", ", sources), join);
    }

    /**
     * Computes the units that the folder lacks, each as one task of Spark.
     *
     * @param folder on any Hadoop file system that driver and executors share; made if it is missing
     * @return the units of this survey that the folder has now
     * @throws IOException if the folder cannot be read or written, or executors wrote to disks of their own
     * @throws IllegalStateException if Spark gave a task up: no executor could load a model or write the folder
     * @throws CancellationException if the thread was interrupted; the folder keeps what was done
     */
    public Surveyed<R> run(SparkSession spark, String folder) throws IOException {
        var context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        var home = new Folder(folder, context.hadoopConfiguration());
        home.removeAbandoned();
        var stage = this;
        while (stage != null) {
            var missing = stage.missing(home);
            if (!missing.isEmpty()) {
                UnitRun.compute(
                        context,
                        "Survey",
                        home,
                        missing,
                        configuration -> new MeasurementJob.Task(home.toString(), configuration));
            }
            stage = stage.missing(home).isEmpty() ? stage.step(home).next : null;
        }
        return new Surveyed<>(home, this);
    }

    /**
     * Reads a folder, without a cluster.
     *
     * @throws IOException if the folder cannot be read
     */
    public Surveyed<R> read(String folder) throws IOException {
        return new Surveyed<>(new Folder(folder, SweepSession.configuration()), this);
    }

    /** Returns the units that the folder lacks, each once. */
    private List<MeasurementJob> missing(Folder home) throws IOException {
        var missing = new ArrayList<MeasurementJob>();
        var present = new HashSet<String>();
        for (var folder :
                units.stream().map(unit -> unit.job.folder()).distinct().toList()) {
            for (var id : home.units(folder)) {
                present.add(folder + id);
            }
        }
        for (var unit : units) {
            if (present.add(unit.job.folder() + unit.job.id())) {
                missing.add(unit.job);
            }
        }
        return missing;
    }

    private Step<R> step(Folder home) throws IOException {
        return join.of(i -> {
            var job = units.get(i).job;
            return MeasurementFile.read(home.unit(job.folder(), job.id()), home.configuration, job.id());
        });
    }

    /** How far a folder is: the units that are there, and those that are missing now. */
    record State<R>(int done, List<MeasurementJob> missing, Source<R> result) {}

    State<R> state(Folder home) throws IOException {
        int done = 0;
        for (var stage = this; ; ) {
            var missing = stage.missing(home);
            var lacking = missing.stream().map(MeasurementJob::id).collect(Collectors.toSet());
            done += (int) stage.units.stream()
                    .filter(unit -> !lacking.contains(unit.job.id()))
                    .count();
            if (!missing.isEmpty()) {
                return new State<>(done, missing, null);
            }
            var step = stage.step(home);
            if (step.next == null) {
                return new State<>(done, missing, step.result);
            }
            stage = step.next;
        }
    }

    /** Returns how much work the survey is: units, tokens, hours with their source, and bytes before compression. */
    @Override
    public String toString() {
        int steps = units() / Math.max(1, units.size());
        long tokens = steps
                * units.stream().mapToLong(unit -> unit.job.what().tokens()).sum();
        double megabytes = units.stream().mapToLong(Planned::bytes).sum() / 1e6;
        var kinds =
                units.stream().map(unit -> unit.job.what().kind()).distinct().toList();
        return "Survey[" + String.join(", ", kinds) + ", " + units() + " units, " + tokens + " tokens read, "
                + Rate.words(hours, source) + ", " + String.format(Locale.ROOT, "%.3g MB]", megabytes);
    }
}
