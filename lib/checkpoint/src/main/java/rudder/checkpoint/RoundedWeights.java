package rudder.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import rudder.checkpoint.format.PackedTensor;
import rudder.checkpoint.format.TensorSource;
import rudder.kernel.PackedMatrix;

/**
 * The matrices of another source, rounded to a few bits while they are read. Each row is cut into groups of 32 values.
 * A group has the scale {@code s = max |x| / (2^(bits-1) - 1)}, and a value x becomes {@code s round(x / s)}. Vectors,
 * such as norms and biases, stay as they are.
 *
 * <p>Packed, a group is its scale and 32 bytes, to the bit the values that are read. They are made once, on the heap,
 * and only if all of them fit into half of it; else {@link #packed} is empty.
 */
public final class RoundedWeights implements TensorSource {

    private static final int GROUP = 32;
    private static final int PART = 1 << 20; // values that are packed at a time
    private static final int BLOCK = Float.BYTES + GROUP; // bytes

    private final TensorSource source;
    private final int largest; // 2^(bits - 1) - 1
    private final boolean fits;
    private final Map<String, PackedTensor> packed = new ConcurrentHashMap<>();

    /**
     * @param source closed with this
     * @param bits width of a rounded value
     * @throws IllegalArgumentException unless bits is from 2 to 8
     */
    public RoundedWeights(TensorSource source, int bits) {
        requireWidth(bits);
        this.source = source;
        largest = (1 << bits - 1) - 1;
        long groups = source.names().stream()
                .mapToLong(name -> values(source.shape(name)) / GROUP)
                .sum();
        fits = groups * BLOCK <= Runtime.getRuntime().maxMemory() / 2;
    }

    private static long values(long... shape) {
        return shape.length < 2 ? 0 : Arrays.stream(shape).reduce(1, (a, b) -> a * b);
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

    @Override
    public Optional<PackedTensor> packed(String name) {
        long[] shape = shape(name);
        boolean whole = shape.length == 2 && shape[1] % GROUP == 0 && values(shape) / GROUP * BLOCK < Integer.MAX_VALUE;
        return fits && whole ? Optional.of(packed.computeIfAbsent(name, this::pack)) : Optional.empty();
    }

    private PackedTensor pack(String name) {
        long[] shape = shape(name);
        int rows = Math.toIntExact(shape[0]);
        int width = Math.toIntExact(shape[1]);
        var bytes = ByteBuffer.allocate(rows * width / GROUP * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        int most = Math.max(1, PART / width);
        var some = FloatBuffer.allocate(Math.min(rows, most) * width);
        for (int first = 0; first < rows; first += most) {
            int count = Math.min(most, rows - first);
            source.read(name, first, count, some.clear());
            for (int at = 0; at < count * width; at += GROUP) {
                float scale = scale(some, at, GROUP);
                bytes.putFloat(scale);
                for (int i = 0; i < GROUP; i++) {
                    bytes.put(scale > 0 ? (byte) Math.round(some.get(at + i) / scale) : 0);
                }
            }
        }
        return new PackedTensor(PackedMatrix.ROUNDED, shape.clone(), bytes);
    }

    private float scale(FloatBuffer values, int from, int count) {
        float size = 0;
        for (int i = from; i < from + count; i++) {
            size = Math.max(size, Math.abs(values.get(i)));
        }
        return size / largest;
    }

    private void round(FloatBuffer values, int from, int count) {
        float scale = scale(values, from, count);
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
