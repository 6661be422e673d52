package rudder.report;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.AxesChart;
import org.knowm.xchart.internal.chartpart.Chart;

/**
 * A chart as a picture of few colours. Its PNG takes about a third of the bytes of one in full colour, which keeps
 * notebooks small. A kernel stores the picture's {@code toString()} beside it, for readers who do not see it: the
 * title, the axes, and where each curve begins and ends.
 */
final class ChartImage extends BufferedImage {

    private static final int COLOURS = 80;
    private static final int COLOURS_OF_A_SCALE = 256;
    private static final int PAGE_WIDTH = 960;
    private static final int MOST_PANEL_WIDTH = 480;
    private static final int PANEL_HEIGHT = 280;
    private static final int DIGITS = 2;
    private static final int MOST_INTERVALS = 12;

    private final String description;

    private ChartImage(int width, int height, IndexColorModel palette, String description) {
        super(width, height, TYPE_BYTE_INDEXED, palette);
        this.description = description;
    }

    static BufferedImage of(Chart<?, ?> chart) {
        var full = new BufferedImage(chart.getWidth(), chart.getHeight(), TYPE_INT_RGB);
        paint(chart, full);
        return reduced(full, chart instanceof HeatMapChart ? COLOURS_OF_A_SCALE : COLOURS, described(chart));
    }

