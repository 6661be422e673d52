package rudder.eval;

import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A question with answers to choose from.
 *
 * @param topic the question's kind, blank if the benchmark has none
 * @param text the question
 * @param options the answers in the benchmark's order; in TruthfulQA the best one comes first
 * @param right the places of the right options, from 0; iterated in ascending order
 */
public record Question(String topic, String text, List<String> options, Set<Integer> right) {

    /** @throws IllegalArgumentException if an option is blank, or there is no right option, or no wrong one */
    public Question {
        options = List.copyOf(options);
        right = Collections.unmodifiableSet(new TreeSet<>(right)); // a set of its own order differs from run to run
        if (options.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("the question \"" + text + "\" has a blank answer");
        }
        if (right.isEmpty()
                || right.size() >= options.size()
                || Collections.min(right) < 0
                || Collections.max(right) >= options.size()) {
            throw new IllegalArgumentException("the question \"" + text + "\" has " + options.size() + " answers with "
                    + right + " right, wanted at least one right and one wrong, by their places from 0");
        }
    }
}
