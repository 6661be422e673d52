package rudder.compare;

import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Controller;

/**
 * The goal of a {@link GridSearch}: the largest or smallest mean of one metric, among the candidates that keep the mean
 * of another metric within a limit. If no candidate keeps the limit, the one with the smallest mean of that metric. A
 * candidate whose mean is NaN is chosen only where its family has no other.
 *
 * <pre>{@code
 * Objective.most("mentions").withinTimes("perplexity", 1.4)   // at most 1.4 times the unsteered perplexity
 * }</pre>
 *
 * @param metric to be made large or small
 * @param largest whether a larger mean is better
 * @param limited the metric that the limit is for; the metric itself if there is no limit
 * @param limit largest mean allowed, in units of the limited metric or in multiples of the unsteered arm's mean;
 *     infinite if there is no limit
 * @param relative whether the limit is in multiples of the unsteered arm's mean
 */
public record Objective(String metric, boolean largest, String limited, double limit, boolean relative) {

    /** Returns the objective of the largest mean of a metric, without a limit. */
    public static Objective most(String metric) {
        return new Objective(metric, true, metric, Double.POSITIVE_INFINITY, false);
    }

    /** Returns the objective of the smallest mean of a metric, without a limit. */
    public static Objective least(String metric) {
        return new Objective(metric, false, metric, Double.POSITIVE_INFINITY, false);
    }

    /** Returns the same objective with a limit on another metric's mean, in that metric's units. */
    public Objective within(String limited, double limit) {
        return new Objective(metric, largest, limited, limit, false);
    }

    /**
     * Returns the same objective with a limit on another metric's mean, as a multiple of the unsteered arm's mean in
     * the same comparison. The comparison must include {@link Controller#none}.
     */
    public Objective withinTimes(String limited, double factor) {
        return new Objective(metric, largest, limited, factor, true);
    }

    /**
     * Returns the limit in units of the limited metric.
     *
     * @throws IllegalArgumentException if the limit is relative and the unsteered arm was not tried
     */
    double limit(Comparison tried) {
        if (!relative) {
            return limit;
        }
        var unsteered = Controller.none().name();
        if (!tried.controllers().contains(unsteered)) {
            throw new IllegalArgumentException("the limit is " + limit + " times the " + limited + " of the arm '"
                    + unsteered + "', which is not among " + tried.controllers()
                    + ": try Controller.none() too, or give the limit itself with within(...)");
        }
        return limit * tried.average(unsteered, limited);
    }

    ControllerFactory best(List<ControllerFactory> candidates, Comparison tried) {
        double limit = limit(tried);
        var defined = candidates.stream()
                .filter(candidate -> !Double.isNaN(tried.average(candidate.name(), metric)))
                .toList();
        var some = defined.isEmpty() ? candidates : defined;
        var allowed = some.stream()
                .filter(candidate -> tried.average(candidate.name(), limited) <= limit)
                .toList();
        return allowed.isEmpty()
                ? some.stream()
                        .min(Comparator.comparingDouble(candidate -> tried.average(candidate.name(), limited)))
                        .orElseThrow()
                : allowed.stream()
                        .max(better(candidate -> tried.average(candidate.name(), metric)))
                        .orElseThrow();
    }

    /** Orders by a mean of the metric, the best last and undefined ones first. */
    <T> Comparator<T> better(ToDoubleFunction<T> mean) {
        var ascending = Comparator.comparingDouble(mean);
        Comparator<T> defined = Comparator.comparing(one -> !Double.isNaN(mean.applyAsDouble(one)));
        return defined.thenComparing(largest ? ascending : ascending.reversed());
    }

    @Override
    public String toString() {
        return (largest ? "most " : "least ")
                + metric
                + (limit == Double.POSITIVE_INFINITY
                        ? ""
                        : " with " + limited + " within " + limit + (relative ? " times the unsteered" : ""));
    }
}
