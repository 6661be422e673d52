package rudder.report;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.internal.chartpart.Chart;
import rudder.checkpoint.format.WholeFile;
import rudder.checkpoint.store.ModelStore;
import rudder.checkpoint.text.Csv;
import rudder.compare.ConfidenceInterval;
import tech.tablesaw.api.Table;

/**
 * Functions that every notebook uses beside the library; {@code setup.jshell} imports them. Claims and recorded values
 * are printed. When {@code binder/reproduce} runs the notebook, it keeps the recorded values in a file.
 */
public final class Notebook {

    private static final int DIGITS = 6;
    private static final Map<String, String> RECORDED = new LinkedHashMap<>();

    private Notebook() {}

    /**
     * Returns whether the notebook runs at smoke size: the system property {@code rudder.quick}, which a cell may set,
     * or else RUDDER_QUICK is set, and not to 0.
     */
    public static boolean quick() {
        var quick = System.getProperty("rudder.quick", System.getenv("RUDDER_QUICK"));
        return quick != null && !quick.isBlank() && !quick.equals("0");
    }

    /** Returns {@code full}, or {@code quick} at smoke size: {@code int prompts = size(200, 4)}. */
    public static int size(int full, int quick) {
        return quick() ? quick : full;
    }

    /** Returns the name or path of the notebook's model: RUDDER_MODEL, or else the first known model. */
    public static String modelName() {
        var chosen = System.getenv("RUDDER_MODEL");
        return chosen == null || chosen.isBlank() ? ModelStore.names().get(0) : chosen;
    }

    /**
     * Returns the folder where a notebook keeps the completions of its tasks. A stopped notebook continues from there.
     * The folder is RUDDER_RUNS, or else {@code runs} in {@link ModelStore#cache()}. {@code binder/reproduce} sets
     * RUDDER_RUNS to a new folder when the library, the data or the size change.
     */
    public static Path runs() {
        var folder = System.getenv("RUDDER_RUNS");
        return folder == null || folder.isBlank() ? ModelStore.cache().resolve("runs") : Path.of(folder);
    }

    /**
     * Prints the claim, if it holds.
     *
     * @throws IllegalStateException if the claim does not hold: the notebook stops
     */
    public static void check(boolean holds, String claim) {
        if (!holds) {
            throw new IllegalStateException("does not hold: " + claim);
        }
        System.out.println("holds: " + claim);
    }

    /**
     * Checks a claim that was made about some models, as {@link #check} does. For any other model it is no claim:
     * {@code yes} or {@code no} is recorded, under the claim's words without commas.
     *
     * @param about names of the models that the claim is about; none at smoke size
     * @param model name of the model for which it holds or not
     * @throws IllegalStateException if the claim is about the model and does not hold
     * @throws IOException if the file in RUDDER_RECORD cannot be written
     */
    public static void claim(List<String> about, String model, boolean holds, String claim) throws IOException {
        var words = model + ": " + claim;
        if (about.contains(model)) {
            check(holds, words);
        } else {
            record(words.replace(",", ""), holds ? "yes" : "no");
        }
    }

    /**
     * Prints and records a number or a word under a name. Fractions are rounded to six significant digits. A name that
     * is used again takes the new value.
     *
     * @throws IllegalArgumentException if the name has a comma, a quote or a line break
     * @throws IOException if the file in RUDDER_RECORD cannot be written
     */
    public static void record(String name, Object value) throws IOException {
        if (name.isBlank() || name.matches("(?s).*[,\"\\r\\n].*")) {
            throw new IllegalArgumentException(
                    "the name \"" + name + "\" is blank or has a comma, a quote or a line break: choose another");
        }
        var text = value instanceof Double || value instanceof Float
                ? Inline.number(((Number) value).doubleValue(), DIGITS)
                : value.toString();
        RECORDED.put(name, text);
        System.out.println(name + " = " + text);
        var file = System.getenv("RUDDER_RECORD");
        if (file != null && !file.isBlank()) {
            WholeFile.write(Path.of(file), csv(RECORDED));
        }
    }

    /** Records an estimate under a name, and its interval's ends under the name with {@code low} and {@code high}. */
    public static void record(String name, ConfidenceInterval interval) throws IOException {
        record(name, interval.mean());
        record(name + " low", interval.low());
        record(name + " high", interval.high());
    }

    /**
     * Prints what a type is for and its public members, each with its first sentence: {@code help(LqrSolution.class)},
     * or {@code help(lqr)} for an object.
     *
     * @param about a class, or an object of one
     * @throws IllegalArgumentException if it is no public type of Rudder, nor an object of one
     */
    public static void help(Object about) {
        System.out.println(Help.packed().page(about));
    }

    /** Returns the value recorded under the name, null if there is none. */
    static String recorded(String name) {
        return RECORDED.get(name);
    }

    static String csv(Map<String, String> values) {
        var csv = new StringBuilder("name,value\n");
        values.forEach((name, value) -> csv.append(name)
                .append(',')
                .append(value.matches("(?s).*[,\"\\r\\n].*") ? Csv.quoted(value) : value)
                .append('\n'));
        return csv.toString();
    }

    /** Returns the chart as a picture, which every kernel can show. */
    public static BufferedImage image(Chart<?, ?> chart) {
        return ChartImage.of(chart);
    }

    /**
     * Returns one picture of several charts, so many in a row, no wider than a notebook's page. Charts of a row with
     * the same curves share one legend.
     */
    public static BufferedImage image(int columns, List<? extends Chart<?, ?>> charts) {
        return ChartImage.of(columns, charts);
    }

    /** Returns the table as HTML, with numbers to four significant digits. */
    public static String html(Table table) {
        return Inline.html(table);
    }
}
