package rudder.sweep.unit;

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
     * @throws IllegalStateException if Spark gave a task up: no executor could load a model or write the folder
     * @throws CancellationException if the thread was interrupted; the folder keeps what was done
     */
    public static <U> void compute(JavaSparkContext context, String what, List<U> units, Tasks<U> tasks) {
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
            configuration.destroy();
        }
    }
}
