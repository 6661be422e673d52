package rudder.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.checkpoint.format.WholeFile;
import rudder.checkpoint.text.Csv;
import rudder.compare.ConfidenceInterval;
import rudder.experiment.statistics.Effect;
import rudder.experiment.statistics.Holm;
import rudder.experiment.statistics.Verdict;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * A family of comparisons that are corrected together by {@link Holm}: those of one table or sentence. A file keeps
 * them uncorrected. So tables of several models are joined and corrected anew.
 *
 * <pre>{@code
 * results.compare(Dose.kl(0.2), "mentions", concept -> words.get(concept).metric()).write(file);
 * show(Comparisons.read(smol, gemma).only(one -> one.disturbance().equals("none")).table());
 * }</pre>
 */
public final class Comparisons {

    private static final List<String> COLUMNS = List.of(
            "model",
            "twin",
            "dose",
            "disturbance",
            "outcome",
            "difference",
            "low",
            "high",
            "p",
            "p of equivalence",
            "at one dose",
            "at one dose low",
            "at one dose high",
            "margin",
            "least difference found",
            "power at the margin",
            "effect open",
            "effect closed",
            "variance open",
            "variance closed",
            "fallen open",
            "fallen closed",
            "KL open",
            "KL closed",
            "concepts",
            "rows",
            "note");

    private final List<Compared> all;
    private final double[] p;
    private final double[] equivalence;

    private Comparisons(List<Compared> all, int family) {
        this.all = List.copyOf(all);
        p = Holm.within(family, all.stream().mapToDouble(Compared::p).toArray());
        equivalence = Holm.within(
                family, all.stream().mapToDouble(Compared::equivalence).toArray());
    }

    static Comparisons of(List<Compared> all) {
        return new Comparisons(all, all.size());
    }

    /**
     * Returns the same comparisons as a part of a planned family, and corrected for all of it. So what is run later
     * changes no verdict by its mere number.
     *
     * @param family number of comparisons that the plan names
     * @throws IllegalArgumentException if there are more than that
     */
    public Comparisons planned(int family) {
        return new Comparisons(all, family);
    }

    /** Returns those of both families as one, corrected for their number. */
    public Comparisons and(Comparisons others) {
        return of(Stream.concat(all.stream(), others.all.stream()).toList());
    }

    /** Returns some of them, corrected for their own number. Choose by what was planned, not by what was found. */
    public Comparisons only(Predicate<Compared> wanted) {
        return of(all.stream().filter(wanted).toList());
    }

    /** Returns the comparisons, in the order of models, twins and disturbances. */
    public List<Compared> all() {
        return all;
    }

    /** Returns the number of comparisons. */
    public int size() {
        return all.size();
    }

    /** Returns the p of no difference in comparison i, by Holm over all. */
    public double p(int i) {
        return p[i];
    }

    /** Returns the p of the test of equivalence in comparison i, by Holm over all. */
    public double equivalence(int i) {
        return equivalence[i];
    }

    /** Returns what follows from comparison i. */
    public Verdict verdict(int i) {
        return Verdict.of(all.get(i).difference().mean(), p[i], equivalence[i]);
    }

    /** Returns how many comparisons have this verdict. */
    public int count(Verdict verdict) {
        return (int)
                IntStream.range(0, size()).filter(i -> verdict(i) == verdict).count();
    }

    /**
     * Returns the differences and their intervals for a forest plot, by row and within a row by series.
     *
     * @param row the name of a comparison's row, such as {@code Compared::twin}
     * @param series the name of its series, such as {@code Compared::model}
     * @throws IllegalArgumentException if two comparisons have the same row and series
     */
    public Map<String, Map<String, ConfidenceInterval>> differences(
            Function<Compared, String> row, Function<Compared, String> series) {
        return ConfidenceInterval.rows(all, row, series, Compared::difference);
    }

