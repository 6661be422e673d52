package rudder.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Line2D;
import java.util.List;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.markers.Marker;

/** A legend in one line, which panels of the same curves share. */
record Legend(List<Entry> entries) {

    static final int HEIGHT = 34;

    private static final Font FONT = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
    private static final int LINE = 22;
    private static final int GAP = 6;
    private static final int BETWEEN = 22;
    private static final int MARKER = 5;

    /** How a curve looks, and its name. */
    record Entry(String label, Color line, BasicStroke stroke, Color marked, Marker marker) {}

    /** Returns the legend that all of the charts would show, without entries if theirs differ. */
    static Legend shared(List<? extends Chart<?, ?>> charts) {
        var legends = charts.stream().map(Legend::of).distinct().toList();
        return legends.size() == 1 ? legends.get(0) : new Legend(List.of());
    }

    private static Legend of(Chart<?, ?> chart) {
        if (!(chart instanceof XYChart xy)) {
            return new Legend(List.of());
        }
        return new Legend(xy.getSeriesCollection().stream()
                .filter(series -> series.isShowInLegend())
                .map(series -> new Entry(
                        series.getLabel(),
                        series.getLineColor(),
                        series.getLineStyle(),
                        series.getMarkerColor(),
                        series.getMarker()))
                .toList());
    }

    /** Returns whether there is something to draw, and room for it in a picture of this width. */
    boolean fits(Graphics2D graphics, int width) {
        return !entries.isEmpty() && width(graphics) <= width;
    }

    private int width(Graphics2D graphics) {
        var metrics = graphics.getFontMetrics(FONT);
        return entries.stream()
                .mapToInt(entry -> LINE + GAP + metrics.stringWidth(entry.label()) + BETWEEN)
                .sum();
    }

    /** Draws the legend in the middle of a stripe of the picture's width, {@link #HEIGHT} high from y downwards. */
    void paint(Graphics2D graphics, int width, int y) {
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setFont(FONT);
        var metrics = graphics.getFontMetrics(FONT);
        int middle = y + HEIGHT / 2;
        int x = (width - width(graphics) + BETWEEN) / 2;
        for (var entry : entries) {
            graphics.setColor(entry.line());
            graphics.setStroke(entry.stroke());
            graphics.draw(new Line2D.Double(x, middle, x + LINE, middle));
            graphics.setColor(entry.marked());
            entry.marker().paint(graphics, x + LINE / 2.0, middle, MARKER);
            graphics.setColor(ChartStyle.INK);
            graphics.drawString(entry.label(), x + LINE + GAP, middle + metrics.getAscent() / 2 - 1);
            x += LINE + GAP + metrics.stringWidth(entry.label()) + BETWEEN;
        }
    }
}
