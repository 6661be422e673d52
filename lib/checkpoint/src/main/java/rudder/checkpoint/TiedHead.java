package rudder.checkpoint;

import java.nio.FloatBuffer;
import java.util.Arrays;
import rudder.checkpoint.format.TensorSource;
import rudder.checkpoint.text.FolderAdvice;

/**
 * Checks that a head stored beside the embedding, in a checkpoint that says that the two are one, is the embedding.
 * Programs disagree about such a file: transformers 4.57 ignores the head and 5.24 uses it.
 */
final class TiedHead {

    /** Values of a tensor in memory at a time. */
    private static final int VALUES = 1 << 20;

    private TiedHead() {}

    /**
     * Compares the tensors, some rows at a time. A checkpoint without a stored head passes.
     *
     * @throws IllegalArgumentException if the two differ
     */
    static void requireEqual(TensorSource source, TensorNames names) {
        String embedding = names.embedding() + ".weight";
        String head = names.head() + ".weight";
        if (!source.has(head)) {
            return;
        }
        long[] shape = source.shape(embedding);
        if (!Arrays.equals(shape, source.shape(head))) {
            throw differ(
                    source,
                    embedding,
                    head,
                    "have the shapes " + Arrays.toString(shape) + " and " + Arrays.toString(source.shape(head)));
        }
        long width = Arrays.stream(shape).skip(1).reduce(1, (a, b) -> a * b);
        long rows = Math.max(1, VALUES / Math.max(1, width));
        for (long row = 0; row < shape[0]; row += rows) {
            long count = Math.min(rows, shape[0] - row);
            FloatBuffer one = FloatBuffer.allocate(Math.toIntExact(count * width));
            FloatBuffer other = FloatBuffer.allocate(one.capacity());
            source.read(embedding, row, count, one);
            source.read(head, row, count, other);
            int at = Arrays.mismatch(one.array(), other.array());
            if (at >= 0) {
                throw differ(
                        source,
                        embedding,
                        head,
                        "hold " + one.get(at) + " and " + other.get(at) + " in row " + (row + at / width));
            }
        }
    }

    private static IllegalArgumentException differ(TensorSource source, String embedding, String head, String how) {
        return new IllegalArgumentException(source + ": tie_word_embeddings is true, but the tensors " + embedding
                + " and " + head + " " + how + ", and programs disagree which of them makes the logits."
                + " Set tie_word_embeddings to false in config.json if the model was trained with a head of its own"
                + FolderAdvice.COPY + "; otherwise use another copy of the checkpoint.");
    }
}
