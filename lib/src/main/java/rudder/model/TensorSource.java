package rudder.model;

import java.io.Closeable;
import java.nio.FloatBuffer;
import java.util.Set;

/**
 * A checkpoint on disk: named tensors, read one at a time as float32, whatever they are stored as.
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
     * Puts all values of a tensor at the buffer's position and advances it past them. A direct buffer in native byte
     * order is the fastest; rows are converted in parallel.
     *
     * @throws IllegalArgumentException if there is no such tensor, or less room than it has values
     * @throws java.io.UncheckedIOException if the file cannot be mapped, or was closed
     */
    void read(String name, FloatBuffer into);

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
