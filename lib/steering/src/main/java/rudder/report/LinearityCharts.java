package rudder.report;

import java.util.ArrayList;
import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.XYChart;
import rudder.compare.ConfidenceInterval;
import rudder.steer.PromptSet;
import rudder.study.ForecastStudy;
import rudder.study.ForecastStudy.Loop;
import rudder.study.Jacobians;
import rudder.study.LinearityStudy;
import rudder.study.LinearityStudy.Along;
import rudder.study.TruncationStudy;
import rudder.study.TruncationStudy.Cut;

/** Draws how linear a model is. Curves are means over prompts, bands are their 95 % intervals. */
public final class LinearityCharts {

    /** Stands for a row and a column without a prompt. */
    private static final int GAP = -1;

    private LinearityCharts() {}

    /**
     * Draws the alignment of a prompt's Jacobian with those of other prompts, by block. Beside it stand random spaces
     * with the same singular values.
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
     * Draws the alignment between prompts at block k. Above the diagonal each cell is a pair of prompts' Jacobians.
     * Below it each cell is a pair of random spaces with the same singular values: the control. The diagonal, which is
     * 1, is left out.
     */
    public static HeatMapChart heatMap(LinearityStudy study, int k) {
        var numbers = IntStream.range(0, study.prompts().size()).boxed().toList();
        return heatMap(k, study.alignment(k), study.control(k), numbers, numbers);
    }

    /**
     * Draws {@link #heatMap(LinearityStudy, int)} with the prompts of a set side by side, under the set's name.
     *
     * @param sets the study's prompts by kind, with gaps between kinds in the picture
     * @throws IllegalArgumentException if a prompt of the study is in none of the sets
     */
    public static HeatMapChart heatMap(LinearityStudy study, int k, List<PromptSet> sets) {
        return heatMap(k, study.alignment(k), study.control(k), groups(study.prompts(), sets));
    }

    /** Draws the groups of prompts one after the other, each under its name and with a gap before the next. */
    static HeatMapChart heatMap(int k, double[][] alignment, double[][] control, Map<String, List<Integer>> groups) {
        var labels = new ArrayList<String>();
        var order = new ArrayList<Integer>();
        groups.forEach((name, members) -> {
            if (!order.isEmpty()) {
                add(labels, order, "", GAP);
            }
            for (int i : members) {
                add(labels, order, i == members.get((members.size() - 1) / 2) ? name : "", i);
            }
        });
        var chart = heatMap(k, alignment, control, labels, order);
        chart.getStyler().setXAxisTickMarkSpacingHint(1); // wider than a cell, XChart would leave ticks out: the names
        return chart;
    }

    private static void add(List<String> labels, List<Integer> order, String label, int prompt) {
        labels.add(label.isEmpty() ? " ".repeat(labels.size() + 1) : label); // XChart wants different labels
        order.add(prompt);
    }

