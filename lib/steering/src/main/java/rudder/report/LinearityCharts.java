package rudder.report;

import java.util.Arrays;
import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.XYChart;
import rudder.compare.ConfidenceInterval;
import rudder.study.ForecastStudy;
import rudder.study.ForecastStudy.Loop;
import rudder.study.LinearityStudy;
import rudder.study.LinearityStudy.Along;
import rudder.study.LinearityStudy.With;
import rudder.study.TruncationStudy;
import rudder.study.TruncationStudy.Cut;

/** Pictures of how linear a model is. Curves are means over prompts, bands their 95 % intervals. */
public final class LinearityCharts {
    private LinearityCharts() {}

    /**
     * Alignment of a prompt's Jacobian with the others', by block, and of random spaces with the same singular values.
     */
    public static XYChart alignment(LinearityStudy study) {
        var curves = new LinkedHashMap<String, List<ConfidenceInterval>>();
        curves.put("between prompts", study.alignment());
        curves.put("random spaces", study.control());
        var chart = byBlock("Alignment of Jacobians" + over(study), "similarity (1: the same)", curves);
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
        return chart;
    }

    /**
     * Alignment between prompts at block k. Above the diagonal each cell is a pair of prompts' Jacobians; below, a pair
     * of random spaces with the same singular values, the control. The diagonal, which is 1, is left out.
     */
    public static HeatMapChart heatMap(LinearityStudy study, int k) {
        double[][] alignment = study.alignment(k);
        double[][] control = study.control(k);
        var numbers = IntStream.range(0, alignment.length).boxed().toList();
        var cells = numbers.stream()
                .flatMap(i -> numbers.stream().filter(j -> !j.equals(i)).map(j ->
                        new Number[] {i, j, (j > i ? alignment : control)[i][j]}))
                .toList();
        double most =
                cells.stream().mapToDouble(cell -> cell[2].doubleValue()).max().orElse(1);
        var chart = ChartStyle.heatMap(
                "Block " + k + ": prompts (above) and random spaces (below)",
                "prompt",
                "prompt",
                0,
                Math.ceil(10 * most) / 10);
        chart.addSeries("alignment", numbers, numbers, cells);
        return chart;
    }

    /** Singular values of the Jacobians at some blocks, largest first, relative to the largest. */
    public static XYChart spectra(LinearityStudy study, int... blocks) {
        var curves = new LinkedHashMap<String, List<ConfidenceInterval>>();
        for (int k : blocks) {
            curves.put("block " + k, study.spectrum(k));
        }
        var chart = ChartStyle.counted(
                "Singular values of Jacobians" + over(study),
                "i",
                study.spectrum(blocks[0]).size() - 1,
                "s\u1d62 / largest");
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
        return draw(chart, from0(study.spectrum(blocks[0]).size()), curves);
    }

    /** Error of each kind of Jacobian at one radius, by block, on a logarithmic scale. */
    public static XYChart errors(LinearityStudy study, Along along, double radius) {
        var curves = byJacobian(with -> study.error(along, with, radius));
        return logarithmic(
                byBlock(
                        "Prediction error along " + along + " at |dz| = " + radius + " |z|" + over(study),
                        "relative error (log scale)",
                        curves),
                curves.values());
    }

    /** Error of one kind of Jacobian against the radius, mean over blocks, both axes logarithmic. */
    public static XYChart radii(LinearityStudy study, With with) {
        var curves = new LinkedHashMap<String, List<ConfidenceInterval>>();
        for (var along : Along.values()) {
            curves.put(
                    along.toString(),
                    LinearityStudy.RADII.stream()
                            .map(eps -> study.meanError(along, with, eps))
                            .toList());
        }
        var chart = ChartStyle.chart(
                "Prediction error of the prompt's " + with + " Jacobian, mean over blocks" + over(study),
                "|dz| / |z|",
                "relative error (log scale)");
        chart.getStyler().setXAxisLogarithmic(true).setXAxisDecimalPattern("0.##");
        return logarithmic(
                draw(
                        chart,
                        LinearityStudy.RADII.stream().mapToDouble(eps -> eps).toArray(),
                        curves),
                curves.values());
    }

    /**
     * Block k against rank, on a logarithmic scale across: what of the prompt's own Jacobian's prediction error and of
     * the alignment between prompts r singular values give, and how many the paper keeps.
     */
    public static XYChart ranks(TruncationStudy study, int k) {
        var chart = ChartStyle.chart(
                "Rank truncation at block " + k + ", " + study.prompts() + " prompts, mean and 95 %",
                "rank r (log scale)",
                "error, similarity");
        double kept = study.aboveThreshold(k).mean();
        var curves = new LinkedHashMap<String, List<ConfidenceInterval>>();
        curves.put("error of A, cut to r", study.error(k, Cut.WHOLE));
        curves.put("error of I + J, J cut to r", study.error(k, Cut.ADDED));
        draw(chart, study.ranks().stream().mapToDouble(r -> r).toArray(), curves);
        var alignments = new LinkedHashMap<String, List<ConfidenceInterval>>();
        alignments.put("alignment of r directions", study.alignment(k));
        alignments.put("random spaces", study.control(k));
        draw(chart, study.alignedRanks().stream().mapToDouble(r -> r).toArray(), alignments, curves.size());
        ChartStyle.mark(chart, "values above " + TruncationStudy.THRESHOLD, kept, 0, 1);
        chart.getStyler()
                .setXAxisLogarithmic(true)
                .setXAxisDecimalPattern("#")
                .setYAxisMin(0.0)
                .setYAxisMax(1.0);
        return chart;
    }

