package rudder.sweep;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import rudder.compare.Comparison;
import rudder.compare.ScoredCompletion;
import rudder.sweep.unit.Folder;
import rudder.sweep.unit.ParquetRows;

/** The comparisons of a sweep's folder, as far as they are there. */
public final class Swept {

    private final Folder home;
    private final List<Part> parts;

    Swept(Folder home, List<Part> parts) {
        this.home = home;
        this.parts = parts;
    }

    /** Returns the names of the models. */
    public List<String> models() {
        return parts.stream().map(part -> part.model().name()).distinct().toList();
    }

    /**
     * Returns the comparison of the only model.
     *
     * @throws IllegalArgumentException if there are several models; {@link #comparison(String)} chooses one
     * @throws IOException as {@link #comparison(String)} does
     */
    public Comparison comparison() throws IOException {
        if (models().size() != 1) {
            throw new IllegalArgumentException(home + " has comparisons of " + models() + ": name the model");
        }
        return comparison(models().get(0));
    }

    /**
     * Returns the comparison of a model, as {@link Comparison#of} returns it on one machine. Comparisons that differ in
     * their seed alone are joined, in the order of their seeds. The prompts are then repeated for each seed.
     *
     * @throws IllegalArgumentException if there is no such model, or the folder has comparisons of it that differ in
     *     more than the seed; {@link Sweep#run} returns those of its sweep alone
     * @throws IOException if units are missing or failed, or a file is damaged
     */
    public Comparison comparison(String model) throws IOException {
        var found = parts.stream()
                .filter(part -> part.model().name().equals(model))
                .sorted(Comparator.comparingLong(part -> part.sampling().seed()))
                .toList();
        if (found.isEmpty()) {
            throw new IllegalArgumentException(home + " has no comparison of '" + model + "', it has " + models());
        }
        for (var part : found) {
            if (!part.differsInSeedAlone(found.get(0))) {
                throw new IllegalArgumentException(
                        home + " has different comparisons of '" + model + "': [" + found.get(0) + "] and [" + part
                                + "]; take the result of Sweep.run, which has those of its sweep alone");
            }
        }
        var comparisons = new ArrayList<Comparison>();
        for (var part : found) {
            comparisons.add(read(part));
        }
        return comparisons.size() == 1 ? comparisons.get(0) : Comparison.joined(comparisons);
    }

    private Comparison read(Part part) throws IOException {
        var missing = missing(part);
        if (!missing.isEmpty()) {
            var failures = failures();
            throw new IOException("the comparison [" + part + "] in " + home + " lacks " + missing.size() + " of "
                    + part.batches().size() + " units"
                    + (failures.isEmpty()
                            ? ""
                            : ", one because of " + failures.get(0).error())
                    + ": run the sweep again, it will go on there");
        }
        var completions = new LinkedHashMap<String, ScoredCompletion[]>();
        part.arms()
                .forEach(arm -> completions.put(
                        arm.name(), new ScoredCompletion[part.prompts().size()]));
        for (var batch : part.batches()) {
            var id = part.unit(batch);
            var rows = UnitFile.read(home.unit(part.folder(), id), home.configuration, id);
            if (rows.size() != batch.texts()) {
                throw new IOException(home.unit(part.folder(), id) + " has " + rows.size() + " completions, wanted "
                        + batch.texts() + ": remove it and run the sweep again, which computes this unit alone");
            }
            for (var row : rows) {
                completions.get(row.arm())[row.prompt()] = row.scored();
            }
        }
        Map<String, List<ScoredCompletion>> lists = new LinkedHashMap<>();
        completions.forEach((arm, all) -> lists.put(arm, List.of(all)));
        return Comparison.ofScored(part.setpoint().orElse(null), lists);
    }

    private List<String> missing(Part part) throws IOException {
        var present = new HashSet<>(home.units(part.folder()));
        return part.batches().stream()
                .map(part::unit)
                .filter(id -> !present.contains(id))
                .toList();
    }

    /** Returns how many units are in the folder. */
    public int done() throws IOException {
        int done = 0;
        for (var part : parts) {
            done += part.batches().size() - missing(part).size();
        }
        return done;
    }

    /**
     * Returns the units that failed and are not there yet, with their errors. The next run tries them again.
     *
     * @throws IOException if the folder cannot be read
     */
    public List<Failure> failures() throws IOException {
        var failures = new ArrayList<Failure>();
        for (var part : parts) {
            var failed = new HashSet<>(home.failed(part.folder()));
            failed.retainAll(missing(part));
            for (var batch : part.batches()) {
                var id = part.unit(batch);
                if (failed.contains(id)) {
                    failures.add(new Failure(
                            id,
                            part.model().name(),
                            part.arms().subList(batch.firstArm(), batch.endArm()).stream()
                                    .map(Part.ArmId::name)
                                    .toList(),
                            batch.first(),
                            batch.end() - batch.first(),
                            ParquetRows.readFailure(home.failure(part.folder(), id), home.configuration, id)));
                }
            }
        }
        return failures;
    }

    @Override
    public String toString() {
        return parts.stream().map(Part::toString).collect(Collectors.joining("; ", "Swept[", "]"));
    }
}
