package rudder.checkpoint.tokenizer;

import java.util.Locale;
import java.util.Objects;

/**
 * One message of a conversation.
 *
 * @param role the speaker
 * @param text the message, without marks of a chat template
 */
public record Message(Role role, String text) {

    /** The speaker of a message. */
    public enum Role {
        /** The one who sets the assistant up, with instructions for the whole conversation. */
        SYSTEM,
        /** The person who asks. */
        USER,
        /** The model. */
        ASSISTANT;

        /** Returns the name in lower case, as chat templates write it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** @throws NullPointerException if the role or the text is null */
    public Message {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(text, "text");
    }

    /** Returns a system message: instructions for the whole conversation. */
    public static Message system(String text) {
        return new Message(Role.SYSTEM, text);
    }

    /** Returns a user's message. */
    public static Message user(String text) {
        return new Message(Role.USER, text);
    }

    /** Returns an earlier answer of the model. */
    public static Message assistant(String text) {
        return new Message(Role.ASSISTANT, text);
    }
}
