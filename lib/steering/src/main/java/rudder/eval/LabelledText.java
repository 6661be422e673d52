package rudder.eval;

import java.util.Map;

/**
 * A text that people or another program put numbers on.
 *
 * @param labels the numbers by the benchmark's own names; what a benchmark leaves open is not in it
 */
public record LabelledText(String text, Map<String, Double> labels) {

    /** A copy of the labels is kept. */
    public LabelledText {
        labels = Map.copyOf(labels);
    }

    /** The label, NaN where it is open. */
    public double label(String name) {
        return labels.getOrDefault(name, Double.NaN);
    }
}
