package rudder.checkpoint.tokenizer;

import java.util.Locale;
import java.util.Objects;

/**
 * One turn of a conversation.
 *
 * @param role who says it
 * @param text what is said
 */
public record Message(Role role, String text) {

    /** Who speaks. */
    public enum Role {
        /** Whoever set the assistant up: instructions for the whole conversation. */
        SYSTEM,
        /** The person who asks. */
        USER,
        /** The model. */
        ASSISTANT;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** @throws NullPointerException if the role or the text is missing */
    public Message {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(text, "text");
    }

    /** Returns instructions for the whole conversation. */
    public static Message system(String text) {
        return new Message(Role.SYSTEM, text);
    }

    /** Returns a turn of the person who asks. */
    public static Message user(String text) {
        return new Message(Role.USER, text);
    }

    /** Returns an earlier answer of the model. */
    public static Message assistant(String text) {
        return new Message(Role.ASSISTANT, text);
    }
}
