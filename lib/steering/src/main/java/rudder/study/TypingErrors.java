package rudder.study;

import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import rudder.steer.PromptSet;

/**
 * Makes typing errors. Each word of three letters or more has a slip with the given probability. In a slip two letters
 * change places, one letter is left out or typed twice, or a neighbouring key is hit. First letters stay, and so does
 * the last word. So a prompt's last token enters the first block in the same state as without errors, and only the
 * context that it reads differs.
 *
 * <pre>{@code
 * new TypingErrors(0.5, 1).in("The sailor looked at the horizon and")   // Teh saillor looked at the horixon and
 * }</pre>
 *
 * @param rate the probability of a slip in a word, 0 to 1
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

    /** Returns the text with slips. */
    public String in(String text) {
        var random = new Random(seed ^ text.hashCode());
        return WORD.matcher(text)
                .replaceAll(word -> random.nextDouble() < rate ? slip(word.group(), random) : word.group());
    }

    /** Returns the prompts with slips. */
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

    /** Returns the key to the left or right of a letter, or the letter doubled if the keyboard lacks it. */
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
