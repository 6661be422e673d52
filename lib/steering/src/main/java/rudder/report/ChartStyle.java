package rudder.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.AxesChartStyler.TextAlignment;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Draws every chart in one style: white ground, light grid, no frames, the legend beside the plot so that it covers
 * nothing. The first six colours and black are those of Okabe and Ito (2008). The other four were chosen to be as far
 * from them and from each other under simulated colour blindness. Markers differ too.
 */
final class ChartStyle {

    private static final int WIDTH = 900;
    private static final int HEIGHT = 480;
    static final Color INK = new Color(0x333333);
    private static final Color GRID = new Color(0xe6e6e6);
    private static final Color FINE_GRID = new Color(0xf2f2f2);
    private static final int BAND_ALPHA = 36;
    private static final int TICK_DIGITS = 6;
    private static final double ROUNDING = 1e-12;

    private static final Color GREY = new Color(0x8c8c8c);
    private static final List<Color> COLOURS = List.of(
            new Color(0xd55e00),
            new Color(0x0072b2),
            new Color(0x009e73),
            new Color(0xcc79a7),
            new Color(0xe69f00),
            new Color(0x56b4e9),
            new Color(0x332288),
            new Color(0x7f3b08),
            new Color(0xddcc77),
            new Color(0xf4a6c9),
            Color.BLACK);
    private static final List<Marker> MARKERS = List.of(
            SeriesMarkers.CIRCLE,
            SeriesMarkers.SQUARE,
            SeriesMarkers.TRIANGLE_UP,
            SeriesMarkers.DIAMOND,
            SeriesMarkers.TRIANGLE_DOWN,
            SeriesMarkers.CROSS);

    private static final BasicStroke LINE = new BasicStroke(2f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);
    private static final BasicStroke THIN = new BasicStroke(1.2f);
    private static final BasicStroke DASHED =
            new BasicStroke(1.6f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {7, 5}, 0);

    /** The number of the unsteered model's series, which is grey. */
    static final int UNSTEERED = -1;

    private ChartStyle() {}

    static XYChart chart(String title, String x, String y) {
        return chart(title, x, y, HEIGHT);
    }

    static XYChart chart(String title, String x, String y, int height) {
        var chart = new XYChartBuilder()
                .width(WIDTH)
                .height(height)
                .title(title)
                .xAxisTitle(x)
                .yAxisTitle(y)
                .build();
        look(chart.getStyler());
        chart.getStyler()
                .setPlotGridVerticalLinesVisible(false)
                .setYAxisTickMarkSpacingHint(50)
                .setXAxisTickLabelsFormattingFunction(ChartStyle::plain)
                .setYAxisTickLabelsFormattingFunction(ChartStyle::plain)
                .setLegendSeriesLineLength(28);
        chart.getStyler().setDefaultSeriesRenderStyle(XYSeriesRenderStyle.Line).setMarkerSize(6);
        return chart;
    }

    /** Returns a square of cells from white at {@code least} to blue at {@code most}, with a colour scale beside it. */
    static HeatMapChart heatMap(String title, String x, String y, double least, double most) {
        var chart = new HeatMapChartBuilder()
                .width(HEIGHT * 5 / 4)
                .height(HEIGHT)
                .title(title)
                .xAxisTitle(x)
                .yAxisTitle(y)
                .build();
        look(chart.getStyler());
        chart.getStyler()
                .setMin(least)
                .setMax(most)
                .setRangeColors(new Color[] {Color.WHITE, COLOURS.get(1)})
                .setHeatMapValueDecimalPattern("0.0");
        chart.getStyler().setPlotGridLinesVisible(false).setPlotContentSize(1);
        return chart;
    }

    private static void look(AxesChartStyler styler) {
        styler.setBaseFont(font(Font.PLAIN, 14))
                .setChartTitleFont(font(Font.BOLD, 15))
                .setChartTitlePadding(10)
                .setChartTitleBoxVisible(false)
                .setChartBackgroundColor(Color.WHITE)
                .setChartFontColor(INK)
                .setChartPadding(12)
                .setPlotBackgroundColor(Color.WHITE)
                .setPlotBorderVisible(false)
                .setPlotContentSize(0.97)
                .setLegendPosition(LegendPosition.OutsideE)
                .setLegendFont(font(Font.PLAIN, 13))
                .setLegendBorderColor(Color.WHITE)
                .setLegendBackgroundColor(Color.WHITE);
        styler.setAxisTitleFont(font(Font.PLAIN, 14))
                .setAxisTickLabelsFont(font(Font.PLAIN, 12))
                .setAxisTickLabelsColor(INK)
                .setAxisTickMarksColor(GRID)
                .setPlotGridLinesColor(GRID)
                .setPlotGridLinesStroke(new BasicStroke(1))
                .setYAxisLabelAlignment(TextAlignment.Right);
    }

    /** Makes the chart one of several in a picture: with a short title, smaller letters, and the legend below. */
    static XYChart panel(String title, XYChart chart) {
        chart.setTitle(title);
        chart.getStyler()
                .setChartTitleFont(font(Font.BOLD, 13))
                .setLegendPosition(LegendPosition.OutsideS)
                .setLegendLayout(LegendLayout.Horizontal)
                .setLegendFont(font(Font.PLAIN, 11))
                .setLegendSeriesLineLength(14)
                .setLegendPadding(6)
                .setMarkerSize(4)
                .setChartPadding(8);
        chart.getStyler().setAxisTitleFont(font(Font.PLAIN, 12)).setAxisTickLabelsFont(font(Font.PLAIN, 11));
        return chart;
    }

