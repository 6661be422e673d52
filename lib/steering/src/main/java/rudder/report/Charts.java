package rudder.report;

import static rudder.report.ChartStyle.ordered;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.DoubleSummaryStatistics;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.knowm.xchart.XYChart;
import rudder.compare.Comparison;
import rudder.compare.ConfidenceInterval;
import rudder.compare.GridSearch;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.theory.Setpoint;
import rudder.theory.bound.ConformalBound;
import rudder.theory.bound.SampledBound;
import rudder.theory.bound.TrackingBound;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/**
 * Draws steering. Curves are means over runs, bands are one standard deviation to either side. Colours follow the order
 * of the controllers; the unsteered model is grey. A map of several curves must have an order: a {@code LinkedHashMap}
 * or a sorted map. {@code Map.of} and {@code HashMap} are refused, because colours would differ from run to run.
 */
public final class Charts {
    private Charts() {}

    /**
     * Draws the feature's strength at the entry of every block, in gaps, beside the setpoint: {@code (v_k.z_k -
     * offset_k) / mu_k} and lambda.
     *
     * @param runs by name, in the order of the legend
     * @throws IllegalArgumentException if there are no runs, they do not fit the setpoint, or the map has no order
     */
    public static XYChart tracking(Setpoint setpoint, Map<String, List<Rollout>> runs) {
        var chart = ChartStyle.counted(
                "Feature strength by block" + over(runs, "mean and sd"),
                "block k",
                setpoint.horizon(),
                "strength at entry of block (gaps \u03bc\u2096)");
        var blocks = upTo(setpoint.horizon());
        ChartStyle.reference(chart, "setpoint", blocks, constant(blocks.length, setpoint.lambda()));
        return curves(chart, blocks, ordered(runs), run -> inGaps(setpoint, run.strengths(setpoint)));
    }

    /**
     * Draws {@link #tracking(Setpoint, Map)} of the prompts' last tokens, with the setpoint of the first controller
     * that has one.
     *
     * @throws IllegalArgumentException if no controller has a setpoint
     */
    public static XYChart tracking(LanguageModel model, List<String> prompts, Arm... arms) {
        return tracking(model, prompts, setpoint(model, prompts, arms), arms);
    }

    /** Draws {@link #tracking(Setpoint, Map)} of the prompts' last tokens. */
    public static XYChart tracking(LanguageModel model, List<String> prompts, Setpoint setpoint, Arm... arms) {
        return tracking(setpoint, rollouts(model, prompts, arms));
    }

    /**
     * Draws the mean input energy |u_k|^2 at every block, on a logarithmic scale. Blocks and controllers without input
     * are left out.
     *
     * @param runs by name, in the order of the legend
     * @throws IllegalArgumentException if there are no runs, none has an input, or the map has no order
     */
    public static XYChart energy(Map<String, List<Rollout>> runs) {
        int blocks = runs.values().stream()
                .flatMap(List::stream)
                .mapToInt(Rollout::horizon)
                .max()
                .orElse(0);
        var chart = ChartStyle.counted(
                "Input energy by block" + over(runs, "mean"),
                "block k",
                blocks - 1,
                "input energy |u\u2096|\u00b2 (log scale)");
        var means = new LinkedHashMap<String, double[]>();
        ordered(runs)
                .forEach((name, some) -> means.put(
                        name, new Samples(some.stream().map(Rollout::energies).toArray(double[][]::new)).mean()));
        return positive(chart, means);
    }

    /** Draws {@link #energy(Map)} of the prompts' last tokens. */
    public static XYChart energy(LanguageModel model, List<String> prompts, Arm... arms) {
        return energy(rollouts(model, prompts, arms));
    }

    /**
     * Draws the feature's strength in the last state at every generated token, in gaps.
     *
     * @param completions by name, measured with this setpoint's feature
     * @throws IllegalArgumentException if there are no completions, or the map has no order
     */
    public static XYChart strengthOverTokens(Setpoint setpoint, Map<String, List<Completion>> completions) {
        int T = setpoint.horizon();
        int tokens = completions.values().stream()
                .flatMap(List::stream)
                .mapToInt(completion -> completion.strengths().length)
                .max()
                .orElse(0);
        var chart = ChartStyle.counted(
                "Feature strength while generating" + over(completions, "mean and sd"),
                "token",
                tokens,
                "strength of last state (gaps)");
        double[] x = IntStream.rangeClosed(1, tokens).asDoubleStream().toArray();
        ChartStyle.reference(chart, "setpoint", x, constant(x.length, setpoint.lambda()));
        return curves(chart, x, ordered(completions), completion -> {
            var y = new double[tokens];
            Arrays.setAll(
                    y,
                    i -> i < completion.strengths().length
                            ? setpoint.inGaps(T, completion.strengths()[i][T])
                            : Double.NaN);
            return y;
        });
    }

