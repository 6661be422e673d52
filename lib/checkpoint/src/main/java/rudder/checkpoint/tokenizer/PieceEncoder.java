package rudder.checkpoint.tokenizer;

import java.io.Closeable;

/** Encodes the pieces of a text between its added tokens. Thread-safe. */
interface PieceEncoder extends Closeable {

    /** Returns the ids of a piece; {@code first} says whether it stands at the very start of the input. */
    int[] encode(String piece, boolean first);

    @Override
    void close();
}