    /**
     * Returns a chart over the whole numbers 0..last, such as blocks or tokens. Every number has a tick, some have a
     * label.
     */
    static XYChart counted(String title, String x, int last, String y) {
        int step = last <= 16 ? 1 : last <= 50 ? 5 : 10;
        var chart = chart(title, x, y);
        chart.getStyler()
                .setXAxisMin(0.0)
                .setXAxisTickLabelsFormattingFunction(at -> at % step == 0 ? Integer.toString(at.intValue()) : "");
        return chart;
    }

    /**
     * Makes the y axis logarithmic, with room for the values.
     *
     * @throws IllegalArgumentException if they are not positive and finite
     */
    static void logarithmic(XYChart chart, double least, double most) {
        var axis = LogAxis.of(least, most);
        chart.getStyler()
                .setYAxisLogarithmic(true)
                .setYAxisLogarithmicDecadeOnly(false)
                .setYAxisTickLabelsFormattingFunction(axis::label)
                .setPlotGridLinesColor(FINE_GRID)
                .setYAxisMin(axis.min())
                .setYAxisMax(axis.max());
    }

    /** Makes the x axis logarithmic, as {@link #logarithmic} does the y axis. */
    static void logarithmicAcross(XYChart chart, double least, double most) {
        var axis = LogAxis.of(least, most);
        chart.getStyler()
                .setXAxisLogarithmic(true)
                .setXAxisLogarithmicDecadeOnly(false)
                .setXAxisTickLabelsFormattingFunction(axis::label)
                .setPlotGridVerticalLinesVisible(true)
                .setXAxisMin(axis.min())
                .setXAxisMax(axis.max());
    }

    /** Returns a tick's label with a zero before the point: 0.05, where XChart writes .05. */
    private static String plain(double tick) {
        return Math.abs(tick) < ROUNDING ? "0" : Inline.number(tick, TICK_DIGITS);
    }

    private static Font font(int style, int size) {
        return new Font(Font.SANS_SERIF, style, size);
    }

    /** Draws series number i, from 0, or {@link #UNSTEERED}: a line with small markers. */
    static XYSeries line(XYChart chart, int i, String name, double[] x, double[] y) {
        var series = chart.addSeries(name, x, y);
        series.setMarker(MARKERS.get(Math.max(i, 0) % MARKERS.size())) // a colour that repeats has another: 11 and 6
                .setMarkerColor(colour(i))
                .setLineColor(colour(i))
                .setLineStyle(LINE)
                .setLabel(name.replace("mu_k", "\u03bc\u2096"));
        return series;
    }

    /** Draws an interval: a thin stroke in the colour of series i, not in the legend. */
    static void whisker(XYChart chart, int i, String name, double[] x, double[] y) {
        chart.addSeries(name, x, y)
                .setMarker(SeriesMarkers.NONE)
                .setLineColor(colour(i))
                .setLineStyle(THIN)
                .setShowInLegend(false);
    }

    /** Marks a place on the x axis with a dark, dashed line from low to high. */
    static void mark(XYChart chart, String name, double x, double low, double high) {
        reference(chart, name, new double[] {x, x}, new double[] {low, high});
    }

    /** Draws a curve that the others are compared with: dark and dashed. */
    static void reference(XYChart chart, String name, double[] x, double[] y) {
        chart.addSeries(name, x, y)
                .setMarker(SeriesMarkers.NONE)
                .setLineColor(INK)
                .setLineStyle(DASHED);
    }

    /** Draws a line that helps the eye: dark and thin, not in the legend. */
    static void fine(XYChart chart, String name, double[] x, double[] y) {
        chart.addSeries(name, x, y)
                .setMarker(SeriesMarkers.NONE)
                .setLineColor(GREY)
                .setLineStyle(DASHED)
                .setShowInLegend(false);
    }

    /** Fills the region between two curves in the colour of series i, faintly, not in the legend. */
    static void band(XYChart chart, int i, String name, double[] x, double[] low, double[] high) {
        int n = x.length;
        double[] around = new double[2 * n];
        double[] edge = new double[2 * n];
        for (int j = 0; j < n; j++) {
            around[j] = x[j];
            edge[j] = high[j];
            around[2 * n - 1 - j] = x[j];
            edge[2 * n - 1 - j] = low[j];
        }
        var clear = new Color(0, 0, 0, 0);
        var fill = new Color(colour(i).getRed(), colour(i).getGreen(), colour(i).getBlue(), BAND_ALPHA);
        var series = chart.addSeries(name, around, edge);
        series.setXYSeriesRenderStyle(XYSeriesRenderStyle.PolygonArea)
                .setMarker(SeriesMarkers.NONE)
                .setLineColor(clear)
                .setFillColor(fill)
                .setShowInLegend(false);
    }

    /**
     * Returns the curves, after a check that their map has an order for the legend and the colours to follow.
     *
     * @throws IllegalArgumentException if the map has several curves and no fixed order
     */
    static <V> Map<String, V> ordered(Map<String, V> curves) {
        if (curves.size() > 1 && !(curves instanceof LinkedHashMap || curves instanceof SortedMap)) {
            throw new IllegalArgumentException("the order of " + curves.keySet() + " is not fixed: colours would differ"
                    + " from run to run. Use a LinkedHashMap or a TreeMap instead of Map.of or a HashMap");
        }
        return curves;
    }

    static Color colour(int i) {
        return i == UNSTEERED ? GREY : COLOURS.get(i % COLOURS.size());
    }
}
