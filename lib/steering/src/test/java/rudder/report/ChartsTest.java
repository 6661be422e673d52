package rudder.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.awt.Color;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import rudder.compare.Comparison;
import rudder.compare.ConfidenceInterval;
import rudder.compare.Metric;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.steer.PromptSet;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.Plant;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.bound.ConformalBound;
import rudder.theory.bound.LyapunovFunction;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

class ChartsTest {
    private static final int T = 6;
    private static final int RUNS = 5;
    private static final double[] V = {1, 0};

    private final LinearSystem system = LinearSystem.of(IntStream.range(0, T)
            .mapToObj(k -> new DMatrixRMaj(new double[][] {{0.9, 0.2}, {-0.1, 0.8}}))
            .toList());
    private final Setpoint setpoint = Setpoint.constant(T, V, 2);
    private final Controller lqr = Controller.lqr(Lqr.solve(system, new QuadraticCost(1, 1, 1)), setpoint);

    private Map<String, List<Rollout>> runs(Controller... controllers) {
        var runs = new LinkedHashMap<String, List<Rollout>>();
        for (var controller : controllers) {
            var random = new Random(1);
            var some = new ArrayList<Rollout>();
            for (int i = 0; i < RUNS; i++) {
                some.add(Rollout.of(
                        Plant.of(system), controller, new double[] {random.nextDouble(), random.nextDouble()}));
            }
            runs.put(controller.name(), some);
        }
        return runs;
    }

    private static List<String> legend(XYChart chart) {
        return chart.getSeriesCollection().stream()
                .filter(series -> series.isShowInLegend())
                .map(series -> series.getLabel())
                .toList();
    }

