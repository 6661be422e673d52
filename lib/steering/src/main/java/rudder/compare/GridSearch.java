package rudder.compare;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import rudder.checkpoint.format.WholeFile;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Controller;
import tech.tablesaw.api.BooleanColumn;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * The best candidate of every family, found by trying all of them on the same calibration prompts. Families are given
 * equal budgets: as many candidates each, every one tried with the same prompts, tokens and sampling. What is found is
 * to be evaluated on other prompts.
 *
 * <pre>{@code
 * var tuning = GridSearch.search(model, calibration, settings, List.of(effect), Objective.most("effect").within("perplexity", 12), additions, regulators);
 * tuning.best("A-LQR")
 * }</pre>
 */
public final class GridSearch {

    private final Objective objective;
    private final Comparison tried;
    private final List<ControllerFamily> families;
    private final Map<String, ControllerFactory> best = new LinkedHashMap<>();

    private GridSearch(Objective objective, Comparison tried, List<ControllerFamily> families) {
        this.objective = objective;
        this.tried = tried;
        this.families = families;
        families.forEach(family -> best.put(family.name(), objective.best(family.candidates(), tried)));
    }

    /**
     * Tries every candidate on every prompt, and the unsteered model beside them.
     *
     * @param prompts calibration prompts; not those of the evaluation
     * @param scores what is measured beside a {@link Comparison}'s own scores
     * @throws IllegalArgumentException if two families have one name, or different numbers of candidates
     */
    public static GridSearch search(
            LanguageModel model,
            List<String> prompts,
            Comparison.Settings settings,
            List<Metric> metrics,
            Objective objective,
            ControllerFamily... families) {
        requireEqualBudgets(families);
        return of(Comparison.of(model, prompts, settings, arms(families)).with(metrics), objective, families);
    }

    /** What a search tries: the unsteered model, and every candidate. */
    public static ControllerFactory[] arms(ControllerFamily... families) {
        return Stream.concat(
                        Stream.of(ControllerFactory.of(Controller.none())),
                        Stream.of(families).flatMap(family -> family.candidates().stream()))
                .toArray(ControllerFactory[]::new);
    }

    /**
     * Chooses among candidates that were tried already.
     *
     * @param tried has every family's candidates, by their names
     * @throws IllegalArgumentException if two families have one name, or different numbers of candidates, or a
     *     candidate or score is missing
     */
    public static GridSearch of(Comparison tried, Objective objective, ControllerFamily... families) {
        requireEqualBudgets(families);
        return new GridSearch(objective, tried, List.of(families));
    }

    private static void requireEqualBudgets(ControllerFamily... families) {
        for (var family : families) {
            if (family.candidates().size() != families[0].candidates().size()) {
                throw new IllegalArgumentException(family + " and " + families[0]
                        + ": wanted as many candidates of each, so that none is tuned more than another");
            }
        }
        if (Stream.of(families).map(ControllerFamily::name).distinct().count() != families.length) {
            throw new IllegalArgumentException(
                    "two of the " + families.length + " families have one name: wanted different ones");
        }
    }

    /**
     * The candidate that was chosen, by its family's name.
     *
     * @throws IllegalArgumentException if there is no such family
     */
    public ControllerFactory best(String family) {
        requireTried(family);
        return best.get(family);
    }

    private void requireTried(String family) {
        if (!best.containsKey(family)) {
            throw new IllegalArgumentException("there is no family '" + family + "' here, there are " + best.keySet());
        }
    }

    /**
     * A family at growing strength: of its sweeps ({@link ControllerFamily#sweep}) the one that does most at equal
     * damage, where its {@link TradeOff} reaches the objective's limit. Three candidates decide together, so that it
     * hangs less on luck than {@link #best} does.
     *
     * @return the names of its arms, the unsteered model first
     * @throws IllegalArgumentException if there is no such family, or the unsteered model was not tried
     */
    public List<String> sweep(String family) {
        requireTried(family);
        var all = families.stream()
                .filter(one -> one.name().equals(family))
                .findFirst()
                .orElseThrow();
        return all.names()
                .map(name ->
                        all.sweep(name).stream().map(ControllerFactory::name).toList())
                .distinct()
                .map(arms -> Stream.concat(Stream.of(Controller.none().name()), arms.stream())
                        .toList())
                .max(objective.better(this::effect))
                .orElseThrow();
    }

    /**
     * Of several families the one whose {@link #sweep} does most at equal damage: what to take to an evaluation as the
     * champion of its kind.
     *
     * @throws IllegalArgumentException if one is not among those tried
     */
    public String bestFamily(List<ControllerFamily> of) {
        return of.stream()
                .map(ControllerFamily::name)
                .max(objective.<String>better(name -> effect(sweep(name))))
                .orElseThrow();
    }

    private double effect(List<String> arms) {
        return tried.tradeOff(objective.metric(), objective.limited())
                .effect(objective.limit(tried), arms)
                .mean();
    }

    /** All that was tried. */
    public Comparison tried() {
        return tried;
    }

    /** The candidates' names by family, in the order given: the arms of {@link #tried} that belong together. */
    public Map<String, List<String>> arms() {
        var arms = new LinkedHashMap<String, List<String>>();
        families.forEach(family -> arms.put(family.name(), family.names().toList()));
        return arms;
    }

    /**
     * One row a candidate: its family, the means of what was wanted and what was limited, and whether it was chosen.
     */
    public Table table() {
        var names = families.stream().flatMap(ControllerFamily::names).toList();
        var table = Table.create(
                toString(),
                StringColumn.create("family", families.stream().flatMap(family -> family.names()
                        .map(name -> family.name()))),
                StringColumn.create("candidate", names),
                means(names, objective.metric()));
        if (!objective.limited().equals(objective.metric())) {
            table.addColumns(means(names, objective.limited()));
        }
        var chosen = best.values().stream().map(ControllerFactory::name).toList();
        return table.addColumns(BooleanColumn.create(
                "chosen", names.stream().map(chosen::contains).toList()));
    }

    private DoubleColumn means(List<String> names, String metric) {
        return DoubleColumn.create(
                metric,
                names.stream()
                        .mapToDouble(name -> tried.mean(name, metric).mean())
                        .toArray());
    }

    /** Writes {@link #table} as csv; beside and renamed, so that there is never half a file. */
    public void save(Path file) {
        try {
            WholeFile.write(file, table().write().toString("csv"));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file, e);
        }
    }

    @Override
    public String toString() {
        return "GridSearch[" + families.size() + " families of "
                + families.get(0).candidates().size() + ", " + tried.prompts().size() + " prompts, " + objective + "]";
    }
}