    /**
     * Draws {@link #strengthOverTokens(Setpoint, Map)} of a comparison's completions.
     *
     * @throws IllegalArgumentException if the comparison measured no feature
     */
    public static XYChart strengthOverTokens(Comparison comparison) {
        var setpoint = comparison
                .measured()
                .orElseThrow(() -> new IllegalArgumentException(comparison
                        + " measured no feature: give it a controller with a setpoint, or settings().measuring(...)"));
        var completions = new LinkedHashMap<String, List<Completion>>();
        comparison.controllers().forEach(name -> completions.put(name, comparison.completions(name)));
        return strengthOverTokens(setpoint, completions);
    }

    /**
     * Draws tracking errors |dz_k|_{P_k} under a bound, on a logarithmic scale. At every block it shows the largest
     * error over the runs and the largest of their bounds.
     *
     * @param deviations the runs minus their nominal ones, see {@link Rollout#minus}
     * @throws IllegalArgumentException if there are no runs, or all errors are 0
     */
    public static XYChart bound(TrackingBound bound, List<Rollout> deviations) {
        return bounds(
                Map.of(
                        bound instanceof SampledBound
                                ? "sampled bound"
                                : bound instanceof ConformalBound ? "conformal bound" : "certified bound",
                        bound),
                deviations);
    }

    /**
     * Draws {@link #bound} for several bounds that measure errors by the same Lyapunov function.
     *
     * @param bounds by name, in the order of the legend
     * @throws IllegalArgumentException if there are no runs, all errors are 0, or the map has no order
     */
    public static XYChart bounds(Map<String, TrackingBound> bounds, List<Rollout> deviations) {
        var largest = new LinkedHashMap<String, double[]>();
        for (var deviation : deviations) {
            bounds.values()
                    .forEach(bound -> largest.merge("error", bound.lyapunov().norms(deviation), Charts::larger));
            ordered(bounds).forEach((name, bound) -> largest.merge(name, bound.along(deviation), Charts::larger));
        }
        int last =
                largest.values().stream().mapToInt(curve -> curve.length).max().orElse(1) - 1;
        return positive(
                ChartStyle.counted(
                        "Tracking error and bound by block, largest over " + deviations.size() + " runs",
                        "block k",
                        last,
                        "|dz\u2096| in P\u2096 (log scale)"),
                largest);
    }

    private static double[] larger(double[] a, double[] b) {
        var larger = new double[a.length];
        Arrays.setAll(larger, i -> Math.max(a[i], b[i]));
        return larger;
    }

    /**
     * Draws curves with one number a block. The scale is logarithmic if no number is negative and the largest is more
     * than a hundred times the least positive one.
     *
     * @param curves by name, in the order of the legend; the first number is that of block 0, NaN leaves a block out
     * @throws IllegalArgumentException if there is no finite number, or the map has no order
     */
    public static XYChart byBlock(String title, String y, Map<String, double[]> curves) {
        int last = ordered(curves).values().stream()
                        .mapToInt(curve -> curve.length)
                        .max()
                        .orElse(1)
                - 1;
        double[] all = curves.values().stream()
                .flatMapToDouble(Arrays::stream)
                .filter(Double::isFinite)
                .toArray();
        double most = Arrays.stream(all)
                .max()
                .orElseThrow(() -> new IllegalArgumentException("there is no finite number among " + curves.keySet()));
        double least = Arrays.stream(all).filter(value -> value > 0).min().orElse(most);
        if (Arrays.stream(all).allMatch(value -> value >= 0) && most > 100 * least) {
            return positive(ChartStyle.counted(title, "block k", last, y + " (log scale)"), curves);
        }
        var chart = ChartStyle.counted(title, "block k", last, y);
        var numbers = numbers(curves.keySet());
        curves.forEach((name, curve) -> {
            int[] some = IntStream.range(0, curve.length)
                    .filter(k -> Double.isFinite(curve[k]))
                    .toArray();
            ChartStyle.line(chart, numbers.get(name), name, Samples.at(some, k -> k), Samples.at(some, k -> curve[k]));
        });
        return chart;
    }

