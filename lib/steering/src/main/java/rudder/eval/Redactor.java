package rudder.eval;

import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Masks offensive words, so that a reader can follow a text. Of an offensive word only the first letter stays. A word
 * is offensive if a judge of toxicity says so, of the word alone or of a part of five letters or more. A text that asks
 * for harm can be cut to its beginning.
 *
 * <pre>{@code
 * var masked = Redactor.by(LexicalToxicity.load());
 * masked.words("You idiot!")                             // You i****!
 * }</pre>
 *
 * @param judge masks a word if its verdict on the word is above 0.5
 * @param off shows everything as it is; set by the environment variable RUDDER_UNMASKED=1
 */
public record Redactor(Judge judge, boolean off) {

    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}_]{2,}");
    private static final double OFFENSIVE = 0.5;
    private static final int INSIDE = 5;

    /** Returns a redactor with this judge, which is off if the environment has RUDDER_UNMASKED=1. */
    public static Redactor by(Judge judge) {
        return new Redactor(judge, "1".equals(System.getenv("RUDDER_UNMASKED")));
    }

    /** Returns the text with its offensive words masked. */
    public String words(String text) {
        return off
                ? text
                : WORD.matcher(text).replaceAll(word -> offends(word.group()) ? masked(word.group()) : word.group());
    }

    /** Tests the word and its parts of five letters or more: shorter parts occur in too many harmless words. */
    private boolean offends(String word) {
        return judge.of(word) > OFFENSIVE
                || IntStream.rangeClosed(0, word.length() - INSIDE)
                        .boxed()
                        .flatMap(from -> IntStream.rangeClosed(from + INSIDE, word.length())
                                .mapToObj(to -> word.substring(from, to)))
                        .anyMatch(inside -> judge.of(inside) > OFFENSIVE);
    }

    private static String masked(String word) {
        return Character.toString(word.codePointAt(0)) + "*".repeat(word.codePointCount(0, word.length()) - 1);
    }

    /** Returns the text's first words, masked, and three dots if there are more. */
    public String beginning(String text, int words) {
        var all = text.strip().split("\\s+");
        return off || all.length <= words
                ? words(text)
                : words(Stream.of(all).limit(words).collect(Collectors.joining(" "))) + " ...";
    }
}
