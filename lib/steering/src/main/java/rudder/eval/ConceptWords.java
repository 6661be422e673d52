package rudder.eval;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import rudder.checkpoint.text.Csv;

/**
 * Says whether a text mentions a concept, 1 or 0. The text must contain one of the concept's words in a regular English
 * inflection, so that "wave" also finds waves, waved and waving. The list must hold irregular forms.
 *
 * <p>This judge is easy to explain and blind to meaning. "A wave of the hand" counts as the sea. A text about the sea
 * without one of the words does not count. On the 24 + 24 sentences of each of {@code data/concepts} precision is 1.0
 * and recall 0.89. This recall is an upper bound, since the author of the words also wrote the sentences. Report this
 * judge beside a {@link ConceptClassifier}.
 */
public final class ConceptWords implements Judge {

    private static final Pattern WORD = Pattern.compile("\\p{L}+");
    private static final String VOWELS = "aeiou";

    private final String concept;
    private final Set<String> forms = new HashSet<>();

    /**
     * Makes the judge of a concept.
     *
     * @param words the concept's words, in their base forms
     * @throws IllegalArgumentException if there is no word, or a word has other characters than letters
     */
    public ConceptWords(String concept, Collection<String> words) {
        this.concept = concept;
        for (var word : words) {
            if (!WORD.matcher(word).matches()) {
                throw new IllegalArgumentException(
                        "the concept " + concept + " has the word \"" + word + "\", wanted one word of letters");
            }
            inflections(word.toLowerCase(Locale.ROOT)).forEach(forms::add);
        }
        if (forms.isEmpty()) {
            throw new IllegalArgumentException("the concept " + concept + " has no words");
        }
    }

    /**
     * Reads one concept of a file with the columns {@code concept} and {@code words}, such as
     * {@code data/concept-words.csv}. Spaces separate the words.
     *
     * @throws IOException if there is no such file, column or concept
     */
    public static ConceptWords read(Path file, String concept) throws IOException {
        return read(file).stream()
                .filter(words -> words.concept.equals(concept))
                .findFirst()
                .orElseThrow(() -> new IOException(file + " has no concept " + concept));
    }

    /**
     * Reads all concepts of such a file.
     *
     * @throws IOException if there is no such file or column, or a concept's words are not words
     */
    public static List<ConceptWords> read(Path file) throws IOException {
        var csv = Csv.read(file);
        int name = csv.column("concept");
        int words = csv.column("words");
        var concepts = new ArrayList<ConceptWords>();
        for (var row : csv.rows()) {
            try {
                concepts.add(new ConceptWords(
                        row.fields().get(name),
                        List.of(row.fields().get(words).strip().split("\\s+"))));
            } catch (IllegalArgumentException e) {
                throw new IOException(file + ", line " + row.line() + ": " + e.getMessage(), e);
            }
        }
        return concepts;
    }

    /**
     * Returns the word and its forms with -s, -es, -ed, -er and -ing. As the spelling requires, a final e is dropped, a
     * final y becomes i, and a final consonant is doubled.
     */
    private static Stream<String> inflections(String word) {
        int last = word.length() - 1;
        String stem = word.endsWith("e") ? word.substring(0, last) : word;
        boolean turns = last > 0 && word.endsWith("y") && VOWELS.indexOf(word.charAt(last - 1)) < 0;
        boolean doubles = last > 1
                && VOWELS.indexOf(word.charAt(last)) < 0
                && VOWELS.indexOf(word.charAt(last - 1)) >= 0
                && VOWELS.indexOf(word.charAt(last - 2)) < 0
                && "wxy".indexOf(word.charAt(last)) < 0;
        String past = turns ? word.substring(0, last) + "i" : stem;
        var regular =
                Stream.of(word, turns ? past + "es" : word + "s", word + "es", past + "ed", past + "er", stem + "ing");
        return doubles
                ? Stream.concat(regular, Stream.of("ed", "er", "ing").map(end -> word + word.charAt(last) + end))
                : regular;
    }

    /** Returns the name of the concept. */
    public String concept() {
        return concept;
    }

    @Override
    public String name() {
        return concept + ", words";
    }

    @Override
    public double of(String text) {
        return WORD.matcher(text.toLowerCase(Locale.ROOT)).results().anyMatch(word -> forms.contains(word.group()))
                ? 1
                : 0;
    }

    @Override
    public String toString() {
        return "ConceptWords[" + concept + ", " + forms.size() + " forms]";
    }
}
