package rudder.model;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import rudder.checkpoint.tokenizer.Message;
import rudder.theory.Check;

/**
 * The tokens that a controller steers: one of four constants, or a choice by index, role or any predicate. The name
 * stands for the choice in tables and files, and positions of one name are equal: give different choices different
 * names.
 *
 * <pre>{@code
 * model.steered(controller).atPositions(Positions.generatedFrom(5)).generate("Once", 40)
 * model.steered(controller).atPositions(Positions.ofRole(Message.Role.USER)).chat("Name a colour.", 20)
 * }</pre>
 */
public final class Positions {

    /** The prompt's last token and every generated token: the paper's A-LQR, and the default. */
    public static final Positions PROMPT_END_AND_GENERATED =
            new Positions("PROMPT_END_AND_GENERATED", Roles.UNUSED, token -> token.index() >= token.promptLength() - 1);
    /** The prompt's last token alone. */
    public static final Positions PROMPT_END =
            new Positions("PROMPT_END", Roles.UNUSED, token -> token.index() == token.promptLength() - 1);
    /** The generated tokens, but none of the prompt's. */
    public static final Positions GENERATED = new Positions("GENERATED", Roles.UNUSED, Token::isGenerated);
    /** Every token of prompt and continuation: the paper's A-LQR+. */
    public static final Positions ALL = new Positions("ALL", Roles.UNUSED, token -> true);

    /** The positions of a new view. */
    static final Positions DEFAULT = PROMPT_END_AND_GENERATED;

    private static final String FROM = "from token ";
    private static final String GENERATED_FROM = "generated from ";
    private static final Pattern NUMBERED = Pattern.compile("(" + FROM + "|" + GENERATED_FROM + ")([0-9]{1,9})");

    private enum Roles {
        UNUSED,
        USED,
        REQUIRED
    }

    /**
     * A token of a prompt or of its continuation.
     *
     * @param index place in the text, from 0 at the prompt's first token
     * @param promptLength number of the prompt's tokens
     * @param role who wrote the token in a chat; null for a token of the template, and where the prompt is no chat
     */
    public record Token(int index, int promptLength, Message.Role role) {

        /** Returns whether the model generated the token. */
        public boolean isGenerated() {
            return index >= promptLength;
        }

        /** Returns the place among the generated tokens, from 0; negative for the prompt's tokens. */
        public int generatedIndex() {
            return index - promptLength;
        }
    }

    private final String name;
    private final Roles roles;
    private final Predicate<Token> steered;

    private Positions(String name, Roles roles, Predicate<Token> steered) {
        this.name = name;
        this.roles = roles;
        this.steered = steered;
    }

    /** Returns the four constants. */
    public static Positions[] values() {
        return new Positions[] {PROMPT_END_AND_GENERATED, PROMPT_END, GENERATED, ALL};
    }

    /**
     * Returns the tokens that a predicate chooses.
     *
     * @param name stands for the predicate in tables and files
     * @param steered asked about every token of prompt and continuation; must always give the same answer
     * @throws IllegalArgumentException if the name is blank, or that of a constant or of another method's positions
     */
    public static Positions where(String name, Predicate<Token> steered) {
        Check.given("the predicate", steered);
        if (Check.given("the name of the positions", name).isBlank()
                || known(name).isPresent()) {
            throw new IllegalArgumentException(
                    "positions named '" + name + "': give a name of their own, which tables and files show");
        }
        return new Positions(name, Roles.USED, steered);
    }

    /** Returns the prompt's tokens from index {@code first} on, counted from 0, and every generated token. */
    public static Positions from(int first) {
        requireNatural(first);
        return new Positions(FROM + first, Roles.UNUSED, token -> token.index() >= first);
    }

    /** Returns the generated tokens behind the first {@code count} ones. */
    public static Positions generatedFrom(int count) {
        requireNatural(count);
        return new Positions(GENERATED_FROM + count, Roles.UNUSED, token -> token.generatedIndex() >= count);
    }

    /**
     * Returns the tokens that a role wrote in a chat, for instance those of the user's messages alone. The marks of the
     * template are nobody's. Generated tokens are the assistant's.
     *
     * <p>Only {@code chat} and {@code chatEach} know who wrote a token. Calls that take texts or tokens refuse these
     * positions with an IllegalArgumentException.
     */
    public static Positions ofRole(Message.Role role) {
        Check.given("the role", role);
        return new Positions("tokens of the " + role, Roles.REQUIRED, token -> token.role() == role);
    }

    /**
     * Returns the positions that a file names. The name of a predicate gives positions that have the name but cannot
     * steer, because a file holds no predicate.
     */
    public static Positions named(String name) {
        return known(Check.given("the name of the positions", name))
                .orElseGet(() -> new Positions(name, Roles.UNUSED, token -> {
                    throw new IllegalArgumentException("the positions '" + name
                            + "' were read from a file, which holds their name alone: make them again");
                }));
    }

    /** Returns whether {@link #named} gives the same choice again, as it does for all but {@link #where}. */
    public boolean isKnownByName() {
        return known(name).isPresent();
    }

    private static Optional<Positions> known(String name) {
        var numbered = NUMBERED.matcher(name);
        if (numbered.matches()) {
            int number = Integer.parseInt(numbered.group(2));
            return Optional.of(numbered.group(1).equals(FROM) ? from(number) : generatedFrom(number));
        }
        return Stream.concat(
                        Stream.of(values()), Stream.of(Message.Role.values()).map(Positions::ofRole))
                .filter(p -> p.name.equals(name))
                .findFirst();
    }

    private static void requireNatural(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("positions from token " + number + ", wanted 0 or more");
        }
    }

    /** Returns the name, which stands for the choice in tables and files. */
    public String name() {
        return name;
    }

    /** Returns whether the choice may depend on who wrote a token. */
    boolean usesRoles() {
        return roles != Roles.UNUSED;
    }

    /**
     * Returns which of a prompt's tokens are steered.
     *
     * @param roles of the tokens; null where the prompt is no chat
     */
    boolean[] ofPrompt(int length, List<Message.Role> roles) {
        if (this.roles == Roles.REQUIRED && roles == null) {
            throw new IllegalArgumentException("positions '" + name
                    + "' need a chat: use chat or chatEach, which know who wrote a token, or positions by index");
        }
        var steered = new boolean[length];
        for (int i = 0; i < length; i++) {
            steered[i] = this.steered.test(new Token(i, length, roles == null ? null : roles.get(i)));
        }
        return steered;
    }

    /** Returns which tokens of a prompt, and of {@code count} generated ones, are steered; the prompt is no chat. */
    boolean[] ofText(int promptLength, int count) {
        boolean[] steered = Arrays.copyOf(ofPrompt(promptLength, null), promptLength + count);
        for (int i = 0; i < count; i++) {
            steered[promptLength + i] = ofGenerated(promptLength, i, false);
        }
        return steered;
    }

    /** Returns whether a generated token is steered. */
    boolean ofGenerated(int promptLength, int generatedIndex, boolean chat) {
        return steered.test(
                new Token(promptLength + generatedIndex, promptLength, chat ? Message.Role.ASSISTANT : null));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Positions positions && positions.name.equals(name);
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }

    @Override
    public String toString() {
        return name;
    }
}
