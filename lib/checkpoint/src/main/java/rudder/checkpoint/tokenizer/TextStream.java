package rudder.checkpoint.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Decodes tokens that come one at a time. A character may need several tokens: {@link #accept} returns the complete
 * characters and holds back the rest, so that the returned text can be shown at once.
 *
 * <p>The returned texts, joined, equal {@link Tokenizer#decode} of the tokens; only a space that the tokenizer put in
 * front of the text stays. Bytes that are not UTF-8 become U+FFFD. Not thread-safe.
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
     * Decodes the next token.
     *
     * @return the text that the token completes; empty for a control token, and while a character is incomplete
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

    /** Ends the text and returns the bytes held back, decoded. The stream is then ready for another text. */
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
