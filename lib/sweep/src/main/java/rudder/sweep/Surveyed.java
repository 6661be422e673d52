package rudder.sweep;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import rudder.sweep.unit.Folder;
import rudder.sweep.unit.ParquetRows;

/**
 * A survey's folder, as far as it is there.
 *
 * @param <R> the result
 */
public final class Surveyed<R> {

    private final Folder home;
    private final Survey<R> survey;

    Surveyed(Folder home, Survey<R> survey) {
        this.home = home;
        this.survey = survey;
    }

    /** Returns how many units are in the folder. */
    public int done() throws IOException {
        return survey.state(home).done();
    }

    /**
     * Returns the units that failed and are not there yet, with their errors. The next run tries them again.
     *
     * @throws IOException if the folder cannot be read
     */
    public List<Failure> failures() throws IOException {
        var failures = new ArrayList<Failure>();
        var failed = new HashMap<String, Set<String>>(); // of each folder, which is listed once
        for (var job : survey.state(home).missing()) {
            if (!failed.containsKey(job.folder())) {
                failed.put(job.folder(), new HashSet<>(home.failed(job.folder())));
            }
            if (failed.get(job.folder()).contains(job.id())) {
                failures.add(new Failure(
                        job.id(),
                        job.model().id().name(),
                        List.of(),
                        job.what().first(),
                        job.what().prompts(),
                        ParquetRows.readFailure(home.failure(job.folder(), job.id()), home.configuration, job.id())));
            }
        }
        return failures;
    }

    /**
     * Returns the result, joined from the units, as one machine gives it.
     *
     * @throws IOException if units are missing or failed, or a file is damaged
     */
    public R result() throws IOException {
        var state = survey.state(home);
        if (!state.missing().isEmpty()) {
            var failures = failures();
            throw new IOException(
                    "the survey in " + home + " lacks " + (survey.units() - state.done()) + " of " + survey.units()
                            + " units"
                            + (failures.isEmpty()
                                    ? ""
                                    : ", one because of " + failures.get(0).error())
                            + ": run the survey again, it will go on there");
        }
        return state.result().get();
    }

    @Override
    public String toString() {
        return "Surveyed[" + survey + " in " + home + "]";
    }
}
