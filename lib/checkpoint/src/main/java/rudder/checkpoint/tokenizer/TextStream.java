package rudder.checkpoint.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * The text of tokens that come one at a time. A character may be spread over several tokens: each {@link #accept}
 * returns the text that is complete and holds back the rest, so that whatever is returned can be shown at once.
 *
 * <p>All that a stream returned, joined, is {@link Tokenizer#decode} of its tokens, but for a space that a tokenizer
 * put in front of the text. Bytes that are no UTF-8 become U+FFFD. Not thread-safe.
 */
public final class TextStream {
    private final Vocabulary vocabulary;
    private final CharsetDecoder utf8 = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private byte[] held = new byte[0];

    TextStream(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    /**
     * Takes the next token.
     *
     * @return the text it completes; empty for a control token, and while a character is incomplete
     * @throws IllegalArgumentException if the vocabulary has no such id
     */
    public String accept(int id) {
        byte[] piece = vocabulary.bytes(id);
        ByteBuffer bytes = ByteBuffer.allocate(held.length + piece.length)
                .put(held)
                .put(piece)
                .flip();
        return decode(bytes, false);
    }

    /** Ends the text: returns what was held back, and leaves the stream ready for another text. */
    public String finish() {
        String rest = decode(ByteBuffer.wrap(held), true);
        utf8.reset();
        return rest;
    }

    private String decode(ByteBuffer bytes, boolean last) {
        CharBuffer text = CharBuffer.allocate(bytes.remaining() + 1); // UTF-8 never has fewer bytes than chars
        utf8.decode(bytes, text, last);
        if (last) {
            utf8.flush(text);
        }
        held = new byte[bytes.remaining()];
        bytes.get(held);
        return text.flip().toString();
    }
}