    /** Returns the comparisons as a table, one row each. */
    public Table table() {
        var table = Table.create("Closed loop less open loop");
        text(table, "model", Compared::model);
        text(table, "twin", Compared::twin);
        text(table, "disturbance", Compared::disturbance);
        text(table, "outcome", Compared::outcome);
        text(table, "difference", one -> one.difference().toString());
        numbered(table, "p, Holm", i -> number(p[i]));
        numbered(table, "p of equivalence, Holm", i -> number(equivalence[i]));
        numbered(table, "verdict", i -> verdict(i).in(all.get(i).margin()));
        text(table, "difference at one dose", one -> one.atOneDose().toString());
        text(table, "least difference found with power 0.8, uncorrected", one -> number(one.detectable()));
        text(table, "power at the margin, uncorrected", one -> number(one.power()));
        text(table, "effect, open", one -> number(one.open().mean()));
        text(table, "effect, closed", one -> number(one.closed().mean()));
        text(table, "variance, open", one -> number(one.open().variance()));
        text(table, "variance, closed", one -> number(one.closed().variance()));
        text(table, "fallen, open", one -> number(one.open().fallen()));
        text(table, "fallen, closed", one -> number(one.closed().fallen()));
        text(table, "KL, open", one -> number(one.klOpen()));
        text(table, "KL, closed", one -> number(one.klClosed()));
        text(table, "concepts x rows", one -> one.concepts() + " x " + one.rows());
        text(table, "note", Compared::note);
        return table;
    }

    private void text(Table table, String name, Function<Compared, String> text) {
        table.addColumns(StringColumn.create(name, all.stream().map(text)));
    }

    private void numbered(Table table, String name, IntFunction<String> text) {
        table.addColumns(StringColumn.create(name, IntStream.range(0, size()).mapToObj(text)));
    }

    static String number(double x) {
        return String.format(Locale.ROOT, "%.3f", x);
    }

    /** Writes the comparisons, uncorrected, as csv. Writes all or nothing, and replaces a file of that name. */
    public void write(Path file) throws IOException {
        var lines = new StringBuilder(String.join(",", COLUMNS)).append('\n');
        for (var one : all) {
            var fields = List.<Object>of(
                    one.model(),
                    one.twin(),
                    one.dose(),
                    one.disturbance(),
                    one.outcome(),
                    one.difference().mean(),
                    one.difference().low(),
                    one.difference().high(),
                    one.p(),
                    one.equivalence(),
                    one.atOneDose().mean(),
                    one.atOneDose().low(),
                    one.atOneDose().high(),
                    one.margin(),
                    one.detectable(),
                    one.power(),
                    one.open().mean(),
                    one.closed().mean(),
                    one.open().variance(),
                    one.closed().variance(),
                    one.open().fallen(),
                    one.closed().fallen(),
                    one.klOpen(),
                    one.klClosed(),
                    one.concepts(),
                    one.rows(),
                    one.note());
            lines.append(String.join(
                            ",", fields.stream().map(Comparisons::field).toList()))
                    .append('\n');
        }
        WholeFile.write(file, lines.toString());
    }

    private static String field(Object value) {
        return value instanceof String text
                ? Csv.quoted(text)
                : value instanceof Double number ? String.format(Locale.ROOT, "%.6g", number) : value.toString();
    }

    /**
     * Reads files that {@link #write} wrote, such as those of several models.
     *
     * @throws IOException if there is no such file or column, or a number is none
     */
    public static Comparisons read(Path... files) throws IOException {
        var all = new ArrayList<Compared>();
        for (var file : files) {
            var csv = Csv.read(file);
            for (var name : COLUMNS) {
                csv.column(name);
            }
            for (var row : csv.rows()) {
                all.add(new Row(csv, row).compared());
            }
        }
        return of(all);
    }

    private record Row(Csv csv, Csv.Row row) {
        private String text(String name) throws IOException {
            return row.fields().get(csv.column(name));
        }

        private double number(String name) throws IOException {
            try {
                return Double.parseDouble(text(name));
            } catch (NumberFormatException e) {
                throw new IOException(
                        csv.file() + ", line " + row.line() + ": " + name + " is \"" + text(name)
                                + "\", wanted a number",
                        e);
            }
        }

        private ConfidenceInterval interval(String mean, String low, String high) throws IOException {
            return new ConfidenceInterval(number(mean), number(low), number(high));
        }

        private Effect effect(String side) throws IOException {
            return new Effect(number("effect " + side), number("variance " + side), number("fallen " + side));
        }

        Compared compared() throws IOException {
            return new Compared(
                    text("model"),
                    text("twin"),
                    text("dose"),
                    text("disturbance"),
                    text("outcome"),
                    interval("difference", "low", "high"),
                    number("p"),
                    number("p of equivalence"),
                    interval("at one dose", "at one dose low", "at one dose high"),
                    number("margin"),
                    number("least difference found"),
                    number("power at the margin"),
                    effect("open"),
                    effect("closed"),
                    number("KL open"),
                    number("KL closed"),
                    (int) number("concepts"),
                    (int) number("rows"),
                    text("note"));
        }
    }

    @Override
    public String toString() {
        return "Comparisons[" + size() + "]";
    }
}
