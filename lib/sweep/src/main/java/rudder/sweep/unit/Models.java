package rudder.sweep.unit;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import rudder.model.LanguageModel;

/**
 * The models of this process. All tasks of a process share one copy of a model, which stays loaded for the next task.
 * When another model is needed, models that no task uses are closed.
 */
public final class Models {

    private static final Map<SentModel, Loaded> LOADED = new HashMap<>();

    private static final class Loaded {
        final LanguageModel model;
        int users;

        Loaded(LanguageModel model) {
            this.model = model;
        }
    }

    /** A model in use; closing it gives it back. */
    public record Lease(LanguageModel model, Runnable back) implements AutoCloseable {
        @Override
        public void close() {
            back.run();
        }
    }

    private Models() {}

    /**
     * Loads a model, or takes the copy that is here.
     *
     * @throws IOException if it cannot be fetched or read, or is another model than was planned
     */
    public static Lease lease(SentModel wanted) throws IOException {
        synchronized (LOADED) {
            var found = LOADED.get(wanted);
            if (found == null) {
                closeUnused();
                found = new Loaded(load(wanted));
                LOADED.put(wanted, found);
            }
            found.users++;
            var mine = found;
            return new Lease(mine.model, () -> {
                synchronized (LOADED) {
                    mine.users--;
                }
            });
        }
    }

    /** Closes the models that no task uses. */
    public static void closeUnused() {
        synchronized (LOADED) {
            LOADED.values().removeIf(loaded -> {
                if (loaded.users == 0) {
                    loaded.model.close();
                }
                return loaded.users == 0;
            });
        }
    }

    private static LanguageModel load(SentModel wanted) throws IOException {
        var model = LanguageModel.load(wanted.source());
        var found = ModelId.of(model);
        if (!found.sha256().equals(wanted.id().sha256())
                || !found.precision().equals(wanted.id().precision())) {
            model.close();
            throw new IOException("'" + wanted.source() + "' on this executor is " + found + ", the sweep was planned"
                    + " with " + wanted.id() + ": give all hosts the same file and the same RUDDER_DTYPE");
        }
        return model;
    }
}
