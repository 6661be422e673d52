package rudder.sweep.unit;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import rudder.model.LanguageModel;

/**
 * Computes a unit on an executor and commits it to the folder.
 *
 * @param <U> a unit as it is sent
 */
public abstract class UnitTask<U> implements Function<U, UnitTask.Outcome> {
    private static final long serialVersionUID = 1;

    /**
     * What the driver hears of a unit.
     *
     * @param folder of the unit's file
     * @param id of the unit
     * @param failed whether it failed
     */
    public record Outcome(String folder, String id, boolean failed) implements Serializable {}

    private final String folder;
    private final Broadcast<SerializableConfiguration> configuration;

    public UnitTask(String folder, Broadcast<SerializableConfiguration> configuration) {
        this.folder = folder;
        this.configuration = configuration;
    }

    /** Returns the job of a unit that was sent. */
    public abstract UnitJob job(U unit) throws IOException;

    /**
     * Computes and commits the unit. What fails inside a model becomes a failure in the folder. A model that cannot be
     * loaded and a folder that cannot be written are this host's trouble: the task fails, and Spark tries another host.
     */
    @Override
    public Outcome call(U unit) throws IOException {
        var job = job(unit);
        var home = new Folder(folder, configuration.value().value());
        if (home.exists(home.unit(job.folder(), job.id()))) { // a twin was faster, or Spark lost the first answer
            return new Outcome(job.folder(), job.id(), false);
        }
        var leases = new ArrayList<Models.Lease>();
        try {
            for (var model : job.models()) {
                leases.add(Models.lease(model));
            }
            return compute(home, job, leases.stream().map(Models.Lease::model).toList());
        } finally {
            leases.forEach(Models.Lease::close);
        }
    }

    private static Outcome compute(Folder home, UnitJob job, List<LanguageModel> models) throws IOException {
        var failure = home.failure(job.folder(), job.id());
        Folder.Content content;
        try {
            content = job.compute(models, home.configuration);
        } catch (CancellationException e) {
            throw e; // Spark stopped the task
        } catch (RuntimeException | OutOfMemoryError e) {
            home.remove(failure);
            home.commit(failure, job.failed(String.valueOf(e), home.configuration));
            return new Outcome(job.folder(), job.id(), true);
        }
        home.commit(home.unit(job.folder(), job.id()), content);
        home.remove(failure);
        return new Outcome(job.folder(), job.id(), false);
    }

    /** Returns the seconds since a time of {@link System#nanoTime}. */
    public static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }
}
