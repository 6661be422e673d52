package rudder.experiment.condition;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** Arms that move a model's texts equally far, and how their strengths were found. {@link Dose} makes them. */
public final class DosedArms {

    private final Dose dose;
    private final Map<String, Dose.Found> found;
    private final List<Arm> arms;

    DosedArms(Dose dose, Map<String, Dose.Found> found, List<Arm> arms) {
        this.dose = dose;
        this.found = found;
        this.arms = arms;
    }

    /** Returns the arm without steering, and behind it each arm that reached the dose, by its family's name. */
    public Arm[] arms() {
        return Stream.concat(Stream.of(ControllerFactory.of(Controller.none())), arms.stream())
                .toArray(Arm[]::new);
    }

    /**
     * Returns the arm of a family.
     *
     * @throws IllegalArgumentException if there is no such family; the message lists all
     * @throws IllegalStateException if its dose was not reached; the message lists what was tried
     */
    public Arm arm(String family) {
        found(family).required(family);
        return arms.stream()
                .filter(one -> one.name().equals(family))
                .findFirst()
                .orElseThrow();
    }

    /**
     * Returns what the search for a family's strength found.
     *
     * @throws IllegalArgumentException if there is no such family; the message lists all
     */
    public Dose.Found found(String family) {
        if (!found.containsKey(family)) {
            throw new IllegalArgumentException("no family '" + family + "' among " + found.keySet());
        }
        return found.get(family);
    }

    /**
     * Returns a family's strength, if it reached the dose.
     *
     * @throws IllegalArgumentException if there is no such family; the message lists all
     */
    public OptionalDouble strength(String family) {
        return found(family).outcome() == Dose.Outcome.REACHED
                ? OptionalDouble.of(found(family).strength())
                : OptionalDouble.empty();
    }

    /** Returns each family's strength, its dose on the calibration prompts, and how many strengths were tried. */
    public Table table() {
        var all = List.copyOf(found.entrySet());
        return Table.create(
                "Strengths at " + dose,
                StringColumn.create("arm", all.stream().map(Map.Entry::getKey)),
                StringColumn.create(
                        "strength",
                        all.stream()
                                .map(one ->
                                        number(one.getValue(), one.getValue().strength()))),
                StringColumn.create(
                        "dose on calibration prompts",
                        all.stream()
                                .map(one ->
                                        number(one.getValue(), one.getValue().achieved()))),
                IntColumn.create(
                        "strengths tried",
                        all.stream()
                                .mapToInt(one -> one.getValue().tried().size())
                                .toArray()));
    }

    private static String number(Dose.Found found, double value) {
        return found.outcome() == Dose.Outcome.REACHED
                ? String.format(Locale.ROOT, "%.3g", value)
                : found.outcome().toString().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    @Override
    public String toString() {
        return "DosedArms[" + dose + ", " + found + "]";
    }
}
