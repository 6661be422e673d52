package rudder.compare;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The metrics of a comparison with what they measured, in the order in which they were added. Immutable.
 *
 * @param values [controller][prompt] of each metric
 */
record MeasuredMetrics(LinkedHashMap<Metric, double[][]> values) {

    static final MeasuredMetrics NONE = new MeasuredMetrics(new LinkedHashMap<>());

    /** Returns the values of a metric, [controller][prompt]. */
    double[][] of(Metric metric) {
        return values.get(metric);
    }

    /** @throws IllegalArgumentException if there is no metric of that name */
    Metric named(String name) {
        return values.keySet().stream()
                .filter(metric -> metric.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no metric '" + name + "' here, there are "
                        + values.keySet().stream().map(Metric::name).toList()));
    }

    /** Returns the metrics of these names, in this order; of no name, all. */
    List<Metric> named(String... names) {
        return names.length == 0
                ? List.copyOf(values.keySet())
                : Stream.of(names).map(this::named).toList();
    }

    /** @throws IllegalArgumentException if there is a metric of that name */
    void requireNew(String name) {
        if (values.keySet().stream().anyMatch(present -> present.name().equals(name))) {
            throw new IllegalArgumentException("there is a metric '" + name + "' already: choose another name");
        }
    }

    /** Returns these metrics, and one more. */
    MeasuredMetrics with(Metric metric, double[][] values) {
        var all = new LinkedHashMap<>(this.values);
        all.put(metric, values);
        return new MeasuredMetrics(all);
    }

    /** Returns the same metrics of some controllers. */
    MeasuredMetrics only(int... controllers) {
        var some = new LinkedHashMap<Metric, double[][]>();
        values.forEach((metric, all) -> some.put(
                metric, Arrays.stream(controllers).mapToObj(i -> all[i]).toArray(double[][]::new)));
        return new MeasuredMetrics(some);
    }

    /** Returns the first one's metrics of the prompts of all, which have as many controllers. */
    static MeasuredMetrics joined(List<MeasuredMetrics> parts) {
        var all = new LinkedHashMap<Metric, double[][]>();
        parts.get(0)
                .values
                .forEach((metric, first) -> all.put(
                        metric,
                        IntStream.range(0, first.length)
                                .mapToObj(i -> parts.stream()
                                        .flatMapToDouble(part -> Arrays.stream(part.of(part.named(metric.name()))[i]))
                                        .toArray())
                                .toArray(double[][]::new)));
        return new MeasuredMetrics(all);
    }
}
