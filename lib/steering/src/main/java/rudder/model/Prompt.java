package rudder.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import rudder.checkpoint.tokenizer.Message;
import rudder.checkpoint.tokenizer.MessageSpans;

/**
 * A prompt that is to be continued.
 *
 * @param tokens that the model reads
 * @param text what the completion gives as its prompt
 * @param chat the conversation that the tokens are, or null
 * @param encode encodes a conversation as this one was; null where there is none
 */
record Prompt(int[] tokens, String text, List<Message> chat, Function<List<Message>, int[]> encode) {

    static Prompt of(int[] tokens, String text) {
        return new Prompt(tokens, text, null, null);
    }

    /** Returns who wrote each token, null for the template; null instead of a list if this is no chat. */
    List<Message.Role> roles() {
        if (chat == null) {
            return null;
        }
        var roles = new ArrayList<Message.Role>(Collections.nCopies(tokens.length, null));
        for (int i = 0; i < chat.size(); i++) {
            var role = chat.get(i).role();
            MessageSpans.of(tokens, chat, i, encode)
                    .ifPresent(span -> Collections.fill(roles.subList(span.from(), span.end()), role));
        }
        return roles;
    }
}
