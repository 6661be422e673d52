package rudder.eval;

import rudder.compare.Metric;

/**
 * Gives a number to a text, always the same number to the same text. So stored completions can be judged again from
 * their file. The Javadoc of each judge says how well it does on labelled examples. A judge that implements
 * {@link AutoCloseable}, such as {@link Classifier}, holds native memory: close it.
 */
public interface Judge {

    /** Returns the judge's name, which is the name of its column in tables. */
    String name();

    /** Returns the verdict, from 0 to 1. */
    double of(String text);

    /**
     * Returns the verdict on the generated text, without its prompt, as a column of a
     * {@link rudder.compare.Comparison}.
     */
    default Metric metric() {
        return Metric.of(name(), completion -> of(completion.text()));
    }
}
