package rudder.report;

import java.awt.Color;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler.LegendPosition;
import rudder.Interval;
import rudder.LinearityStudy;
import rudder.LinearityStudy.Along;
import rudder.LinearityStudy.With;

/** Pictures of how linear a model is. Curves are means over prompts, bands their 95 % intervals. */
public final class LinearityCharts {
    private LinearityCharts() {}

    /** Alignment of a prompt's Jacobian with the others', by block, and of random spaces with the same singular values. */
    public static XYChart alignment(LinearityStudy study) {
        var curves = new LinkedHashMap<String, List<Interval>>();
        curves.put("between prompts", study.alignment());
        curves.put("random spaces", study.control());
        var chart = byBlock("Alignment of Jacobians" + over(study), "similarity (1: the same)", curves);
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
        return chart;
    }

    /** Alignment of each prompt's Jacobian at block k with each other's. */
    public static HeatMapChart heatMap(LinearityStudy study, int k) {
        double[][] alignment = study.alignment(k);
        var numbers = IntStream.range(0, alignment.length).boxed().toList();
        var cells = numbers.stream().flatMap(i -> numbers.stream().map(j -> new Number[] {i, j, alignment[i][j]})).toList();
        var chart = new HeatMapChartBuilder().width(640).height(520).title("Alignment between prompts at block " + k).xAxisTitle("prompt")
                .yAxisTitle("prompt").build();
        chart.getStyler().setMin(0).setMax(1).setRangeColors(new Color[] {Color.WHITE, new Color(0x0072b2)}).setShowValue(true)
                .setHeatMapValueDecimalPattern("0.00").setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false).setChartTitleBoxVisible(false)
                .setLegendPosition(LegendPosition.OutsideE).setLegendBorderColor(Color.WHITE);
        chart.addSeries("alignment", numbers, numbers, cells);
        return chart;
    }

    /** {@code s_i / s_1} of the Jacobians at some blocks. */
    public static XYChart spectra(LinearityStudy study, int... blocks) {
        var curves = new LinkedHashMap<String, List<Interval>>();
        for (int k : blocks) {
            curves.put("block " + k, study.spectrum(k));
        }
        var chart = ChartStyle.counted("Singular values of Jacobians" + over(study), "i", study.spectrum(blocks[0]).size() - 1, "s\u1d62 / s\u2080");
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
        return draw(chart, from0(study.spectrum(blocks[0]).size()), curves);
    }

    /** Error of each kind of Jacobian when states are moved towards other prompts', by block, on a logarithmic scale. */
    public static XYChart errors(LinearityStudy study, Along along, double radius) {
        var curves = new LinkedHashMap<String, List<Interval>>();
        for (var with : With.values()) {
            curves.put(with + " Jacobian", study.error(along, with, radius));
        }
        return logarithmic(byBlock("Prediction error along " + along + " at |dz| = " + radius + " |z|" + over(study), "relative error (log scale)", curves), curves);
    }

    /** Error of one kind of Jacobian against the radius, mean over blocks, both axes logarithmic. */
    public static XYChart radii(LinearityStudy study, With with) {
        var curves = new LinkedHashMap<String, List<Interval>>();
        for (var along : Along.values()) {
            curves.put(along.toString(), LinearityStudy.RADII.stream().map(eps -> study.meanError(along, with, eps)).toList());
        }
        var chart = ChartStyle.chart("Prediction error of the prompt's " + with + " Jacobian, mean over blocks" + over(study), "|dz| / |z|",
                "relative error (log scale)");
        chart.getStyler().setXAxisLogarithmic(true).setXAxisDecimalPattern("0.##");
        return logarithmic(draw(chart, LinearityStudy.RADII.stream().mapToDouble(eps -> eps).toArray(), curves), curves);
    }

    /** Curves over blocks, in the order of the legend. */
    public static XYChart byBlock(String title, String y, Map<String, List<Interval>> curves) {
        int blocks = curves.values().stream().mapToInt(List::size).max().orElseThrow();
        return draw(ChartStyle.counted(title, "block k", blocks - 1, y), from0(blocks), curves);
    }

    /** Bands below all curves; where a number is not defined a curve has no point. */
    private static XYChart draw(XYChart chart, double[] x, Map<String, List<Interval>> curves) {
        var names = List.copyOf(curves.keySet());
        for (var name : names) {
            var curve = curves.get(name);
            int[] some = IntStream.range(0, x.length).filter(i -> curve.get(i).high() > curve.get(i).low()).toArray();
            if (some.length > 1) {
                ChartStyle.band(chart, names.indexOf(name), "band of " + name, at(some, x), at(some, curve.stream().mapToDouble(Interval::low).toArray()),
                        at(some, curve.stream().mapToDouble(Interval::high).toArray()));
            }
        }
        for (var name : names) {
            double[] y = curves.get(name).stream().mapToDouble(Interval::mean).toArray();
            int[] some = IntStream.range(0, x.length).filter(i -> !Double.isNaN(y[i])).toArray();
            ChartStyle.line(chart, names.indexOf(name), name, at(some, x), at(some, y));
        }
        return chart;
    }

    private static XYChart logarithmic(XYChart chart, Map<String, List<Interval>> curves) {
        var drawn = new DoubleSummaryStatistics();
        curves.values().forEach(curve -> curve.stream().filter(y -> !Double.isNaN(y.low())).forEach(y -> {
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