    /**
     * Four panels, two in a row, of one scale: errors of one step and of all steps so far, without inputs and under
     * feedback.
     */
    public static List<XYChart> forecasts(ForecastStudy study) {
        var panels = new LinkedHashMap<String, Map<String, List<ConfidenceInterval>>>();
        for (var loop : List.of(Loop.FREE, Loop.FEEDBACK)) {
            String where = loop == Loop.FREE ? ", no inputs" : ", A-LQR";
            panels.put("One step" + where, byJacobian(with -> study.stepErrors(loop, with)));
            panels.put("All steps so far" + where, byJacobian(with -> study.errors(loop, with)));
        }
        double most = panels.values().stream()
                .flatMap(curves -> curves.values().stream())
                .flatMap(List::stream)
                .mapToDouble(ConfidenceInterval::high)
                .filter(y -> !Double.isNaN(y))
                .max()
                .orElse(1);
        return panels.entrySet().stream()
                .map(panel -> {
                    var chart = ChartStyle.panel(panel.getKey(), byBlock("", "relative error", panel.getValue()));
                    chart.getStyler().setYAxisMin(0.0).setYAxisMax(Math.ceil(2 * most) / 2);
                    return chart;
                })
                .toList();
    }

    private static Map<String, List<ConfidenceInterval>> byJacobian(Function<With, List<ConfidenceInterval>> errors) {
        var curves = new LinkedHashMap<String, List<ConfidenceInterval>>();
        for (var with : With.values()) {
            curves.put(with + " Jacobian", errors.apply(with));
        }
        return curves;
    }

    /**
     * Two rows of panels, a model a column: alignment beside its random control, and errors of each kind of Jacobian
     * along real differences.
     */
    public static List<XYChart> families(List<LinearityStudy> studies, double radius) {
        var errors = studies.stream()
                .map(study -> byJacobian(with -> study.error(Along.DIFFERENCES, with, radius)))
                .toList();
        var all = errors.stream()
                .flatMap(curves -> curves.values().stream())
                .flatMap(List::stream)
                .toList();
        return Stream.concat(
                        studies.stream().map(study -> ChartStyle.panel(study.model(), alignment(study))),
                        errors.stream()
                                .map(curves -> ChartStyle.panel(
                                        "Error at |dz| = " + radius + " |z|",
                                        logarithmic(byBlock("", "relative error (log scale)", curves), List.of(all)))))
                .toList();
    }

    /** Curves over blocks, in the order of the legend. */
    public static XYChart byBlock(String title, String y, Map<String, List<ConfidenceInterval>> curves) {
        int blocks = ChartStyle.ordered(curves).values().stream()
                .mapToInt(List::size)
                .max()
                .orElseThrow();
        return draw(ChartStyle.counted(title, "block k", blocks - 1, y), from0(blocks), curves);
    }

    /** Bands below all curves; where a number is not defined a curve has no point. */
    private static XYChart draw(XYChart chart, double[] x, Map<String, List<ConfidenceInterval>> curves) {
        return draw(chart, x, curves, 0);
    }

    /** @param first number of the first curve, where there are others already */
    private static XYChart draw(XYChart chart, double[] x, Map<String, List<ConfidenceInterval>> curves, int first) {
        var names = List.copyOf(curves.keySet());
        for (var name : names) {
            var curve = curves.get(name);
            int[] some = IntStream.range(0, x.length)
                    .filter(i -> curve.get(i).high() > curve.get(i).low())
                    .toArray();
            if (some.length > 1) {
                ChartStyle.band(
                        chart,
                        first + names.indexOf(name),
                        "band of " + name,
                        at(some, x),
                        at(
                                some,
                                curve.stream()
                                        .mapToDouble(ConfidenceInterval::low)
                                        .toArray()),
                        at(
                                some,
                                curve.stream()
                                        .mapToDouble(ConfidenceInterval::high)
                                        .toArray()));
            }
        }
        for (var name : names) {
            double[] y = curves.get(name).stream()
                    .mapToDouble(ConfidenceInterval::mean)
                    .toArray();
            int[] some = IntStream.range(0, x.length)
                    .filter(i -> !Double.isNaN(y[i]))
                    .toArray();
            ChartStyle.line(chart, first + names.indexOf(name), name, at(some, x), at(some, y));
        }
        return chart;
    }

    private static XYChart logarithmic(XYChart chart, Collection<List<ConfidenceInterval>> curves) {
        var drawn = new DoubleSummaryStatistics();
        curves.forEach(
                curve -> curve.stream().filter(y -> !Double.isNaN(y.low())).forEach(y -> {
                    drawn.accept(y.low());
                    drawn.accept(y.high());
                }));
        ChartStyle.logarithmic(chart, drawn.getMin(), drawn.getMax());
        return chart;
    }

    private static double[] at(int[] indices, double[] values) {
        return Arrays.stream(indices).mapToDouble(i -> values[i]).toArray();
    }

    private static double[] from0(int n) {
        return IntStream.range(0, n).asDoubleStream().toArray();
    }

    private static String over(LinearityStudy study) {
        return ", " + study.prompts().size() + " prompts, mean and 95 %";
    }
}
