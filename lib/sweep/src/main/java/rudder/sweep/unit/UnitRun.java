package rudder.sweep.unit;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.util.SerializableConfiguration;
import rudder.checkpoint.format.Progress;
import rudder.theory.Stop;

/** Runs units on a cluster, each as one task of Spark, and shows how far they are. */
public final class UnitRun {

    private static final long POLL_MILLISECONDS = 100;
    /** Lets a cancelled job interrupt its tasks, which then stop within a second. */
    private static final String INTERRUPT = "spark.job.interruptOnCancel";

    /**
     * Makes the task that computes units.
     *
     * @param <U> a unit as it is sent
     */
    public interface Tasks<U> {
        UnitTask<U> of(Broadcast<SerializableConfiguration> configuration);
    }

    private UnitRun() {}

    /**
     * Computes all units.
     *
     * @param home the folder to which the tasks write
     * @throws IOException if this machine does not find what the tasks say that they have written
     * @throws IllegalStateException if Spark gave a task up: no executor could load a model or write the folder
     * @throws CancellationException if the thread was interrupted; the folder keeps what was done
     */
    public static <U> void compute(JavaSparkContext context, String what, Folder home, List<U> units, Tasks<U> tasks)
            throws IOException {
        var ended = new AtomicInteger();
        var listener = new SparkListener() {
            @Override
            public void onTaskEnd(SparkListenerTaskEnd end) {
                if (end.taskInfo().successful()) {
                    ended.incrementAndGet();
                }
            }
        };
        var configuration = context.broadcast(new SerializableConfiguration(context.hadoopConfiguration()));
        context.sc().addSparkListener(listener);
        context.setLocalProperty(INTERRUPT, "true");
        try (var job = Progress.of(what + " of " + units.size() + " units", units.size())) {
            var future = context.parallelize(units, units.size())
                    .map(tasks.of(configuration))
                    .collectAsync();
            while (true) {
                try {
                    requireHere(home, future.get(POLL_MILLISECONDS, TimeUnit.MILLISECONDS));
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
            configuration.destroy();
        }
    }

    /** Executors on machines with disks of their own would write there, and the results would be lost. */
    private static void requireHere(Folder home, List<UnitTask.Outcome> outcomes) throws IOException {
        var listed = new HashSet<String>();
        for (var folder :
                outcomes.stream().map(UnitTask.Outcome::folder).distinct().toList()) {
            home.units(folder).forEach(id -> listed.add(folder + id));
        }
        int absent = 0;
        for (var outcome : outcomes) {
            if (!listed.contains(outcome.folder() + outcome.id()) && !isHere(home, outcome)) {
                absent++;
            }
        }
        if (absent > 0) {
            throw new IOException("executors say that they have written " + absent + " of " + outcomes.size()
                    + " units to " + home + ", and this machine does not find them there: each machine wrote to a disk"
                    + " of its own. Give a folder that all machines share, such as one of hdfs:// or a network drive");
        }
    }

    private static boolean isHere(Folder home, UnitTask.Outcome outcome) throws IOException {
        return home.exists(home.unit(outcome.folder(), outcome.id()))
                || outcome.failed() && home.exists(home.failure(outcome.folder(), outcome.id()));
    }
}
