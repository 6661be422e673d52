package rudder.eval;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import rudder.checkpoint.store.DatasetStore;
import rudder.checkpoint.text.TextFile;
import rudder.steer.ContrastSet;

/**
 * WordNet 3.1's example sentences: 29,829 different sentences of five words or more, which lexicographers wrote, on
 * every subject.
 *
 * <p>Source: Fellbaum, <i>WordNet</i>, MIT Press 1998; under the WordNet licence.
 */
public final class WordNet {

    private static final Pattern EXAMPLE = Pattern.compile("\"([^\"]+)\"");
    private static final int WORDS = 5;

    private final List<String> examples;

    private WordNet(Set<String> examples) {
        this.examples = List.copyOf(examples);
    }

    /**
     * Reads the examples of nouns, verbs, adjectives and adverbs, in the files' order.
     *
     * @throws IOException if the jar that holds WordNet is not there
     */
    public static WordNet load() throws IOException {
        return of(DatasetStore.fetch("wordnet"));
    }

    /** Reads the file of nouns and those beside it, as {@link #load} does. */
    static WordNet of(Path nouns) throws IOException {
        var examples = new LinkedHashSet<String>();
        for (var part : List.of("noun", "verb", "adj", "adv")) {
            TextFile.read(nouns.resolveSibling("data." + part))
                    .lines()
                    .filter(line -> !line.startsWith(" "))
                    .map(line -> line.substring(line.indexOf('|') + 1)) // a sense's definition and examples
                    .flatMap(gloss -> EXAMPLE.matcher(gloss).results())
                    .map((MatchResult match) -> match.group(1).strip())
                    .filter(example -> example.split("\\s+").length >= WORDS)
                    .forEach(examples::add);
        }
        return new WordNet(examples);
    }

    /** Returns the examples. */
    public List<String> examples() {
        return examples;
    }

    /**
     * Draws examples at random, some that use a concept's words and some that do not.
     *
     * @param concept the concept's words
     * @param positive the largest number of examples that use one of the words
     * @param negative the number of examples that use none
     * @param seed of the random numbers
     * @throws IllegalArgumentException if no example uses one of the words
     */
    public ContrastSet contrast(ConceptWords concept, int positive, int negative, long seed) {
        var shuffled = new ArrayList<>(examples);
        Collections.shuffle(shuffled, new Random(seed));
        return new ContrastSet(
                concept.concept(),
                shuffled.stream()
                        .filter(example -> concept.of(example) == 1)
                        .limit(positive)
                        .toList(),
                shuffled.stream()
                        .filter(example -> concept.of(example) == 0)
                        .limit(negative)
                        .toList());
    }

    @Override
    public String toString() {
        return "WordNet[" + examples.size() + " examples]";
    }
}
