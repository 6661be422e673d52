package rudder.eval;

import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Shows of an offensive text what a reader needs, and no more: words that a judge of toxicity finds offensive alone, or
 * that hold such a word of five letters or more, keep their first letter; a text that asks for harm is shown by its
 * beginning.
 *
 * <pre>{@code
 * var masked = Redactor.by(LexicalToxicity.load());
 * masked.words("You idiot!")                             // You i****!
 * }</pre>
 *
 * @param judge whose verdict on a word above one half masks it
 * @param off shows everything as it is: the environment's RUDDER_UNMASKED, set to 1
 */
public record Redactor(Judge judge, boolean off) {

    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}_]{2,}");
    private static final double OFFENSIVE = 0.5;
    private static final int INSIDE = 5;

    /** Masks by this judge unless the environment has RUDDER_UNMASKED=1. */
    public static Redactor by(Judge judge) {
        return new Redactor(judge, "1".equals(System.getenv("RUDDER_UNMASKED")));
    }

    /** The text with its offensive words masked. */
    public String words(String text) {
        return off
                ? text
                : WORD.matcher(text).replaceAll(word -> offends(word.group()) ? masked(word.group()) : word.group());
    }

    /** Alone, or by a word inside: shorter ones are in too many that mean no harm. */
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

    /** The text's first words, masked, and three dots if there are more. */
    public String beginning(String text, int words) {
        var all = text.strip().split("\\s+");
        return off || all.length <= words
                ? words(text)
                : words(Stream.of(all).limit(words).collect(Collectors.joining(" "))) + " ...";
    }
}
