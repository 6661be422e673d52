package rudder.compare;

import java.util.Arrays;
import java.util.stream.Stream;
import rudder.model.Completion;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** The tables of a comparison. */
final class ComparisonTables {

    private ComparisonTables() {}

    /** Returns {@link Comparison#table}. */
    static Table means(Comparison comparison, MeasuredMetrics measured, String... metrics) {
        var table = Table.create(comparison.toString(), StringColumn.create("controller", comparison.controllers()));
        for (var metric : measured.named(metrics)) {
            table.addColumns(StringColumn.create(
                    metric.name(),
                    Stream.of(measured.of(metric)).map(row -> metric.mean(row).toString())));
        }
        return table;
    }

    /** Returns {@link Comparison#changes}. */
    static Table changes(Comparison comparison, MeasuredMetrics measured, String baseline, String... metrics) {
        var others = comparison.controllers().stream()
                .filter(controller -> !controller.equals(baseline))
                .toList();
        var table = Table.create("Against " + baseline, StringColumn.create("controller", others));
        for (var metric : measured.named(metrics)) {
            table.addColumns(StringColumn.create(
                    metric.name() + (metric.ratio() ? ", ratio" : ", difference"),
                    others.stream().map(controller -> comparison
                            .change(controller, baseline, metric.name())
                            .toString())));
        }
        return table;
    }

    /** Returns {@link Comparison#measurements}. */
    static Table measurements(Comparison comparison, MeasuredMetrics measured) {
        var prompts = comparison.prompts();
        var table = Table.create(
                "Measurements",
                StringColumn.create(
                        "controller", comparison.controllers().stream().flatMap(name -> prompts.stream()
                                .map(prompt -> name))),
                StringColumn.create("prompt", comparison.controllers().stream().flatMap(name -> prompts.stream())));
        measured.values()
                .forEach((metric, values) -> table.addColumns(DoubleColumn.create(
                        metric.name(),
                        Stream.of(values).flatMapToDouble(Arrays::stream).toArray())));
        return table;
    }

    /** Returns {@link Comparison#texts}. */
    static Table texts(Comparison comparison) {
        var table = Table.create("Completions", StringColumn.create("prompt", comparison.prompts()));
        for (var name : comparison.controllers()) {
            table.addColumns(StringColumn.create(
                    name, comparison.completions(name).stream().map(Completion::text)));
        }
        return table;
    }
}
