package rudder.study;

import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import rudder.steer.PromptSet;

/**
 * Typing errors. Each word of three letters or more has a slip with the given probability: two letters change places,
 * one is left out, one is typed twice, or the key beside it is hit. First letters stay, and so does the last word: a
 * prompt's last token then enters the first block in the same state as before, and what differs is what it reads of the
 * others.
 *
 * <pre>{@code
 * new TypingErrors(.5, 1).in("The sailor looked at the horizon and")   // Teh saillor looked at the horixon and
 * }</pre>
 *
 * @param rate of words with a slip, 0 to 1
 * @param seed the same seed gives the same slips, text by text
 */
public record TypingErrors(double rate, long seed) {

    private static final Pattern WORD = Pattern.compile("\\p{L}{3,}+(?=.*\\p{L})", Pattern.DOTALL);
    private static final List<String> ROWS = List.of("qwertyuiop", "asdfghjkl", "zxcvbnm");

    /** @throws IllegalArgumentException if the rate is not a probability */
    public TypingErrors {
        if (!(rate >= 0 && rate <= 1)) {
            throw new IllegalArgumentException("a rate of " + rate + ", wanted 0..1");
        }
    }

    /** The text with slips. */
    public String in(String text) {
        var random = new Random(seed ^ text.hashCode());
        return WORD.matcher(text)
                .replaceAll(word -> random.nextDouble() < rate ? slip(word.group(), random) : word.group());
    }

    /** Each prompt with slips. */
    public PromptSet in(PromptSet set) {
        return new PromptSet(
                set.name() + ", typos " + rate,
                set.prompts().stream().map(this::in).toList());
    }

    private static String slip(String word, Random random) {
        int at = 1 + random.nextInt(word.length() - 2); // neither the first letter nor the last
        char here = word.charAt(at);
        char next = word.charAt(at + 1);
        String before = word.substring(0, at);
        String after = word.substring(at + 1);
        return switch (random.nextInt(4)) {
            case 0 -> here == next ? before + after : before + next + here + after.substring(1);
            case 1 -> before + after;
            case 2 -> before + here + here + after;
            default -> before + beside(here, random) + after;
        };
    }

    /** The key to the left or right, itself doubled if it is none of a keyboard's letters. */
    private static String beside(char letter, Random random) {
        for (var row : ROWS) {
            int key = row.indexOf(Character.toLowerCase(letter));
            if (key >= 0) {
                int to = key == 0 ? 1 : key == row.length() - 1 ? key - 1 : key + 2 * random.nextInt(2) - 1;
                return String.valueOf(row.charAt(to));
            }
        }
        return "" + letter + letter;
    }
}
