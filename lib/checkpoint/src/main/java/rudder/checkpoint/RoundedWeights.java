package rudder.checkpoint;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Set;
import java.util.stream.IntStream;
import rudder.checkpoint.format.TensorSource;

/**
 * The matrices of another source, rounded to a few bits while they are read. Each row is cut into groups of 32 values.
 * A group has the scale {@code s = max |x| / (2^(bits-1) - 1)}, and a value x becomes {@code s round(x / s)}. Vectors,
 * such as norms and biases, stay as they are.
 *
 * <p>The values are float32, and {@link #packed} is empty, so that no reader takes the stored matrices instead.
 */
public final class RoundedWeights implements TensorSource {

    private static final int GROUP = 32;

    private final TensorSource source;
    private final int largest; // 2^(bits - 1) - 1

    /**
     * @param source closed with this
     * @param bits width of a rounded value
     * @throws IllegalArgumentException unless bits is from 2 to 8
     */
    public RoundedWeights(TensorSource source, int bits) {
        requireWidth(bits);
        this.source = source;
        largest = (1 << bits - 1) - 1;
    }

    /** @throws IllegalArgumentException unless bits is from 2 to 8 */
    public static void requireWidth(int bits) {
        if (bits < 2 || bits > 8) {
            throw new IllegalArgumentException("weights of " + bits + " bits, wanted 2..8");
        }
    }

    @Override
    public Set<String> names() {
        return source.names();
    }

    @Override
    public long[] shape(String name) {
        return source.shape(name);
    }

    @Override
    public void read(String name, long first, long count, FloatBuffer into) {
        int from = into.position();
        source.read(name, first, count, into);
        long[] shape = source.shape(name);
        if (shape.length < 2) {
            return;
        }
        int width = Math.toIntExact(shape[shape.length - 1]);
        int rows = (into.position() - from) / width;
        IntStream.range(0, rows).parallel().forEach(row -> {
            for (int at = 0; at < width; at += GROUP) {
                round(into, from + row * width + at, Math.min(GROUP, width - at));
            }
        });
    }

    private void round(FloatBuffer values, int from, int count) {
        float size = 0;
        for (int i = from; i < from + count; i++) {
            size = Math.max(size, Math.abs(values.get(i)));
        }
        float scale = size / largest;
        for (int i = from; scale > 0 && i < from + count; i++) {
            values.put(i, scale * Math.round(values.get(i) / scale));
        }
    }

    @Override
    public void close() throws IOException {
        source.close();
    }

    @Override
    public String toString() {
        return "RoundedWeights[" + source + ", values -" + largest + ".." + largest + "]";
    }
}
