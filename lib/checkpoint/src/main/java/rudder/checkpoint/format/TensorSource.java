package rudder.checkpoint.format;

import java.io.Closeable;
import java.nio.FloatBuffer;
import java.util.Set;

/**
 * A checkpoint on disk: named tensors, read one or a few rows at a time as float32, whatever they are stored as.
 *
 * <p>Shapes are in torch's order, slowest axis first: a linear layer's weight is [out, in]. Values are row-major.
 * Instances are immutable and may be read from several threads. The file must not change while it is open.
 */
public interface TensorSource extends Closeable {

    /** The tensors that can be read, in the file's order. */
    Set<String> names();

    /** Whether {@link #names()} contains the name. */
    default boolean has(String name) {
        return names().contains(name);
    }

    /**
     * A tensor's shape, slowest axis first; empty for a scalar.
     *
     * @throws IllegalArgumentException if there is no such tensor
     */
    long[] shape(String name);

    /**
     * Puts {@code count} rows, the first of them {@code first}, at the buffer's position and advances it past them.
     * Rows are counted along the slowest axis; a scalar is one row. A direct buffer in native byte order is the
     * fastest; values are converted in parallel.
     *
     * @throws IllegalArgumentException if there is no such tensor, it has not these rows, or there is less room than
     *     they have values
     * @throws java.io.UncheckedIOException if the file cannot be read, or was closed
     */
    void read(String name, long first, long count, FloatBuffer into);

    /** All rows of a tensor, as {@link #read(String, long, long, FloatBuffer)} puts them. */
    default void read(String name, FloatBuffer into) {
        long[] shape = shape(name);
        read(name, 0, shape.length == 0 ? 1 : shape[0], into);
    }

    /** All values of a small tensor, as {@link #read(String, FloatBuffer)} puts them. */
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
