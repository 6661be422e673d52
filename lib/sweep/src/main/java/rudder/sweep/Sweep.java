package rudder.sweep;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import rudder.compare.Comparison;
import rudder.compare.ControllerFamily;
import rudder.eval.Task;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.sweep.unit.Folder;
import rudder.sweep.unit.Rate;
import rudder.sweep.unit.SentModel;
import rudder.sweep.unit.UnitRun;
import rudder.theory.control.Arm;

/**
 * A plan of comparisons for a cluster: the arguments of {@link Comparison#of}, for any number of models and seeds. Its
 * units are the batches that one machine would generate, one after the other, so that completions, strengths, energies
 * and scores are those of one machine.
 *
 * <pre>{@code
 * var sweep = Sweep.of(model, prompts, settings, Controller.none(), actAdd, lqr).withSeeds(0, 1, 2);
 * try (var spark = SweepSession.local()) {
 *     sweep.run(spark, "sweeps/ocean").comparison().table();
 * }
 * }</pre>
 *
 * <p>Each unit has an id, a digest of all that its result depends on. A unit that is in the folder is not computed
 * again. A sweep that was killed goes on where it stopped, and a folder may hold several sweeps.
 */
public final class Sweep {

    /**
     * A comparison, and what executors need for it.
     *
     * @param models on this machine: that which generates, and the judge if there is one
     * @param rate of this machine; null if nothing was timed
     */
    private record Planned(
            Part part, List<SentArm> arms, SentModel model, SentModel judge, List<LanguageModel> models, Rate rate) {

        Planned withSeed(long seed) {
            return new Planned(part.withSeed(seed), arms, model, judge, models, rate);
        }

        SentPart sent() {
            return SentPart.of(part, arms, model, judge);
        }

        long texts() {
            return (long) part.arms().size() * part.prompts().size();
        }

        long tokens() {
            return texts() * part.tokens();
        }

        double hours() {
            return rate == null ? Double.NaN : rate.hours(tokens());
        }

        /** An upper bound: tokens, and two numbers a block and token, before compression. */
        long bytes() {
            return tokens() * (16L * models.get(0).horizon() + 8);
        }

        Planned timed() throws IOException {
            var batch = part.batches().get(0);
            var job = new CompletionJob(sent(), part, batch, part.unit(batch));
            var few = new CompletionJob(sent(), part.withTokens(Math.min(2, part.tokens())), batch, job.id());
            few.scored(models); // what a process does once
            long start = System.nanoTime();
            job.scored(models);
            return new Planned(
                    part, arms, model, judge, models, Rate.since(start, (double) batch.texts() * part.tokens()));
        }
    }

    private final List<Planned> parts;

    private Sweep(List<Planned> parts) {
        this.parts = parts;
        var ids = new HashSet<String>();
        for (var planned : parts) {
            if (!ids.add(planned.part.id())) {
                throw new IllegalArgumentException("the sweep has the comparison [" + planned.part + "] twice: wanted"
                        + " different models, controllers, prompts, settings or seeds");
            }
        }
    }

    /**
     * Plans a comparison. Makes all controllers, and finds the measured feature as {@link Comparison#of} does.
     *
     * @param model loaded here to make the plan; executors load it by the same name or path
     * @param arms controllers, or factories that make one controller for all prompts
     * @throws IllegalArgumentException if there is no prompt or no arm, or two arms have the same name. Also if a model
     *     was made in memory, a factory makes a controller for each prompt, or the positions are a predicate: executors
     *     could not have them
     */
    public static Sweep of(LanguageModel model, List<String> prompts, Comparison.Settings settings, Arm... arms) {
        return of(model, prompts, settings, true, arms);
    }

    /**
     * Plans a task's evaluation. {@code swept.comparison().with(task.metrics())} is the comparison that
     * {@link Task#run} gives.
     *
     * @throws IllegalArgumentException as {@link #of(LanguageModel, List, Comparison.Settings, Arm...)} throws it
     */
    public static Sweep of(Task task, LanguageModel model, Arm... arms) {
        return of(model, task.evaluation().prompts(), task.settings(), false, arms);
    }

    /**
     * Plans a task's tuning. {@code GridSearch.of(swept.comparison().with(task.metrics()), objective, families)} is the
     * search that {@link Task#tune} gives.
     *
     * @throws IllegalArgumentException as {@link #of(LanguageModel, List, Comparison.Settings, Arm...)} throws it
     */
    public static Sweep tuning(Task task, LanguageModel model, ControllerFamily... families) {
        return of(model, task.tuning().prompts(), task.settings(), false, ControllerFamily.arms(families));
    }

    /** @param resolve whether to measure the first arm's feature if the settings name none, as a task does not */
    private static Sweep of(
            LanguageModel model, List<String> prompts, Comparison.Settings settings, boolean resolve, Arm... arms) {
        if (prompts.isEmpty() || arms.length == 0) {
            throw new IllegalArgumentException("found " + prompts.size() + " prompts and " + arms.length
                    + " controllers, wanted at least one of each");
        }
        if (!settings.positions().isKnownByName()) {
            throw new IllegalArgumentException("the positions '" + settings.positions() + "' are a predicate, whose"
                    + " code cannot be sent to executors: choose positions by index or role");
        }
        var source = SentModel.of(model);
        var judge = settings.judge() == null ? null : SentModel.of(settings.judge());
        var factories = ControllerFactory.all(arms);
        var sent = factories.stream()
                .map(factory -> SentArm.of(factory, model, prompts, settings.chat()))
                .toList();
        var resolved = resolve ? settings.resolved(model, factories, prompts.get(0)) : settings;
        var models = settings.judge() == null ? List.of(model) : List.of(model, settings.judge());
        return new Sweep(
                List.of(new Planned(Part.of(model, prompts, resolved, sent), sent, source, judge, models, null)));
    }

