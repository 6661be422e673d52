package rudder.checkpoint.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Finds the tokens that a message of a conversation wrote. These are the tokens that change with its text: the message
 * is replaced by probes, and what remains before and behind is the template's or another message's. So the rule holds
 * for every template and tokenizer. A token that holds the end of a mark and the beginning of a message is the
 * message's.
 */
public final class MessageSpans {

    private static final List<String> PROBES = List.of("x", "0");

    private MessageSpans() {}

    /**
     * Returns the tokens of a message; empty if the template does not write it, or the message is empty.
     *
     * @param tokens of the conversation
     * @param index of the message
     * @param encode gave the tokens of the conversation, and gives those of another
     */
    public static Optional<TokenSpan> of(
            int[] tokens, List<Message> conversation, int index, Function<List<Message>, int[]> encode) {
        int from = tokens.length;
        int behind = tokens.length;
        for (String probe : PROBES) {
            var probed = new ArrayList<>(conversation);
            probed.set(index, new Message(conversation.get(index).role(), probe));
            int[] other = encode.apply(probed);
            int differs = Arrays.mismatch(tokens, other);
            from = Math.min(from, differs < 0 ? tokens.length : differs);
            behind = Math.min(behind, commonEnd(tokens, other));
        }
        int end = tokens.length - behind;
        return from < end ? Optional.of(new TokenSpan(from, end)) : Optional.empty();
    }

    /**
     * Returns the tokens of the answer with which a conversation ends.
     *
     * @throws IllegalArgumentException if the last message is not the assistant's, or has no token
     */
    public static TokenSpan ofAnswer(int[] tokens, List<Message> conversation, Function<List<Message>, int[]> encode) {
        int last = conversation.size() - 1;
        var role = conversation.get(last).role();
        if (role != Message.Role.ASSISTANT) {
            throw new IllegalArgumentException(
                    "the conversation ends with the message of the " + role + ", wanted the assistant's answer");
        }
        return of(tokens, conversation, last, encode)
                .orElseThrow(() -> new IllegalArgumentException("the answer has no token: give another answer"));
    }

    private static int commonEnd(int[] a, int[] b) {
        int n = 0;
        while (n < Math.min(a.length, b.length) && a[a.length - 1 - n] == b[b.length - 1 - n]) {
            n++;
        }
        return n;
    }
}