    /** The unsteered model is where every family's curve begins. */
    @Test
    @Tag("model")
    void anArmMayBeginSeveralCurvesOfATradeOff() throws IOException {
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            var prompts = List.of("Once upon a time", "The best thing about the weekend is");
            var comparison = Comparison.of(
                    model,
                    prompts,
                    Comparison.settings().tokens(4),
                    Controller.none(),
                    Controller.none().named("a 1"),
                    Controller.none().named("b 1"));
            var families = new LinkedHashMap<String, List<String>>();
            families.put("b", List.of("none", "b 1"));
            families.put("a", List.of("none", "a 1"));
            var chart = Charts.tradeOff(comparison, "perplexity", "distinct-1", families);
            assertEquals(List.of("b", "a"), legend(chart));
            assertEquals("perplexity", chart.getXAxisTitle(), "all are within a factor of ten");
            var wide = comparison.with(
                    Metric.of("wide", completion -> completion.controller().equals("b 1") ? 100 : 1));
            assertEquals(
                    "wide (log scale)",
                    Charts.tradeOff(wide, "wide", "distinct-1").getXAxisTitle());
            for (var whisker : List.of("a, none", "a, a 1", "b, none", "b, b 1")) {
                assertTrue(
                        chart.getSeriesCollection().stream()
                                .anyMatch(series -> series.getName().startsWith(whisker)),
                        whisker);
            }
        }
    }

    @Test
    void anyCurvesAreDrawnByBlockLogarithmicallyWhereTheySpanMuch() {
        var narrow = Charts.byBlock("Norms", "norm", Map.of("A", new double[] {0.5, Double.NaN, 2}));
        assertArrayEquals(
                new double[] {0, 2},
                narrow.getSeriesCollection().iterator().next().getXData());
        assertEquals("norm", narrow.getYAxisTitle());
        var wide = Charts.byBlock("Norms", "norm", Map.of("A", new double[] {1e-3, 2, 0, Double.POSITIVE_INFINITY}));
        assertArrayEquals(
                new double[] {0, 1},
                wide.getSeriesCollection().iterator().next().getXData());
        assertEquals("norm (log scale)", wide.getYAxisTitle());
        assertEquals(
                "rad",
                Charts.byBlock("Angles", "rad", Map.of("fall", new double[] {-1, 300}))
                        .getYAxisTitle());
        assertRefused(
                () -> Charts.byBlock("Norms", "norm", Map.of("A", new double[] {Double.NaN})), "no finite number", "A");
    }

    @Test
    void trackingShowsMeanStrengthsAgainstTheSetpoint() {
        var runs = runs(Controller.none(), Controller.spreadActAdd(setpoint, 0), lqr);
        var chart = Charts.tracking(setpoint, runs);
        assertEquals(
                List.of("setpoint", "none", "spread ActAdd 2.0 \u03bc\u2096 from block 0", "A-LQR 2.0 \u03bc\u2096"),
                legend(chart));
        assertEquals("block k", chart.getXAxisTitle());
        assertEquals("strength at entry of block (gaps \u03bc\u2096)", chart.getYAxisTitle());
        assertEquals("Feature strength by block, mean and sd over 5 runs", chart.getTitle());
        assertArrayEquals(
                new double[] {2, 2, 2, 2, 2, 2, 2}, chart.getSeries("setpoint").getYData());
        for (int k = 0; k <= T; k++) {
            int block = k;
            double mean = runs.get(lqr.name()).stream()
                    .mapToDouble(run -> run.states()[block][0])
                    .average()
                    .orElseThrow();
            assertEquals(mean, chart.getSeries(lqr.name()).getYData()[k], 1e-12);
        }
        assertEquals(7, chart.getSeriesCollection().size()); // setpoint, three bands, three curves
    }

    @Test
    void aSingleRunHasNoBand() {
        var run = Map.of("once", List.of(Rollout.of(Plant.of(system), lqr, V)));
        assertEquals(2, Charts.tracking(setpoint, run).getSeriesCollection().size());
        assertEquals("Feature strength by block", Charts.tracking(setpoint, run).getTitle());
    }

    @Test
    void energyLeavesOutWhatHasNoInput() {
        var chart = Charts.energy(runs(Controller.none(), Controller.actAdd(setpoint, 3), lqr));
        assertEquals(2, chart.getSeriesCollection().size());
        var once = chart.getSeries(Controller.actAdd(setpoint, 3).name());
        assertArrayEquals(new double[] {3}, once.getXData());
        assertArrayEquals(new double[] {4}, once.getYData());
        assertTrue(chart.getStyler().isYAxisLogarithmic());
        assertEquals("input energy |u\u2096|\u00b2 (log scale)", chart.getYAxisTitle());
    }

    @Test
    void strengthOverTokensEndsWhereTheLastCompletionDoes() {
        var last = new double[T + 1];
        last[T] = 4;
        var none = new double[T + 1];
        var texts = List.of(completion(last, none, none), completion(none));
        var chart = Charts.strengthOverTokens(setpoint, Map.of("A-LQR", texts));
        assertArrayEquals(new double[] {1, 2, 3}, chart.getSeries("A-LQR").getXData());
        assertArrayEquals(new double[] {2, 0, 0}, chart.getSeries("A-LQR").getYData());
        assertEquals("strength of last state (gaps)", chart.getYAxisTitle());
    }

    private static Completion completion(double[]... strengths) {
        return new Completion(
                "p",
                "t",
                new int[1],
                new int[strengths.length],
                false,
                "A-LQR",
                Positions.ALL,
                strengths,
                new double[strengths.length][T]);
    }

    @Test
    void boundsLieOverTheErrorsTheyWereMadeFrom() {
        var closed = LinearSystem.of(IntStream.range(0, T)
                .mapToObj(k -> new DMatrixRMaj(new double[][] {{0.5, 0}, {0, 0.5}}))
                .toList());
        var deviations = runs(Controller.none()).get("none");
        var chart = Charts.bound(ConformalBound.perBlock(LyapunovFunction.of(closed), deviations, 0.2), deviations);
        assertEquals(List.of("error", "conformal bound"), legend(chart));
        for (int k = 0; k <= T; k++) {
            assertTrue(chart.getSeries("error").getYData()[k]
                    <= chart.getSeries("conformal bound").getYData()[k]);
        }
    }

    @Test
    void aPictureHasFewColoursSaysWhatItShowsAndIsSmall() throws IOException {
        var image = Notebook.image(
                Charts.tracking(setpoint, runs(Controller.none(), Controller.spreadActAdd(setpoint, 0), lqr)));
        var words = image.toString();
        assertTrue(
                words.startsWith("Feature strength by block, mean and sd over 5 runs:"
                        + " strength at entry of block (gaps \u03bc\u2096) against block k. setpoint from "),
                words);
        assertTrue(words.matches(".* none from \\S+ to \\S+, .*"), words);
        assertTrue(((IndexColorModel) image.getColorModel()).getMapSize() <= 80);
        var png = new ByteArrayOutputStream();
        assertTrue(ImageIO.write(image, "png", png));
        assertTrue(png.size() < 40_000, png.size() + " bytes");
    }

    @Test
    void legendAndColoursFollowTheOrderSoAMapWithoutOneIsRefused() {
        double[] y = {1, 2};
        for (var names : List.of(List.of("b", "a", "c"), List.of("c", "a", "b"))) {
            var curves = new LinkedHashMap<String, double[]>();
            names.forEach(name -> curves.put(name, y));
            var chart = Charts.byBlock("Norms", "norm", curves);
            assertEquals(names, legend(chart));
            assertEquals(
                    ChartStyle.colour(1), chart.getSeries(names.get(1)).getLineColor(), "second curve, second colour");
            var unordered = Map.copyOf(curves);
            for (Executable draw : List.<Executable>of(
                    () -> Charts.byBlock("Norms", "norm", unordered),
                    () -> Charts.byBlock("Norms", "norm", new HashMap<>(curves)),
                    () -> Charts.growth("Time", "d", y, "s", unordered))) {
                assertRefused(draw, "order of [", "LinkedHashMap");
            }
        }
        var runs = Map.copyOf(runs(Controller.none(), lqr));
        assertRefused(() -> Charts.tracking(setpoint, runs), "none", "LinkedHashMap");
        assertRefused(() -> Charts.energy(runs), "none", "LinkedHashMap");
        assertEquals(List.of("a", "b"), legend(Charts.byBlock("Norms", "norm", new TreeMap<>(Map.of("b", y, "a", y)))));
    }

    @Test
    void nothingToDrawIsRefused() {
        assertRefused(() -> Charts.tracking(setpoint, Map.of()), "no runs");
        assertRefused(() -> Charts.energy(runs(Controller.none())), "nothing to draw", "none");
        assertRefused(() -> Charts.tracking(null, List.of("a"), Controller.none()), "1 controllers has a setpoint");
    }

    @Test
    void aPowerLawIsDrawnOnLogarithmicScalesAcrossAndUp() {
        var chart = Charts.growth(
                "Time", "d", new double[] {200, 400, 800}, "s", Map.of("cubes", new double[] {.02, .16, 1.28}));
        assertEquals(List.of("cubes"), legend(chart));
        assertTrue(chart.getStyler().isXAxisLogarithmic() && chart.getStyler().isYAxisLogarithmic());
        assertEquals(200, chart.getStyler().getXAxisMin());
        assertEquals(2, chart.getStyler().getYAxisMax());
        assertRefused(
                () -> Charts.growth("Time", "d", new double[] {1}, "s", Map.of("none", new double[] {0})),
                "least number 0.0",
                "logarithmic");
    }

    /** 4 to 80 in [1, 1000] would use one fifth of the axis. */
    @Test
    void aLogarithmicAxisEndsWhereItsNumbersDoAndHasAtLeastTwoLabels() {
        assertEquals(new LogAxis(4, 80), LogAxis.of(4.3, 72));
        assertEquals(new LogAxis(0.02, 2), LogAxis.of(0.02, 1.28));
        assertEquals(new LogAxis(2, 10), LogAxis.of(5, 5));
        var random = new Random(3);
        for (int trial = 0; trial < 200; trial++) {
            double least = Math.pow(10, random.nextInt(12) - 6) * (1 + 8 * random.nextDouble());
            double most = least * Math.pow(10, 4 * random.nextDouble());
            var axis = LogAxis.of(least, most);
            assertTrue(axis.min() <= least && axis.max() >= most, axis + " of " + least + ", " + most);
            assertTrue(axis.min() > 0.49 * least && axis.max() < 2.01 * most, axis + " of " + least + ", " + most);
            var labels = new ArrayList<String>();
            for (int exponent = -7; exponent < 12; exponent++) {
                for (int digit = 1; digit < 10; digit++) {
                    double tick = digit * Math.pow(10, exponent);
                    if (tick > axis.min() * 0.999
                            && tick < axis.max() * 1.001
                            && !axis.label(tick).isEmpty()) {
                        labels.add(axis.label(tick));
                        assertEquals(1, Double.parseDouble(axis.label(tick)) / tick, 1e-9);
                    }
                }
            }
            assertTrue(labels.size() >= 2 && labels.size() <= 11, axis + ": " + labels);
        }
        assertRefused(() -> LogAxis.of(0, 1), "0.0", "positive");
        assertRefused(() -> LogAxis.of(1, Double.POSITIVE_INFINITY), "Infinity", "finite");
    }

    @Test
    void elevenCurvesHaveElevenColoursAndThirtyDifferInColourOrMarker() {
        var curves = new LinkedHashMap<String, double[]>();
        IntStream.range(0, 30).forEach(i -> curves.put("curve " + i, new double[] {i, i + 1}));
        var drawn = Charts.byBlock("Many", "y", curves).getSeriesCollection();
        assertEquals(
                11,
                drawn.stream()
                        .limit(11)
                        .map(series -> series.getLineColor())
                        .distinct()
                        .count());
        assertEquals(
                30,
                drawn.stream()
                        .map(series -> List.of(series.getLineColor(), series.getMarker()))
                        .distinct()
                        .count());
    }

    @Test
    void panelsOfTheSameCurvesShareALegendAndKeepTheirOwnAfterwards() {
        var chart = Charts.byBlock("A", "y", new TreeMap<>(Map.of("a", V, "b", V)));
        var other = Charts.byBlock("B", "y", Map.of("c", V));
        assertEquals(
                List.of("a", "b"),
                Legend.shared(List.of(chart, chart)).entries().stream()
                        .map(Legend.Entry::label)
                        .toList());
        assertEquals(List.of(), Legend.shared(List.of(chart, other)).entries());
        int alone = Notebook.image(2, List.of(chart, other)).getHeight();
        assertEquals(
                alone + Legend.HEIGHT, Notebook.image(2, List.of(chart, chart)).getHeight());
        assertEquals(
                2 * alone + Legend.HEIGHT,
                Notebook.image(2, List.of(chart, chart, chart)).getHeight());
        assertTrue(chart.getStyler().isLegendVisible());
    }

    @Test
    void aHeatMapPutsThePromptsOfASetSideBySide() {
        var sets = List.of(new PromptSet("law", List.of("l0", "l1")), new PromptSet("code", List.of("c0", "c1", "c2")));
        var prompts = List.of("c0", "l1", "c1", "c2");
        var groups = LinearityCharts.groups(prompts, sets);
        assertEquals(Map.of("law", List.of(1), "code", List.of(0, 2, 3)), groups);
        assertEquals(List.of("law", "code"), List.copyOf(groups.keySet()));
        assertRefused(() -> LinearityCharts.groups(List.of("x"), sets), "\"x\"", "law", "code");

        double[][] above = {{1, 2}, {2, 1}};
        double[][] below = {{1, 3}, {3, 1}};
        var map = LinearityCharts.heatMap(0, above, below, List.of("b", " ", "a"), List.of(1, -1, 0));
        var cells = List.copyOf(map.getHeatMapSeries().getHeatData());
        assertEquals(2, cells.size(), "neither the diagonal nor the gap");
        assertArrayEquals(new Number[] {0, 2, 2.0}, cells.get(0));
        assertArrayEquals(new Number[] {2, 0, 3.0}, cells.get(1));
    }

    /** XChart leaves out labels of ticks that stand close; a group's name has only one tick. */
    @Test
    void aHeatMapNamesEachGroupOnceAlongBothAxes() {
        var names = List.of("concepts", "code", "law", "noisy", "adversarial");
        var groups = new LinkedHashMap<String, List<Integer>>();
        names.forEach(
                name -> groups.put(name, List.of(3 * groups.size(), 3 * groups.size() + 1, 3 * groups.size() + 2)));
        var all = new double[15][15];
        Arrays.stream(all).forEach(row -> Arrays.fill(row, 0.9));
        var picture = BitmapEncoder.getBufferedImage(LinearityCharts.heatMap(7, all, all, groups));

        var blue = new ArrayList<int[]>(); // the cells
        var dark = new ArrayList<int[]>(); // the letters
        for (int x = 0; x < picture.getWidth(); x++) {
            for (int y = 0; y < picture.getHeight(); y++) {
                var colour = new Color(picture.getRGB(x, y));
                if (colour.getBlue() - colour.getRed() > 60) {
                    blue.add(new int[] {x, y});
                } else if (colour.getBlue() < 120) {
                    dark.add(new int[] {x, y});
                }
            }
        }
        int left = blue.stream().mapToInt(at -> at[0]).min().orElseThrow();
        int top = blue.stream().mapToInt(at -> at[1]).min().orElseThrow(); // the title is above
        int bottom = blue.stream()
                .filter(at -> at[0] < left + 100) // not the colour scale
                .mapToInt(at -> at[1])
                .max()
                .orElseThrow();
        assertEquals(
                names.size(),
                clusters(dark.stream()
                        .filter(at -> at[0] < left && at[0] > left - 20 && at[1] > top)
                        .mapToInt(at -> at[1])));
        assertEquals(
                names.size(),
                clusters(dark.stream()
                        .filter(at -> at[1] > bottom && at[1] < bottom + 12)
                        .mapToInt(at -> at[0])));
    }

    /** Returns the number of runs of places, where a run ends before a gap of a letter's width. */
    private static long clusters(IntStream places) {
        int[] sorted = places.sorted().distinct().toArray();
        return IntStream.range(0, sorted.length)
                .filter(i -> i == 0 || sorted[i] - sorted[i - 1] > 10)
                .count();
    }

    /** Rows from top to bottom, series side by side within a row, and an interval for each. */
    @Test
    void aForestShowsEveryDifferenceInItsRow() {
        var rows = new LinkedHashMap<String, Map<String, ConfidenceInterval>>();
        for (var twin : List.of("ActAdd / P", "A-LQR")) {
            var models = new TreeMap<String, ConfidenceInterval>();
            models.put("a", new ConfidenceInterval(0.01, -0.02, 0.04));
            models.put("b", new ConfidenceInterval(-0.03, -0.05, -0.01));
            rows.put(twin, models);
        }
        rows.get("A-LQR").remove("a");
        var chart = ForestChart.of("forest", "difference", rows, 0.02);
        var b = chart.getSeries("b");
        assertArrayEquals(new double[] {-0.03, -0.03}, b.getXData());
        assertArrayEquals(new double[] {-0.25, -1.25}, b.getYData(), 1e-12);
        assertArrayEquals(new double[] {0.25}, chart.getSeries("a").getYData(), 1e-12);
        assertArrayEquals(
                new double[] {-0.02, 0.04}, chart.getSeries("a, ActAdd / P").getXData());
        assertEquals(-0.02, chart.getSeries("margin -0.02").getXData()[0]);
        assertEquals(
                "forest: difference. a, ActAdd / P from -0.02 to 0.04, "
                        + "b, ActAdd / P from -0.05 to -0.01, b, A-LQR from -0.05 to -0.01.",
                Notebook.image(chart).toString());
        assertRefused(() -> ForestChart.of("forest", "difference", Map.of(), 0.02), "no rows");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 16, 40})
    void aForestPlotOfLongNamesIsDrawn(int count) {
        var rows = new LinkedHashMap<String, Map<String, ConfidenceInterval>>();
        for (int i = 0; i < count; i++) {
            rows.put(
                    "a row with a name of more than twenty letters " + i,
                    Map.of("a", new ConfidenceInterval(i, i - 1, i + 1)));
        }
        var chart = ForestChart.of("forest", "difference", rows, 0);
        assertTrue(BitmapEncoder.getBufferedImage(chart).getHeight() > 60 * count);
    }
}
