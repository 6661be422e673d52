package rudder.checkpoint.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.univocity.parsers.common.TextParsingException;
import com.univocity.parsers.csv.CsvParser;
import com.univocity.parsers.csv.CsvParserSettings;
import com.univocity.parsers.csv.UnescapedQuoteHandling;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * A table of texts with named columns: UTF-8, quoting of RFC 4180, line ends of any system. Rudder does not guess types
 * or missing values and does not trim. Lines before the first row that begin with {@code #} and a space are comments.
 *
 * @param file the table's file
 * @param columns names of the columns
 * @param rows one field for each column
 */
public record Csv(Path file, List<String> columns, List<Row> rows) {

    /**
     * A row.
     *
     * @param line the line of the file, from 1, on which the row ends
     * @param fields the texts between the delimiters
     */
    public record Row(long line, List<String> fields) {}

    private static final String QUOTING = "; write \"...\" around a field with quotes, and \"\" for each quote in it";

    private static final String COMMENT = "# ";

    private static final int MAX_COLUMNS = 1000;

    /**
     * Reads a table separated by commas, with the names of its columns in the first line.
     *
     * @throws IOException if the file does not exist or is malformed; the message names the line, what was found and
     *     what was wanted
     */
    public static Csv read(Path file) throws IOException {
        return read(file, ',');
    }

    /**
     * Reads a table with fields separated by {@code delimiter}.
     *
     * @param names the names of the columns, if the first line is a row; otherwise the first line has them
     * @throws IOException as {@link #read(Path)}
     */
    public static Csv read(Path file, char delimiter, String... names) throws IOException {
        return parse(file, TextFile.read(file), delimiter, names);
    }

    /**
     * Reads a table that is packed into the library, separated by commas, with its columns' names in the first line.
     *
     * @param resource absolute name, {@code /rudder/data/models.csv} for instance
     * @throws IllegalArgumentException if there is no such resource or it is not a table
     */
    public static Csv packed(String resource) {
        try (var in = Csv.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalArgumentException("there is no resource " + resource + " on the class path");
            }
            return parse(resource.substring(resource.lastIndexOf('/') + 1), new String(in.readAllBytes(), UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    /**
     * Reads a text as a table, separated by commas, with its columns' names in the first line.
     *
     * @param name a file name for messages
     * @throws IllegalArgumentException if the text is not a table; the message names the line
     */
    public static Csv parse(String name, String text) {
        try {
            return parse(Path.of(name), text, ',');
        } catch (IOException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static Csv parse(Path file, String text, char delimiter, String... names) throws IOException {
        var settings = new CsvParserSettings();
        settings.getFormat().setDelimiter(delimiter);
        settings.setLineSeparatorDetectionEnabled(true);
        settings.setMaxCharsPerColumn(-1);
        settings.setMaxColumns(MAX_COLUMNS);
        settings.setCommentProcessingEnabled(false); // a line may begin with #
        settings.trimValues(false);
        settings.setNullValue("");
        settings.setEmptyValue("");
        settings.setUnescapedQuoteHandling(UnescapedQuoteHandling.RAISE_ERROR);
        var parser = new CsvParser(settings);
        var rows = new ArrayList<Row>();
        List<String> columns = names.length == 0 ? null : List.of(names);
        int comments = 0;
        int from = 0;
        for (; text.startsWith(COMMENT, from); comments++) {
            int end = text.indexOf('\n', from);
            from = end < 0 ? text.length() : end + 1;
        }
        text = text.substring(from);
        if (text.chars().filter(c -> c == '"').count() % 2
                != 0) { // the parser would read an open quote to the end of the file
            throw new IOException(file + " has an odd number of quotes" + QUOTING);
        }
        try {
            parser.beginParsing(new StringReader(text));
            for (String[] fields; (fields = parser.parseNext()) != null; ) {
                if (columns == null) {
                    columns = List.of(fields);
                } else {
                    rows.add(new Row(comments + parser.getContext().currentLine(), List.of(fields)));
                }
            }
        } catch (TextParsingException e) {
            boolean wide = e.getCause() instanceof ArrayIndexOutOfBoundsException;
            throw new IOException(
                    file + ", near line " + (comments + e.getLineIndex() + 1) + ": "
                            + (wide
                                    ? "found more than " + MAX_COLUMNS + " fields, wanted a table of at most so many"
                                    : "a quote stands inside a quoted field" + QUOTING),
                    e);
        }
        if (columns == null) {
            throw new IOException(file + " is empty, wanted a first line with column names");
        }
        for (var row : rows) {
            if (row.fields.size() != columns.size()) {
                throw new IOException(file + ", line " + row.line + ": found " + row.fields.size() + " fields, wanted "
                        + columns.size() + " for " + String.join(",", columns) + "; write \"...\" around a text with '"
                        + delimiter + "' in it");
            }
        }
        return new Csv(file, columns, List.copyOf(rows));
    }

    /**
     * Returns a text as a quoted field, which {@link #read} reads as it was: line feeds, commas and quotes included.
     */
    public static String quoted(String text) {
        return '"' + text.replace("\"", "\"\"") + '"';
    }

    /**
     * Converts every row.
     *
     * @throws IllegalArgumentException if {@code conversion} throws one; the message names the file and the line
     */
    public <T> List<T> map(Function<List<String>, T> conversion) {
        return rows.stream().map(row -> convert(row, conversion)).toList();
    }

    private <T> T convert(Row row, Function<List<String>, T> conversion) {
        try {
            return conversion.apply(row.fields);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ", line " + row.line + ": " + e.getMessage(), e);
        }
    }

    /**
     * Returns the position of a column, from 0.
     *
     * @throws IOException if there is no column of this name
     */
    public int column(String name) throws IOException {
        int at = columns.indexOf(name);
        if (at < 0) {
            throw new IOException(
                    file + ", line 1: found the columns " + String.join(",", columns) + ", wanted one named " + name);
        }
        return at;
    }
}
