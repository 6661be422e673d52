package rudder.experiment.statistics;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.DoubleStream;
import rudder.compare.ConfidenceInterval;
import rudder.theory.Check;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Differences that are tested together, by name, and corrected by {@link Holm} for their number.
 *
 * <pre>{@code
 * var gains = DifferenceTests.of(arms, arm -> Paired.ofDifferences(scores.get(arm), scores.get("none")), 0.02);
 * show(gains.table("arm"));
 * }</pre>
 */
public final class DifferenceTests {

    private final List<String> names;
    private final List<Difference> differences;
    private final double margin;
    private final Predicate<String> lessIsBetter;
    private final double[] p;
    private final double[] equivalence; // null without a margin

    private DifferenceTests(
            List<String> names, List<Difference> differences, double margin, Predicate<String> lessIsBetter) {
        this.names = names;
        this.differences = differences;
        this.margin = margin;
        this.lessIsBetter = lessIsBetter;
        p = Holm.adjusted(differences.stream().mapToDouble(Difference::p).toArray());
        equivalence = margin == 0
                ? null
                : Holm.adjusted(differences.stream()
                        .mapToDouble(one -> one.equivalence(margin))
                        .toArray());
    }

    /**
     * Tests a family of differences.
     *
     * @param names in the order of tables
     * @param difference of a name
     * @param margin largest difference that does not matter; 0 if equivalence is not asked for
     * @throws IllegalArgumentException if the margin is negative
     */
    public static DifferenceTests of(List<String> names, Function<String, Difference> difference, double margin) {
        Check.that(margin >= 0, "a margin of %s, wanted 0 or more", margin);
        return new DifferenceTests(
                List.copyOf(names), names.stream().map(difference).toList(), margin, name -> false);
    }

    /** Returns the same tests of outcomes of which less is better, for some of the names: verdicts turn round. */
    public DifferenceTests lessIsBetter(Predicate<String> names) {
        return new DifferenceTests(this.names, differences, margin, names);
    }

    /** Returns the names, in order. */
    public List<String> names() {
        return names;
    }

    /** Returns the difference of a name. */
    public Difference of(String name) {
        return differences.get(at(name));
    }

    /** Returns the p of no difference, by Holm over all. */
    public double p(String name) {
        return p[at(name)];
    }

    /** Returns what follows for the name's pair of closed and open loop. */
    public Verdict verdict(String name) {
        int i = at(name);
        double mean = differences.get(i).mean();
        return Verdict.of(lessIsBetter.test(name) ? -mean : mean, p[i], equivalence == null ? 1 : equivalence[i]);
    }

    /** Returns how many names have this verdict. */
    public long count(Verdict verdict) {
        return names.stream().filter(name -> verdict(name) == verdict).count();
    }

    private int at(String name) {
        int at = names.indexOf(name);
        Check.that(at >= 0, "no difference '%s', wanted one of %s", name, names);
        return at;
    }

    /** Returns the intervals as the rows of a forest plot, by name, as one series. */
    public Map<String, Map<String, ConfidenceInterval>> rows(String series) {
        return rows(Function.identity(), name -> series);
    }

    /**
     * Returns the intervals as the rows of a forest plot.
     *
     * @param row of a name
     * @param series of a name
     * @throws IllegalArgumentException if two names have the same row and series
     */
    public Map<String, Map<String, ConfidenceInterval>> rows(
            Function<String, String> row, Function<String, String> series) {
        return ConfidenceInterval.rows(
                names, row, series, name -> differences.get(at(name)).interval());
    }

    /**
     * Returns the tests as a table, a row a name.
     *
     * @param name of the first column: what the names are
     */
    public Table table(String name) {
        var table = Table.create(
                StringColumn.create(name, names),
                StringColumn.create("difference", differences.stream().map(one -> one.interval()
                        .toString())),
                StringColumn.create("p, Holm", texts(p)));
        if (equivalence != null) {
            table.addColumns(StringColumn.create("p of equivalence, Holm", texts(equivalence)));
        }
        return table.addColumns(StringColumn.create(
                "least difference found with power 0.8, uncorrected",
                texts(differences.stream().mapToDouble(Difference::detectable).toArray())));
    }

    /** Returns the table of pairs of closed and open loop, with their verdicts. */
    public Table pairs() {
        var verdicts = StringColumn.create(
                "verdict", names.stream().map(name -> verdict(name).in(margin)));
        var table = table("closed loop less open loop");
        return table.insertColumn(table.columnCount() - 1, verdicts);
    }

    private static List<String> texts(double... values) {
        return DoubleStream.of(values)
                .mapToObj(x -> String.format(Locale.ROOT, "%.3f", x))
                .toList();
    }

    @Override
    public String toString() {
        return "DifferenceTests" + names;
    }
}