    /**
     * Returns one picture of the charts as panels, row by row, no wider than a notebook's page. Panels of a row with
     * the same curves share one legend below them, and so do rows.
     */
    static BufferedImage of(int columns, List<? extends Chart<?, ?>> charts) {
        int across = Math.min(columns, charts.size());
        int panelWidth = Math.min(MOST_PANEL_WIDTH, PAGE_WIDTH / across);
        int width = across * panelWidth;
        var canvas = new BufferedImage(1, 1, TYPE_INT_RGB).createGraphics(); // knows the letters' sizes
        var rows = IntStream.iterate(0, from -> from < charts.size(), from -> from + across)
                .mapToObj(from -> charts.subList(from, Math.min(from + across, charts.size())))
                .toList();
        var legends = rows.stream().map(Legend::shared).toList();
        int shared = (int) IntStream.range(0, rows.size())
                .filter(row -> closes(legends, row))
                .filter(row -> legends.get(row).fits(canvas, width))
                .count();
        var full = new BufferedImage(width, rows.size() * PANEL_HEIGHT + shared * Legend.HEIGHT, TYPE_INT_RGB);
        var graphics = full.createGraphics();
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, width, full.getHeight());
        int y = 0;
        for (int row = 0; row < rows.size(); row++) {
            boolean fits = legends.get(row).fits(graphics, width);
            for (int i = 0; i < rows.get(row).size(); i++) {
                var panel = full.getSubimage(i * panelWidth, y, panelWidth, PANEL_HEIGHT);
                paint(rows.get(row).get(i), panel, !fits);
            }
            y += PANEL_HEIGHT;
            if (fits && closes(legends, row)) {
                legends.get(row).paint(graphics, width, y);
                y += Legend.HEIGHT;
            }
        }
        graphics.dispose();
        canvas.dispose();
        return reduced(full, COLOURS, charts.stream().map(ChartImage::described).collect(Collectors.joining(" ")));
    }

    /** Returns whether the row is the last of consecutive rows with the same legend. */
    private static boolean closes(List<Legend> legends, int row) {
        return row + 1 == legends.size() || !legends.get(row).equals(legends.get(row + 1));
    }

    /**
     * Returns {@code Title: y axis against x axis. curve from 0.1 to 0.98, other from 0.2 to 0.4.} for instance. A
     * curve of one point has its place; a chart of rows has their intervals, and a heat map its range.
     */
    private static String described(Chart<?, ?> chart) {
        var values = values(chart).collect(Collectors.joining(", "));
        return titled(chart) + (values.isEmpty() ? "" : " " + values + ".");
    }

    private static String titled(Chart<?, ?> chart) {
        if (!(chart instanceof AxesChart<?, ?> drawn) || drawn.getXAxisTitle().isEmpty()) {
            return chart.getTitle() + ".";
        }
        var y = drawn.getYAxisTitle();
        return chart.getTitle() + ": " + (y.isEmpty() ? "" : y + " against ") + drawn.getXAxisTitle() + ".";
    }

    private static Stream<String> values(Chart<?, ?> chart) {
        if (chart instanceof HeatMapChart map) {
            var cells = map.getHeatMapSeries().getHeatData().stream()
                    .mapToDouble(cell -> ((Number[]) cell)[2].doubleValue())
                    .summaryStatistics();
            return Stream.of("Cells from " + number(cells.getMin()) + " to " + number(cells.getMax()));
        }
        if (!(chart instanceof XYChart xy)) {
            return Stream.of();
        }
        var series = xy.getSeriesCollection().stream()
                .filter(line -> line.getYData().length > 0)
                .toList();
        return xy.getStyler().isYAxisTicksVisible()
                ? series.stream()
                        .filter(line -> line.isShowInLegend())
                        .map(line -> line.getLabel() + " " + described(line))
                : intervals(series.stream().filter(ForestChart::isInterval).toList());
    }

    /** Many intervals cannot be listened to: then those that do not contain 0 are named. */
    private static Stream<String> intervals(List<XYSeries> rows) {
        var named = rows.stream();
        if (rows.size() > MOST_INTERVALS) {
            named = named.filter(row -> row.getXData()[0] * row.getXData()[1] > 0);
        }
        var words = named.map(row -> row.getLabel() + " " + fromTo(row.getXData()));
        return rows.size() > MOST_INTERVALS
                ? Stream.concat(Stream.of(rows.size() + " intervals, without 0"), words)
                : words;
    }

    private static String described(XYSeries line) {
        double[] y = line.getYData();
        return y.length == 1 ? number(y[0]) + " at " + number(line.getXData()[0]) : fromTo(y);
    }

    private static String fromTo(double[] values) {
        return "from " + number(values[0]) + " to " + number(values[values.length - 1]);
    }

    private static String number(double value) {
        return Inline.number(value, DIGITS);
    }

    private static void paint(Chart<?, ?> chart, BufferedImage image, boolean withLegend) {
        boolean visible = chart.getStyler().isLegendVisible();
        chart.getStyler().setLegendVisible(visible && withLegend);
        try {
            paint(chart, image);
        } finally {
            chart.getStyler().setLegendVisible(visible);
        }
    }

    private static void paint(Chart<?, ?> chart, BufferedImage image) {
        var graphics = image.createGraphics();
        try {
            chart.paint(graphics, image.getWidth(), image.getHeight());
        } finally {
            graphics.dispose();
        }
    }

    /** Returns the picture in its most frequent colours. Any other colour is replaced by the nearest of them. */
    private static ChartImage reduced(BufferedImage full, int colours, String description) {
        int width = full.getWidth();
        int height = full.getHeight();
        int[] pixels = full.getRGB(0, 0, width, height, null, 0, width);
        var count = new HashMap<Integer, Integer>();
        for (int pixel : pixels) {
            count.merge(pixel, 1, Integer::sum);
        }
        var palette = count.entrySet().stream()
                .sorted(Map.Entry.<Integer, Integer>comparingByValue()
                        .reversed()
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(colours)
                .map(Map.Entry::getKey)
                .toList();
        var image = new ChartImage(width, height, model(palette), description);
        var nearest = new HashMap<Integer, Integer>();
        for (int i = 0; i < pixels.length; i++) {
            image.getRaster()
                    .setSample(
                            i % width,
                            i / width,
                            0,
                            nearest.computeIfAbsent(pixels[i], pixel -> nearest(palette, pixel)));
        }
        return image;
    }

    private static IndexColorModel model(List<Integer> palette) {
        return new IndexColorModel(
                8, palette.size(), palette.stream().mapToInt(Integer::intValue).toArray(), 0, false, -1, 0);
    }

    private static int nearest(List<Integer> palette, int colour) {
        int best = 0;
        for (int i = 1; i < palette.size(); i++) {
            if (distance(palette.get(i), colour) < distance(palette.get(best), colour)) {
                best = i;
            }
        }
        return best;
    }

    private static int distance(int a, int b) {
        int sum = 0;
        for (int shift = 0; shift < 24; shift += 8) {
            int difference = (a >> shift & 0xff) - (b >> shift & 0xff);
            sum += difference * difference;
        }
        return sum;
    }

    @Override
    public String toString() {
        return description;
    }
}
