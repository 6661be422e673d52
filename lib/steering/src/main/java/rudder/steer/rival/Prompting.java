package rudder.steer.rival;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.theory.Check;

/**
 * Arms whose prompt is the controller: an instruction or examples stand before each prompt, and no state is changed.
 * {@link ControllerFactory#prompted} says how a comparison judges them.
 *
 * <p>An instruction has no strength to bisect. Examples have one, their number, which is whole.
 *
 * <p>Sources: the prompting baseline of AxBench (Wu et al., arXiv 2501.17148), without its language model that writes
 * the instruction; few-shot prompts (Brown et al., arXiv 2005.14165).
 */
public final class Prompting {

    private static final String BETWEEN = "\n\n";

    private Prompting() {}

    /**
     * Returns the arm that writes an instruction and an empty line before each prompt.
     *
     * @param instruction such as {@code Write about the ocean.}
     * @throws IllegalArgumentException if the instruction is blank
     */
    public static ControllerFactory instruction(String instruction) {
        Check.that(
                !Check.given("the instruction", instruction).isBlank(),
                "the instruction is blank: give the text that stands before each prompt");
        return ControllerFactory.prompted("\"" + instruction + "\"", prompt -> instruction + BETWEEN + prompt);
    }

    /**
     * Returns the arm that writes texts which show the feature before each prompt, each followed by an empty line. The
     * texts are drawn without replacement by the seed, and are the same for every prompt. The first texts of a larger
     * count are those of a smaller count.
     *
     * @param count number of texts, 1 to the number of positive texts
     * @throws IllegalArgumentException if the set has no such number of positive texts
     */
    public static ControllerFactory fewShot(ContrastSet set, int count, long seed) {
        int all = set.positive().size();
        Check.that(1 <= count && count <= all, "%d examples of %s, wanted 1..%d", count, set.name(), all);
        var examples = shuffled(set.positive(), seed).subList(0, count).stream()
                .map(text -> text + BETWEEN)
                .collect(Collectors.joining());
        return ControllerFactory.prompted("few-shot " + count, prompt -> examples + prompt);
    }

    private static List<String> shuffled(List<String> texts, long seed) {
        var order = new ArrayList<>(texts);
        Collections.shuffle(order, new Random(seed));
        return order;
    }
}
