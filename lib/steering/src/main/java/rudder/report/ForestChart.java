package rudder.report;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import rudder.compare.ConfidenceInterval;

/** Draws a forest plot: differences with their intervals, one row below the other. */
public final class ForestChart {

    /** The part of a row's height over which its series are spread. */
    private static final double SPREAD = 0.5;

    /** Where a row's name stands above its middle, in rows. */
    private static final double NAME = 0.4;

    private static final int ROW_HEIGHT = 60;
    /** A row of many series is higher: its name, and as much for each of them. */
    private static final int NAME_HEIGHT = 24;

    private static final int SERIES_HEIGHT = 10;
    private static final int FRAME_HEIGHT = 150;

    private ForestChart() {}

    /**
     * Draws differences row by row, the first row on top. Dashed lines mark 0 and the margin on both sides: an interval
     * between the outer lines shows equivalence, one that does not contain 0 a difference: each by itself, uncorrected.
     *
     * @param across name of the difference
     * @param rows by name: an interval for each series, in a fixed order; a series may miss in a row
     * @param margin largest difference that does not matter, 0 for none
     * @throws IllegalArgumentException if there is no row, or a map has no fixed order
     */
    public static XYChart of(
            String title, String across, Map<String, Map<String, ConfidenceInterval>> rows, double margin) {
        if (rows.isEmpty()) {
            throw new IllegalArgumentException("no rows, wanted at least one");
        }
        var names = List.copyOf(ChartStyle.ordered(rows).keySet());
        var series = new LinkedHashSet<String>();
        rows.values().forEach(row -> series.addAll(ChartStyle.ordered(row).keySet()));
        int height = Math.max(ROW_HEIGHT, NAME_HEIGHT + SERIES_HEIGHT * series.size());
        var chart = ChartStyle.chart(title, across, "", FRAME_HEIGHT + height * names.size());
        double top = 0.5;
        double bottom = 0.5 - names.size();
        ChartStyle.reference(chart, "no difference", new double[] {0, 0}, new double[] {bottom, top});
        if (margin > 0) {
            for (double side : new double[] {-margin, margin}) {
                ChartStyle.fine(chart, "margin " + side, new double[] {side, side}, new double[] {bottom, top});
            }
        }
        int number = 0;
        for (var name : series) {
            double shift = series.size() == 1 ? 0 : SPREAD * (0.5 - (double) number / (series.size() - 1));
            draw(chart, number, name, rows, names, shift);
            number++;
        }
        // names stand in the plot: XChart searches for ever for ticks whose labels exceed twenty characters
        for (int i = 0; i < names.size(); i++) {
            double middle = rows.get(names.get(i)).values().iterator().next().mean();
            chart.addAnnotation(new AnnotationText(names.get(i), middle, NAME - i, false));
        }
        chart.getStyler()
                .setYAxisMin(bottom)
                .setYAxisMax(top)
                .setYAxisTicksVisible(false)
                .setPlotGridHorizontalLinesVisible(false)
                .setPlotGridVerticalLinesVisible(true);
        chart.getStyler().setAnnotationTextFont(chart.getStyler().getLegendFont());
        return chart;
    }

    /** Returns whether a series of such a chart is the interval of a row, not its means or a line between rows. */
    static boolean isInterval(XYSeries series) {
        return !series.isShowInLegend() && series.getYData()[0] == series.getYData()[1];
    }

    private static void draw(
            XYChart chart,
            int number,
            String name,
            Map<String, Map<String, ConfidenceInterval>> rows,
            List<String> names,
            double shift) {
        var x = new ArrayList<Double>();
        var y = new ArrayList<Double>();
        for (int i = 0; i < names.size(); i++) {
            var interval = rows.get(names.get(i)).get(name);
            if (interval != null) {
                double at = shift - i;
                x.add(interval.mean());
                y.add(at);
                ChartStyle.whisker(
                        chart,
                        number,
                        name + ", " + names.get(i),
                        new double[] {interval.low(), interval.high()},
                        new double[] {at, at});
            }
        }
        ChartStyle.line(
                        chart,
                        number,
                        name,
                        x.stream().mapToDouble(value -> value).toArray(),
                        y.stream().mapToDouble(value -> value).toArray())
                .setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
    }
}