    /**
     * Draws reached against asked strength, in gaps: one curve a controller, with the mean and 95 % interval over
     * prompts. On the diagonal a controller reaches the strength that was asked for.
     *
     * @param comparisons by the strength lambda that was asked for, each of the same controllers, with a measured
     *     feature
     * @throws IllegalArgumentException if a comparison lacks a controller of the first, or measured no feature
     */
    public static XYChart calibration(Map<Double, Comparison> comparisons) {
        var sorted = new TreeMap<>(comparisons);
        var chart = ChartStyle.chart(
                "Reached against asked strength, mean and 95 % interval over "
                        + sorted.firstEntry().getValue().prompts().size() + " prompts",
                "asked: \u03bb (gaps)",
                "reached: last state (gaps)");
        double[] asked = sorted.keySet().stream().mapToDouble(lambda -> lambda).toArray();
        ChartStyle.reference(chart, "as asked", asked, asked);
        var names = sorted.firstEntry().getValue().controllers();
        var numbers = numbers(names);
        for (var name : names) {
            var reached = sorted.values().stream()
                    .map(comparison -> comparison.mean(name, "strength"))
                    .toList();
            ChartStyle.line(
                    chart,
                    numbers.get(name),
                    name,
                    asked,
                    reached.stream().mapToDouble(ConfidenceInterval::mean).toArray());
            for (int i = 0; i < asked.length; i++) {
                ChartStyle.whisker(
                        chart,
                        numbers.get(name),
                        name + ", " + asked[i],
                        new double[] {asked[i], asked[i]},
                        new double[] {reached.get(i).low(), reached.get(i).high()});
            }
        }
        return chart;
    }

    /**
     * Draws an effect against its cost: one point a controller, one score across and one up, with their 95 % intervals.
     *
     * @throws IllegalArgumentException if the comparison has no such score
     */
    public static XYChart tradeOff(Comparison comparison, String across, String up) {
        var alone = new LinkedHashMap<String, List<String>>();
        comparison.controllers().forEach(name -> alone.put(name, List.of(name)));
        return tradeOff(comparison, across, up, alone);
    }

    /**
     * Draws {@link #tradeOff(Comparison, String, String)} for controllers at several strengths: one curve a family
     * through its arms, from left to right. The outermost curves are the Pareto front. The x axis is logarithmic if all
     * is positive and the largest is more than ten times the least.
     *
     * @param families arms of the comparison by the family's name in the legend, see {@link GridSearch#arms}; several
     *     curves may begin at one arm, the unsteered model
     * @throws IllegalArgumentException if the comparison lacks an arm or a score, or the map has no order
     */
    public static XYChart tradeOff(
            Comparison comparison, String across, String up, Map<String, List<String>> families) {
        var chart = ChartStyle.chart(
                up + " against " + across + ", mean and 95 % interval over "
                        + comparison.prompts().size() + " prompts",
                across,
                up);
        var numbers = numbers(ordered(families).keySet());
        families.forEach((family, unordered) -> {
            var arms = unordered.stream()
                    .sorted(Comparator.comparingDouble(arm -> comparison.average(arm, across)))
                    .toList();
            var x = arms.stream().map(arm -> comparison.mean(arm, across)).toList();
            var y = arms.stream().map(arm -> comparison.mean(arm, up)).toList();
            ChartStyle.line(
                    chart,
                    numbers.get(family),
                    family,
                    x.stream().mapToDouble(ConfidenceInterval::mean).toArray(),
                    y.stream().mapToDouble(ConfidenceInterval::mean).toArray());
            for (int i = 0; i < arms.size(); i++) {
                if (x.get(i).high() > x.get(i).low()) {
                    ChartStyle.whisker(
                            chart,
                            numbers.get(family),
                            family + ", " + arms.get(i) + ", " + across,
                            new double[] {x.get(i).low(), x.get(i).high()},
                            new double[] {y.get(i).mean(), y.get(i).mean()});
                }
                if (y.get(i).high() > y.get(i).low()) {
                    ChartStyle.whisker(
                            chart,
                            numbers.get(family),
                            family + ", " + arms.get(i) + ", " + up,
                            new double[] {x.get(i).mean(), x.get(i).mean()},
                            new double[] {y.get(i).low(), y.get(i).high()});
                }
            }
        });
        var all = families.values().stream()
                .flatMap(List::stream)
                .map(arm -> comparison.mean(arm, across))
                .toList();
        double least = all.stream().mapToDouble(ConfidenceInterval::low).min().orElseThrow();
        double most = all.stream().mapToDouble(ConfidenceInterval::high).max().orElseThrow();
        if (least > 0 && most > 10 * least) {
            ChartStyle.logarithmicAcross(chart, least, most);
            chart.setXAxisTitle(across + " (log scale)");
        }
        return chart;
    }

