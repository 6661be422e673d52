package rudder.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import tech.tablesaw.api.NumericColumn;
import tech.tablesaw.api.Row;
import tech.tablesaw.api.Table;
import tech.tablesaw.columns.Column;

/** Writes tables and numbers as a notebook shows them, the same in every kernel. */
final class Inline {

    private static final int DIGITS = 4;

    private Inline() {}

    /**
     * Returns the table as HTML: its name, then its rows. Numbers have four significant digits and stand to the right.
     * A table wider than the page scrolls in a box of its own.
     */
    static String html(Table table) {
        var html = new StringBuilder("<div style=\"overflow-x:auto\"><table>");
        if (table.name() != null && !table.name().isBlank()) {
            html.append("<caption>").append(escape(table.name())).append("</caption>");
        }
        html.append(line("th", table.columns(), Column::name));
        for (var row : table) {
            html.append(line("td", table.columns(), column -> cell(column, row)));
        }
        return html.append("</table></div>").toString();
    }

    private static String line(String tag, List<Column<?>> columns, Function<Column<?>, String> text) {
        return columns.stream()
                .map(c -> "<" + tag + " style=\"text-align:" + (c instanceof NumericColumn ? "right" : "left") + "\">"
                        + escape(text.apply(c)) + "</" + tag + ">")
                .collect(Collectors.joining("", "<tr>", "</tr>\n"));
    }

    private static String cell(Column<?> column, Row row) {
        var value = column.isMissing(row.getRowNumber()) ? "" : column.get(row.getRowNumber());
        return value instanceof Double || value instanceof Float
                ? number(((Number) value).doubleValue(), DIGITS)
                : value.toString();
    }

    /** Returns x to so many significant digits, plain where that is short: 0.001234, 12.35, 1.235E+12. */
    static String number(double x, int digits) {
        if (x == 0 || !Double.isFinite(x)) {
            return x == 0 ? "0" : Double.toString(x);
        }
        var rounded = new BigDecimal(x).round(new MathContext(digits)).stripTrailingZeros();
        int exponent = rounded.precision() - rounded.scale(); // 0.1 <= |x| / 10^exponent < 1
        return exponent > 9 || exponent < -4 ? rounded.toString() : rounded.toPlainString();
    }

    /** Returns the text as HTML that shows it, markup and all, in an element or an attribute. */
    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;")
                .replace("\n", "<br>");
    }
}
