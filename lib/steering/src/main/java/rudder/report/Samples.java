package rudder.report;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.knowm.xchart.XYChart;

/** Curves of several runs over the same x. A run without a value at some x has NaN there. */
record Samples(double[][] runs) {

    double[] mean() {
        return overRuns(column -> Arrays.stream(column).average().orElse(Double.NaN));
    }

    /** Returns the standard deviation, NaN where fewer than two runs have a value. */
    double[] deviation() {
        return overRuns(column -> {
            double mean = Arrays.stream(column).average().orElse(Double.NaN);
            return column.length < 2
                    ? Double.NaN
                    : Math.sqrt(Arrays.stream(column)
                                    .map(y -> (y - mean) * (y - mean))
                                    .sum()
                            / (column.length - 1));
        });
    }

    private double[] overRuns(ToDoubleFunction<double[]> statistic) {
        return IntStream.range(0, runs[0].length)
                .mapToDouble(i -> statistic.applyAsDouble(Arrays.stream(runs)
                        .mapToDouble(run -> run[i])
                        .filter(y -> !Double.isNaN(y))
                        .toArray()))
                .toArray();
    }

    /** Draws mean -+ sd, where there is a deviation. */
    void band(XYChart chart, int number, double[] x) {
        double[] mean = mean();
        double[] deviation = deviation();
        int[] wide = IntStream.range(0, x.length).filter(i -> deviation[i] > 0).toArray();
        if (wide.length > 1) {
            ChartStyle.band(
                    chart,
                    number,
                    "band " + number,
                    at(wide, i -> x[i]),
                    at(wide, i -> mean[i] - deviation[i]),
                    at(wide, i -> mean[i] + deviation[i]));
        }
    }

    /** Returns the values at some indices. */
    static double[] at(int[] indices, IntToDoubleFunction value) {
        return Arrays.stream(indices).mapToDouble(value).toArray();
    }
}
