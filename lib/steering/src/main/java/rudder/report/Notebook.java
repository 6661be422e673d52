package rudder.report;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.internal.chartpart.Chart;
import rudder.checkpoint.store.ModelStore;
import rudder.compare.ConfidenceInterval;
import tech.tablesaw.api.Table;

/**
 * The words every notebook uses beside the library's own; {@code setup.jshell} imports them. What is checked and
 * recorded is printed; where {@code binder/reproduce} runs the notebook, what is recorded is kept as well.
 */
public final class Notebook {

    private static final int DIGITS = 6;
    private static final Map<String, String> RECORDED = new LinkedHashMap<>();

    private Notebook() {}

    /** Whether the notebook runs at smoke size: RUDDER_QUICK is set, and not to 0. */
    public static boolean quick() {
        var quick = System.getenv("RUDDER_QUICK");
        return quick != null && !quick.isBlank() && !quick.equals("0");
    }

    /** {@code full}, or {@code quick} at smoke size: {@code int prompts = size(200, 4)}. */
    public static int size(int full, int quick) {
        return quick() ? quick : full;
    }

    /** The model the notebook is about: the name or path in RUDDER_MODEL, otherwise the first of the known ones. */
    public static String modelName() {
        var chosen = System.getenv("RUDDER_MODEL");
        return chosen == null || chosen.isBlank() ? ModelStore.names().get(0) : chosen;
    }

    /**
     * Where a notebook keeps the completions of its tasks, so that one that was stopped goes on where it was: the
     * folder in RUDDER_RUNS, which {@code binder/reproduce} sets anew when anything changes, otherwise {@code runs} in
     * {@link ModelStore#cache()}.
     */
    public static Path runs() {
        var folder = System.getenv("RUDDER_RUNS");
        return folder == null || folder.isBlank() ? ModelStore.cache().resolve("runs") : Path.of(folder);
    }

    /**
     * A claim the notebook makes.
     *
     * @throws IllegalStateException if it does not hold, which stops the notebook
     */
    public static void check(boolean holds, String claim) {
        if (!holds) {
            throw new IllegalStateException("does not hold: " + claim);
        }
        System.out.println("holds: " + claim);
    }

    /**
     * A number (or a word) worth keeping, under a name of its own. Fractions are kept to six significant digits. A name
     * used again takes the new value.
     *
     * @throws IllegalArgumentException if the name has a comma, a quote or a line break
     * @throws IOException if the file in RUDDER_RECORD cannot be written
     */
    public static void record(String name, Object value) throws IOException {
        if (name.isBlank() || name.matches("(?s).*[,\"\\r\\n].*")) {
            throw new IllegalArgumentException("\"" + name + "\" should be a name without comma, quote or line break");
        }
        var text = value instanceof Double || value instanceof Float
                ? Inline.number(((Number) value).doubleValue(), DIGITS)
                : value.toString();
        RECORDED.put(name, text);
        System.out.println(name + " = " + text);
        var file = System.getenv("RUDDER_RECORD");
        if (file != null) {
            Files.writeString(Path.of(file), csv(RECORDED));
        }
    }

    /** An estimate under its name, and its interval's ends under the same with {@code low} and {@code high}. */
    public static void record(String name, ConfidenceInterval interval) throws IOException {
        record(name, interval.mean());
        record(name + " low", interval.low());
        record(name + " high", interval.high());
    }

    static String csv(Map<String, String> values) {
        var csv = new StringBuilder("name,value\n");
        values.forEach((name, value) -> csv.append(name)
                .append(',')
                .append(value.matches("(?s).*[,\"\\r\\n].*") ? '"' + value.replace("\"", "\"\"") + '"' : value)
                .append('\n'));
        return csv.toString();
    }

    /** The chart drawn, which every kernel can show. */
    public static BufferedImage image(Chart<?, ?> chart) {
        return Inline.image(chart);
    }

    /** Charts as panels of one picture, so many in a row. */
    public static BufferedImage image(int columns, List<? extends Chart<?, ?>> charts) {
        return Inline.image(columns, charts);
    }

    /** The table as HTML, numbers to four significant digits. */
    public static String html(Table table) {
        return Inline.html(table);
    }
}
