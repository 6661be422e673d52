package rudder.checkpoint.format;

import java.io.Closeable;
import java.nio.FloatBuffer;
import java.util.Optional;
import java.util.Set;

/**
 * Named tensors of a checkpoint, read as float32 whatever their stored type, whole or by rows.
 *
 * <p>Shapes are in torch's order, slowest axis first: a linear layer's weight is [out, in]. Values are row-major. A
 * source is immutable and thread-safe. Its file must not change while it is open.
 */
public interface TensorSource extends Closeable {

    /** Returns the names of the tensors that can be read, in the file's order. */
    Set<String> names();

    /** Returns whether {@link #names()} contains the name. */
    default boolean has(String name) {
        return names().contains(name);
    }

    /**
     * Returns a tensor's shape, slowest axis first; empty for a scalar.
     *
     * @throws IllegalArgumentException if there is no such tensor
     */
    long[] shape(String name);

    /**
     * Reads {@code count} rows from row {@code first} on into the buffer, at its position, and advances the position.
     * Rows are counted along the slowest axis; a scalar is one row. Values are converted in parallel. A direct buffer
     * in native byte order is the fastest.
     *
     * @throws IllegalArgumentException if there is no such tensor or row, or the buffer has too little room
     * @throws java.io.UncheckedIOException if the file cannot be read, or is closed
     */
    void read(String name, long first, long count, FloatBuffer into);

    /**
     * Returns a tensor as it is stored, without converting it; empty if the source has no file, or the tensor 2^31
     * bytes or more.
     *
     * @throws IllegalArgumentException if there is no such tensor
     * @throws java.io.UncheckedIOException if the file cannot be mapped
     */
    default Optional<PackedTensor> packed(String name) {
        return Optional.empty();
    }

    /** Reads all rows of a tensor, like {@link #read(String, long, long, FloatBuffer)}. */
    default void read(String name, FloatBuffer into) {
        long[] shape = shape(name);
        read(name, 0, shape.length == 0 ? 1 : shape[0], into);
    }

    /** Returns all values of a small tensor, like {@link #read(String, FloatBuffer)}. */
    default float[] read(String name) {
        long values = 1;
        for (long n : shape(name)) {
            values *= n;
        }
        FloatBuffer all = FloatBuffer.allocate(Math.toIntExact(values));
        read(name, all);
        return all.array();
    }
}
