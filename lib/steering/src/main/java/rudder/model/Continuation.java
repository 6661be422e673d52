package rudder.model;

import java.util.Arrays;
import rudder.theory.Check;

/**
 * Tokens that follow a prompt.
 *
 * @param prompt at least one token
 * @param tokens at least one token
 */
public record Continuation(int[] prompt, int[] tokens) {

    /** @throws IllegalArgumentException if the prompt or the continuation is null or has no token */
    public Continuation {
        if (Check.given("the prompt", prompt).length == 0 || Check.given("the tokens", tokens).length == 0) {
            throw new IllegalArgumentException("a continuation of " + tokens.length + " tokens after a prompt of "
                    + prompt.length + ", wanted at least one token of each");
        }
        prompt = prompt.clone();
        tokens = tokens.clone();
    }

    /** Returns a text as the continuation of its first token. */
    public static Continuation of(int[] text) {
        if (Check.given("the text", text).length < 2) {
            throw new IllegalArgumentException(
                    "a text of " + text.length + " tokens, wanted at least 2: the first is the prompt");
        }
        return new Continuation(new int[] {text[0]}, Arrays.copyOfRange(text, 1, text.length));
    }

    /** Returns prompt and tokens as one sequence. */
    public int[] all() {
        int[] all = Arrays.copyOf(prompt, prompt.length + tokens.length);
        System.arraycopy(tokens, 0, all, prompt.length, tokens.length);
        return all;
    }

    @Override
    public String toString() {
        return "Continuation[" + tokens.length + " tokens after " + prompt.length + "]";
    }
}