    /** Returns the numbers of each set's prompts, by the set's name. */
    static Map<String, List<Integer>> groups(List<String> prompts, List<PromptSet> sets) {
        var groups = new LinkedHashMap<String, List<Integer>>();
        sets.forEach(set -> groups.put(set.name(), new ArrayList<>()));
        for (int i = 0; i < prompts.size(); i++) {
            var prompt = prompts.get(i);
            var home = sets.stream()
                    .filter(set -> set.prompts().contains(prompt))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(
                            "the prompt \"" + prompt + "\" is in none of the sets " + groups.keySet()));
            groups.get(home.name()).add(i);
        }
        groups.values().removeIf(List::isEmpty);
        return groups;
    }

    /** @param order the number of the prompt in each row and column, or {@link #GAP} */
    static HeatMapChart heatMap(int k, double[][] alignment, double[][] control, List<?> labels, List<Integer> order) {
        var shown = IntStream.range(0, order.size())
                .filter(at -> order.get(at) != GAP)
                .boxed()
                .toList();
        var cells = new ArrayList<Number[]>();
        for (int x : shown) {
            for (int y : shown) {
                if (x != y) {
                    cells.add(new Number[] {x, y, (y > x ? alignment : control)[order.get(x)][order.get(y)]});
                }
            }
        }
        double most =
                cells.stream().mapToDouble(cell -> cell[2].doubleValue()).max().orElse(1);
        var chart = ChartStyle.heatMap(
                "Block " + k + ": prompts (above) and random spaces (below)",
                "prompt",
                "prompt",
                0,
                Math.ceil(10 * most) / 10);
        chart.addSeries("alignment", labels, labels, cells);
        return chart;
    }

    /** Draws the singular values of the Jacobians at some blocks, largest first, relative to the largest. */
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
        return draw(chart, Charts.upTo(study.spectrum(blocks[0]).size() - 1), curves);
    }

    /** Draws the error of each kind of Jacobian at one radius, by block, on a logarithmic scale. */
    public static XYChart errors(LinearityStudy study, Along along, double radius) {
        var curves = byJacobian(with -> study.error(along, with, radius));
        return logarithmic(
                byBlock(
                        "Prediction error along " + along + " at |dz| = " + radius + " |z|" + over(study),
                        "relative error (log scale)",
                        curves),
                curves.values());
    }

    /** Draws the error of one kind of Jacobian against the radius, mean over blocks, both axes logarithmic. */
    public static XYChart radii(LinearityStudy study, Jacobians with) {
        var curves = byDirection((along, eps) -> study.meanError(along, with, eps));
        var chart = byRadius(
                "Prediction error of the prompt's " + with + " Jacobian, mean over blocks" + over(study),
                "relative error (log scale)",
                curves);
        return logarithmic(chart, curves.values());
    }

    /** Draws the skill of one kind of Jacobian over A = I against the radius; a thin line marks no skill. */
    public static XYChart skills(LinearityStudy study, Jacobians with) {
        var chart = byRadius(
                "Skill of the prompt's " + with + " Jacobian over A = I" + over(study),
                "skill (1: perfect, 0: as A = I)",
                byDirection((along, eps) -> study.meanSkill(along, with, eps)));
        chart.getStyler().setYAxisMax(1.0);
        double[] eps = radii();
        ChartStyle.fine(chart, "no skill", new double[] {eps[0], eps[eps.length - 1]}, new double[2]);
        return chart;
    }

    /** Returns the panels of {@link #radii} and {@link #skills}, with short titles. */
    public static List<XYChart> radiiAndSkills(LinearityStudy study, Jacobians with) {
        return List.of(
                ChartStyle.panel("Error, " + with + " Jacobian", radii(study, with)),
                ChartStyle.panel("Skill over A = I, " + with + " Jacobian", skills(study, with)));
    }

    private static XYChart byRadius(String title, String y, Map<String, List<ConfidenceInterval>> curves) {
        double[] eps = radii();
        var chart = ChartStyle.chart(title, "|dz| / |z|", y);
        ChartStyle.logarithmicAcross(chart, eps[0], eps[eps.length - 1]);
        return draw(chart, eps, curves);
    }

    private static double[] radii() {
        return LinearityStudy.RADII.stream().mapToDouble(radius -> radius).toArray();
    }

    private static Map<String, List<ConfidenceInterval>> byDirection(
            BiFunction<Along, Double, ConfidenceInterval> value) {
        var curves = new LinkedHashMap<String, List<ConfidenceInterval>>();
        for (var along : Along.values()) {
            curves.put(
                    along.toString(),
                    LinearityStudy.RADII.stream()
                            .map(eps -> value.apply(along, eps))
                            .toList());
        }
        return curves;
    }

    /**
     * Draws, for block k, what r singular values give, against r on a logarithmic scale. Curves show the prediction
     * error of the prompt's own Jacobian cut to rank r, and the alignment of r directions between prompts. A mark shows
     * the rank that the paper keeps, and a grey line the error of A = I.
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
        var across = Stream.of(study.ranks(), study.alignedRanks())
                .flatMap(List::stream)
                .mapToDouble(r -> r)
                .summaryStatistics();
        double trivial = study.identityError(k).mean();
        if (!Double.isNaN(trivial)) {
            ChartStyle.line(
                    chart,
                    ChartStyle.UNSTEERED,
                    "error of A = I",
                    new double[] {across.getMin(), across.getMax()},
                    new double[] {trivial, trivial});
        }
        ChartStyle.logarithmicAcross(chart, across.getMin(), Math.max(kept, across.getMax()));
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
        return chart;
    }

    /**
     * Returns four panels, two in a row, on one scale: errors of one step and of all steps so far, without inputs and
     * under feedback.
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

    private static Map<String, List<ConfidenceInterval>> byJacobian(
            Function<Jacobians, List<ConfidenceInterval>> errors) {
        var curves = new LinkedHashMap<String, List<ConfidenceInterval>>();
        for (var with : Jacobians.values()) {
            curves.put(with == Jacobians.IDENTITY ? "A = I" : with + " Jacobian", errors.apply(with));
        }
        return curves;
    }

    /**
     * Returns two rows of panels, with one column a model. The first row shows alignment and its random control, the
     * second the errors of each kind of Jacobian along real differences.
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

    /**
     * Draws curves over blocks, in the order of the legend.
     *
     * @throws IllegalArgumentException if the map has several curves and no fixed order
     */
    public static XYChart byBlock(String title, String y, Map<String, List<ConfidenceInterval>> curves) {
        int blocks = ChartStyle.ordered(curves).values().stream()
                .mapToInt(List::size)
                .max()
                .orElseThrow();
        return draw(ChartStyle.counted(title, "block k", blocks - 1, y), Charts.upTo(blocks - 1), curves);
    }

    /**
     * Draws curves above all bands. Where a number is not defined, a curve has no point; without points it is absent.
     */
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
                        Samples.at(some, i -> x[i]),
                        Samples.at(some, i -> curve.get(i).low()),
                        Samples.at(some, i -> curve.get(i).high()));
            }
        }
        for (var name : names) {
            double[] y = curves.get(name).stream()
                    .mapToDouble(ConfidenceInterval::mean)
                    .toArray();
            int[] some = IntStream.range(0, x.length)
                    .filter(i -> !Double.isNaN(y[i]))
                    .toArray();
            if (some.length > 0) {
                ChartStyle.line(
                        chart,
                        first + names.indexOf(name),
                        name,
                        Samples.at(some, i -> x[i]),
                        Samples.at(some, i -> y[i]));
            }
        }
        return chart;
    }

    private static XYChart logarithmic(XYChart chart, Collection<List<ConfidenceInterval>> curves) {
        var drawn = new DoubleSummaryStatistics();
        curves.forEach(curve -> curve.stream().filter(y -> y.low() > 0).forEach(y -> {
            drawn.accept(y.low());
            drawn.accept(y.high());
        }));
        ChartStyle.logarithmic(chart, drawn.getMin(), drawn.getMax());
        return chart;
    }

    private static String over(LinearityStudy study) {
        return ", " + study.prompts().size() + " prompts, mean and 95 %";
    }
}
