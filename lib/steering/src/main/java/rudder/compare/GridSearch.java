package rudder.compare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import rudder.checkpoint.format.WholeFile;
import rudder.checkpoint.text.FileNames;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Controller;
import tech.tablesaw.api.BooleanColumn;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Finds the best candidate of every family by trying all of them on the same calibration prompts. Every family has the
 * same budget: the same number of candidates, prompts and tokens, and the same sampling. Evaluate the chosen candidates
 * on other prompts.
 *
 * <pre>{@code
 * var objective = Objective.most("mentions").withinTimes("perplexity", 1.4);
 * var search = GridSearch.search(model, calibration, settings, metrics, objective, grid.families("ActAdd", "A-LQR"));
 * Comparison.of(model, test, settings, search.arms()).table()
 * }</pre>
 */
public final class GridSearch {

    private static final String CHOSEN = "chosen";

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
     * Tries the unsteered model and every candidate on every prompt.
     *
     * @param prompts calibration prompts; use other prompts for the evaluation.
     * @param metrics measured in addition to a {@link Comparison}'s own metrics.
     * @throws IllegalArgumentException if two families have the same name, or different numbers of candidates
     */
    public static GridSearch search(
            LanguageModel model,
            List<String> prompts,
            Comparison.Settings settings,
            List<Metric> metrics,
            Objective objective,
            ControllerFamily... families) {
        requireEqualBudgets(families);
        var arms = ControllerFamily.arms(families);
        return of(Comparison.of(model, prompts, settings, arms).with(metrics), objective, families);
    }

    /**
     * Chooses among candidates that were tried before.
     *
     * @param tried has the candidates of every family, by their names.
     * @throws IllegalArgumentException if two families have the same name or different numbers of candidates. Also if a
     *     candidate or metric is missing, or the objective is relative and the unsteered arm is missing
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
     * Returns the chosen candidate of a family.
     *
     * @throws IllegalArgumentException if there is no family of that name
     */
    public ControllerFactory best(String family) {
        requireTried(family);
        return best.get(family);
    }

    /**
     * Returns the arms to evaluate: the unsteered model, then the chosen candidate of each family under the family's
     * name.
     */
    public ControllerFactory[] arms() {
        return ControllerFamily.chosen(family -> best.get(family.name()), families.toArray(ControllerFamily[]::new));
    }

    private void requireTried(String family) {
        if (!best.containsKey(family)) {
            throw new IllegalArgumentException("there is no family '" + family + "' here, there are " + best.keySet());
        }
    }

    /**
     * Returns the family's best curve of growing strength. Compares the family's sweeps
     * ({@link ControllerFamily#sweep}) by the largest effect among their arms within the objective's limit, the
     * unsteered model included.
     *
     * @return the names of the curve's arms, the unsteered model first
     * @throws IllegalArgumentException if there is no family of that name, or the unsteered model was not tried
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

    /** Returns the {@link #sweep} of every family, by its name, in the order given. */
    public Map<String, List<String>> sweeps() {
        var sweeps = new LinkedHashMap<String, List<String>>();
        families.forEach(family -> sweeps.put(family.name(), sweep(family.name())));
        return sweeps;
    }

    private double effect(List<String> arms) {
        double limit = objective.limit(tried);
        return arms.stream()
                .filter(arm -> arm.equals(Controller.none().name()) || tried.average(arm, objective.limited()) <= limit)
                .map(arm -> tried.average(arm, objective.metric()))
                .max(objective.better(mean -> mean))
                .orElseThrow();
    }

    /** Returns the comparison of all arms that were tried. */
    public Comparison tried() {
        return tried;
    }

    /** Returns the names of the candidates by family, in the order given. */
    public Map<String, List<String>> candidates() {
        var candidates = new LinkedHashMap<String, List<String>>();
        families.forEach(family -> candidates.put(family.name(), family.names().toList()));
        return candidates;
    }

    /**
     * Returns one row a candidate: its family, the means of the objective's metric and of the limited one, and whether
     * it was chosen. The title names the objective.
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
                CHOSEN, names.stream().map(chosen::contains).toList()));
    }

    /** Returns the rows of {@link #table} that were chosen, one a family. */
    public Table chosen() {
        var table = table();
        return table.where(table.booleanColumn(CHOSEN).isTrue())
                .rejectColumns(CHOSEN)
                .setName(table.name() + ", chosen");
    }

    private DoubleColumn means(List<String> names, String metric) {
        return DoubleColumn.create(
                metric,
                names.stream().mapToDouble(name -> tried.average(name, metric)).toArray());
    }

    /** Writes {@link #table} as csv, all or nothing. Replaces a file of that name. */
    public void save(Path file) throws IOException {
        WholeFile.write(file, table().write().toString("csv"));
    }

    /** Saves to a path given as text. */
    public void save(String file) throws IOException {
        save(FileNames.path(file));
    }

    @Override
    public String toString() {
        return "GridSearch[" + families.size() + " families of "
                + families.get(0).candidates().size() + ", " + tried.prompts().size() + " prompts, " + objective + "]";
    }
}