    /**
     * Draws measured numbers over a size, both on logarithmic scales: a power law is a straight line.
     *
     * @param x sizes, positive
     * @param curves by name, in the order of the legend: one positive number for each size
     * @throws IllegalArgumentException if a size or a number is not positive, or the map has no order
     */
    public static XYChart growth(String title, String across, double[] x, String up, Map<String, double[]> curves) {
        var chart = ChartStyle.chart(title, across, up);
        var sizes = Arrays.stream(x).summaryStatistics();
        var numbers = curves.values().stream().flatMapToDouble(Arrays::stream).summaryStatistics();
        if (!(sizes.getMin() > 0 && numbers.getMin() > 0 && numbers.getCount() > 0)) {
            throw new IllegalArgumentException("the least size is " + sizes.getMin() + " and the least number "
                    + numbers.getMin() + ": logarithmic scales need positive ones");
        }
        var colours = numbers(ordered(curves).keySet());
        curves.forEach((name, y) -> ChartStyle.line(chart, colours.get(name), name, x, y));
        ChartStyle.logarithmic(chart, numbers.getMin(), numbers.getMax());
        ChartStyle.logarithmicAcross(chart, sizes.getMin(), sizes.getMax());
        return chart;
    }

    private static Setpoint setpoint(LanguageModel model, List<String> prompts, Arm... arms) {
        return ControllerFactory.all(arms).stream()
                .flatMap(factory -> factory.controller().apply(model, prompts.get(0)).setpoint().stream())
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "none of the " + arms.length + " controllers has a setpoint: give the one to draw"));
    }

    private static Map<String, List<Rollout>> rollouts(LanguageModel model, List<String> prompts, Arm... arms) {
        var runs = new LinkedHashMap<String, List<Rollout>>();
        for (var factory : ControllerFactory.all(arms)) {
            runs.put(factory.name(), factory.rollouts(model, prompts));
        }
        return runs;
    }

    /** Draws the mean over runs for each name, with a band where there are several runs. Bands lie below all curves. */
    private static <R> XYChart curves(
            XYChart chart, double[] x, Map<String, List<R>> runs, Function<R, double[]> curve) {
        var samples = new LinkedHashMap<String, Samples>();
        runs.forEach((name, some) ->
                samples.put(name, new Samples(some.stream().map(curve).toArray(double[][]::new))));
        var numbers = numbers(runs.keySet());
        samples.forEach((name, sample) -> sample.band(chart, numbers.get(name), x));
        samples.forEach((name, sample) -> ChartStyle.line(chart, numbers.get(name), name, x, sample.mean()));
        return chart;
    }

    /** Draws curves over 0, 1, 2, ... on a logarithmic scale, without the numbers that are not positive. */
    private static XYChart positive(XYChart chart, Map<String, double[]> curves) {
        var numbers = numbers(curves.keySet());
        var drawn = new DoubleSummaryStatistics();
        curves.forEach((name, curve) -> {
            int[] some = IntStream.range(0, curve.length)
                    .filter(k -> curve[k] > 0 && Double.isFinite(curve[k]))
                    .toArray();
            if (some.length > 0) {
                ChartStyle.line(
                        chart, numbers.get(name), name, Samples.at(some, k -> k), Samples.at(some, k -> curve[k]));
                Arrays.stream(some).mapToDouble(k -> curve[k]).forEach(drawn);
            }
        });
        if (drawn.getCount() == 0) {
            throw new IllegalArgumentException(
                    "nothing to draw on a logarithmic scale: no number of " + curves.keySet() + " is positive");
        }
        ChartStyle.logarithmic(chart, drawn.getMin(), drawn.getMax());
        return chart;
    }

    /** Returns the number of each name's colour. */
    private static Map<String, Integer> numbers(Collection<String> names) {
        var numbers = new HashMap<String, Integer>();
        int next = 0;
        for (var name : names) {
            numbers.put(name, name.equals(Controller.none().name()) ? ChartStyle.UNSTEERED : next++);
        }
        return numbers;
    }

    /** Returns the end of a title: which statistic is drawn, over how many runs. */
    private static String over(Map<String, ? extends List<?>> runs, String statistic) {
        int most = runs.values().stream().mapToInt(List::size).max().orElse(0);
        if (most == 0) {
            throw new IllegalArgumentException("there are no runs to draw, wanted at least one");
        }
        return most == 1 ? "" : ", " + statistic + " over " + most + " runs";
    }

    private static double[] inGaps(Setpoint setpoint, double[] strengths) {
        var gaps = new double[strengths.length];
        Arrays.setAll(gaps, k -> setpoint.inGaps(k, strengths[k]));
        return gaps;
    }

    /** Returns 0, 1, .., last. */
    static double[] upTo(int last) {
        return IntStream.rangeClosed(0, last).asDoubleStream().toArray();
    }

    private static double[] constant(int n, double value) {
        var values = new double[n];
        Arrays.fill(values, value);
        return values;
    }
}
