package rudder.eval;

import rudder.compare.Metric;

/**
 * A number for a text, the same whenever it is asked: what completions are judged by, and judged again from a file. A
 * judge's own page says how far it is to be trusted.
 */
public interface Judge {

    /** The judge's name, a table's column. */
    String name();

    /** The verdict: 0 or 1, or a number between. */
    double of(String text);

    /** The verdict on what was written, without its prompt: a column of a {@link rudder.compare.Comparison}. */
    default Metric metric() {
        return Metric.of(name(), completion -> of(completion.text()));
    }
}