    /**
     * Returns the sweep that repeats each comparison with each of these seeds. {@link Swept#comparison} joins them.
     *
     * @throws IllegalArgumentException if there is no seed, or one twice
     */
    public Sweep withSeeds(long... seeds) {
        if (seeds.length == 0) {
            throw new IllegalArgumentException("no seed, wanted at least one");
        }
        return new Sweep(parts.stream()
                .flatMap(planned -> Arrays.stream(seeds).mapToObj(planned::withSeed))
                .toList());
    }

    /**
     * Returns the sweep of this and another one, of another model for instance.
     *
     * @throws IllegalArgumentException if both have the same comparison
     */
    public Sweep and(Sweep other) {
        return new Sweep(Stream.concat(parts.stream(), other.parts.stream()).toList());
    }

    /** Returns the number of units. */
    public int units() {
        return parts.stream().mapToInt(planned -> planned.part.batches().size()).sum();
    }

    /** Returns the number of completions. */
    public long completions() {
        return parts.stream().mapToLong(Planned::texts).sum();
    }

    /**
     * Returns the plan with an estimate of its hours. Computes the first unit of each comparison on this machine and
     * times it; comparisons that differ in their seed alone share a unit. The estimate is in hours of one core: the
     * seconds, times this machine's cores, in proportion to the tokens.
     *
     * @throws IOException if a controller cannot be read
     */
    public Sweep timed() throws IOException {
        var timed = new ArrayList<Planned>();
        for (var planned : parts) {
            Rate known = null;
            for (var other : timed) {
                known = other.part.differsInSeedAlone(planned.part) ? other.rate : known;
            }
            timed.add(
                    known == null
                            ? planned.timed()
                            : new Planned(
                                    planned.part, planned.arms, planned.model, planned.judge, planned.models, known));
        }
        return new Sweep(timed);
    }

    /**
     * Computes the units that the folder lacks, each as one task of Spark.
     *
     * @param folder on any Hadoop file system that driver and executors share; made if it is missing
     * @return all units of this sweep that the folder has now
     * @throws IOException if the folder cannot be read or written, or executors wrote to disks of their own
     * @throws IllegalStateException if Spark gave a task up: no executor could load a model or write the folder
     * @throws CancellationException if the thread was interrupted; the folder keeps what was done
     */
    public Swept run(SparkSession spark, String folder) throws IOException {
        var context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        var configuration = context.hadoopConfiguration();
        var home = new Folder(folder, configuration);
        var described = parts.stream().map(Planned::part).toList();
        home.removeAbandoned();
        for (var part : described) {
            home.keep(part.id(), part.json());
        }
        var units = missing(home);
        if (!units.isEmpty()) {
            compute(context, home, units);
        }
        return new Swept(home, described);
    }

    private List<SentPart.Unit> missing(Folder home) throws IOException {
        var units = new ArrayList<SentPart.Unit>();
        var planned = new HashSet<String>(); // two comparisons may have a batch in common
        for (int i = 0; i < parts.size(); i++) {
            var part = parts.get(i).part;
            var present = new HashSet<>(home.units(part.folder()));
            var batches = part.batches();
            for (int at = 0; at < batches.size(); at++) {
                var id = part.unit(batches.get(at));
                if (!present.contains(id) && planned.add(part.folder() + id)) {
                    units.add(new SentPart.Unit(i, at, id));
                }
            }
        }
        return units;
    }

    private void compute(JavaSparkContext context, Folder home, List<SentPart.Unit> units) throws IOException {
        var sent = context.broadcast(
                new ArrayList<>(parts.stream().map(Planned::sent).toList()));
        try {
            UnitRun.compute(
                    context,
                    "Sweep",
                    home,
                    units,
                    configuration -> new CompletionJob.Task(home.toString(), sent, configuration));
        } finally {
            sent.destroy();
        }
    }

    /**
     * Reads a folder, without a model and without a cluster.
     *
     * @throws IOException if it holds no sweep, or a file is damaged
     */
    public static Swept read(String folder) throws IOException {
        var home = new Folder(folder, SweepSession.configuration());
        return new Swept(home, home.parts(Part::read));
    }

    /** Returns how much work the sweep is: units, completions, tokens at most, hours with their source, and bytes. */
    @Override
    public String toString() {
        long tokens = parts.stream().mapToLong(Planned::tokens).sum();
        double hours = parts.stream().mapToDouble(Planned::hours).sum();
        var rates = parts.stream()
                .map(planned -> String.valueOf(planned.rate))
                .distinct()
                .collect(Collectors.joining(", "));
        double megabytes = parts.stream().mapToLong(Planned::bytes).sum() / 1e6;
        return "Sweep[" + parts.size() + (parts.size() == 1 ? " comparison, " : " comparisons, ") + units() + " units, "
                + completions() + " completions, " + tokens + " tokens at most, " + Rate.words(hours, rates)
                + String.format(Locale.ROOT, ", %.3g MB at most]", megabytes);
    }
}
