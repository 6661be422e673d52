package rudder.sweep;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import rudder.checkpoint.format.Progress;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.theory.Stop;
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

    private static final long POLL_MILLISECONDS = 100;
    /** Lets a cancelled job interrupt its tasks, which then stop within a second. */
    private static final String INTERRUPT = "spark.job.interruptOnCancel";

    /** A comparison, and what executors need for it. */
    private record Planned(Part part, List<SentArm> arms, SentModel model, SentModel judge) {
        Planned withSeed(long seed) {
            return new Planned(part.withSeed(seed), arms, model, judge);
        }

        SentPart sent() {
            return SentPart.of(part, arms, model, judge);
        }

        /** An upper bound: tokens, and two numbers a block and token, before compression. */
        long bytes(int horizon) {
            return (long) part.arms().size() * part.prompts().size() * part.tokens() * (16L * horizon + 8);
        }
    }

    private final List<Planned> parts;
    private final int horizon; // of the deepest model

    private Sweep(List<Planned> parts, int horizon) {
        this.parts = parts;
        this.horizon = horizon;
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
                .map(factory -> SentArm.of(factory, model, prompts))
                .toList();
        var resolved = settings.resolved(model, factories, prompts.get(0));
        var part = Part.of(model, prompts, resolved, sent);
        return new Sweep(List.of(new Planned(part, sent, source, judge)), model.horizon());
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
        return new Sweep(
                parts.stream()
                        .flatMap(planned -> Arrays.stream(seeds).mapToObj(planned::withSeed))
                        .toList(),
                horizon);
    }

    /**
     * Returns the sweep of this and another one, of another model for instance.
     *
     * @throws IllegalArgumentException if both have the same comparison
     */
    public Sweep and(Sweep other) {
        return new Sweep(
                Stream.concat(parts.stream(), other.parts.stream()).toList(), Math.max(horizon, other.horizon));
    }

    /** Returns the number of units. */
    public int units() {
        return parts.stream().mapToInt(planned -> planned.part.batches().size()).sum();
    }

    /** Returns the number of completions. */
    public long completions() {
        return parts.stream()
                .mapToLong(planned -> (long) planned.part.arms().size()
                        * planned.part.prompts().size())
                .sum();
    }

    /**
     * Computes the units that the folder lacks, each as one task of Spark.
     *
     * @param folder on any Hadoop file system that driver and executors share; made if it is missing
     * @return all units of this sweep that the folder has now
     * @throws IOException if the folder cannot be read or written
     * @throws IllegalStateException if Spark gave a task up: no executor could load a model or write the folder
     * @throws CancellationException if the thread was interrupted; the folder keeps what was done
     */
    public Swept run(SparkSession spark, String folder) throws IOException {
        var context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        var configuration = context.hadoopConfiguration();
        var home = new Folder(folder, configuration);
        var described = parts.stream().map(Planned::part).toList();
        home.removeAbandoned();
        home.keep(described);
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
            var present = new HashSet<>(home.units(part));
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
        var ended = new AtomicInteger();
        var listener = new SparkListener() {
            @Override
            public void onTaskEnd(SparkListenerTaskEnd end) {
                if (end.taskInfo().successful()) {
                    ended.incrementAndGet();
                }
            }
        };
        var sent = context.broadcast(
                new ArrayList<>(parts.stream().map(Planned::sent).toList()));
        var configuration = context.broadcast(new SerializableConfiguration(context.hadoopConfiguration()));
        context.sc().addSparkListener(listener);
        context.setLocalProperty(INTERRUPT, "true");
        try (var job = Progress.of("Sweep of " + units.size() + " units", units.size())) {
            var future = context.parallelize(units, units.size())
                    .map(new UnitTask(home.toString(), sent, configuration))
                    .collectAsync();
            while (true) {
                try {
                    future.get(POLL_MILLISECONDS, TimeUnit.MILLISECONDS);
                    return;
                } catch (TimeoutException e) {
                    job.reach(ended.get());
                } catch (InterruptedException e) {
                    future.cancel(true);
                    Thread.currentThread().interrupt();
                    Stop.ifInterrupted(ended.get(), units.size(), "units");
                }
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(
                    "Spark gave the sweep up: " + e.getCause().getMessage()
                            + "; the folder keeps the units that are done, and the next run goes on there",
                    e.getCause());
        } finally {
            context.setLocalProperty(INTERRUPT, null);
            context.sc().removeSparkListener(listener);
            Models.closeUnused(); // of a local master; executors keep theirs for the next sweep
            sent.destroy();
            configuration.destroy();
        }
    }

    /**
     * Reads a folder, without a model and without a cluster.
     *
     * @throws IOException if it holds no sweep, or a file is damaged
     */
    public static Swept read(String folder) throws IOException {
        var home = new Folder(folder, configuration());
        return new Swept(home, home.parts());
    }

    /** The session's, which knows the credentials of its file systems. */
    private static Configuration configuration() {
        var session = SparkSession.getDefaultSession();
        return session.isDefined() && !session.get().sparkContext().isStopped()
                ? session.get().sparkContext().hadoopConfiguration()
                : new Configuration();
    }

    /** Returns how much work the sweep is: units, completions, tokens at most, and bytes at most. */
    @Override
    public String toString() {
        long tokens = parts.stream()
                .mapToLong(planned -> (long) planned.part.arms().size()
                        * planned.part.prompts().size()
                        * planned.part.tokens())
                .sum();
        long megabytes =
                parts.stream().mapToLong(planned -> planned.bytes(horizon)).sum() / 1_000_000;
        return "Sweep[" + parts.size() + (parts.size() == 1 ? " comparison, " : " comparisons, ") + units() + " units, "
                + completions() + " completions, " + tokens + " tokens and " + megabytes + " MB at most]";
    }
}
