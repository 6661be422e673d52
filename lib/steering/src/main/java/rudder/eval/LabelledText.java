package rudder.eval;

import java.util.Map;

/**
 * A text with numbers that people or another program gave it.
 *
 * @param text the text
 * @param labels the numbers by the benchmark's own names, without those that the benchmark leaves open
 */
public record LabelledText(String text, Map<String, Double> labels) {

    /** Keeps a copy of the labels. */
    public LabelledText {
        labels = Map.copyOf(labels);
    }

    /** Returns the label, NaN if it is open. */
    public double label(String name) {
        return labels.getOrDefault(name, Double.NaN);
    }
}
