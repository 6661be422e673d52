package rudder.checkpoint.format;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The place of a tensor in a file, and the encoding of its numbers. Requires, unchecked, that {@link #values()} does
 * not overflow and is a whole number of blocks, and that all bytes lie inside the file.
 *
 * @param shape slowest axis first
 * @param offset of the first byte in the file
 */
record TensorEntry(String name, TensorType type, long[] shape, long offset) {

    /** Values that one task reads and converts: few enough for a core's cache, and a multiple of every block. */
    private static final int CHUNK = 1 << 14;

    long values() {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    long bytes() {
        return values() / type.values * type.bytes;
    }

    /**
     * Reads rows along the slowest axis. A row of a blocked type must be a whole number of blocks, unless there is only
     * one row.
     */
    void read(OpenFile file, long first, long count, FloatBuffer into) throws IOException {
        long rows = shape.length == 0 ? 1 : shape[0];
        if (first < 0 || count < 0 || first + count > rows) {
            throw new IllegalArgumentException("tensor '" + name + "' has " + rows + " rows, but rows " + first + " to "
                    + (first + count - 1) + " were requested");
        }
        long width = rows == 0 ? 0 : values() / rows;
        if (count * width > into.remaining()) {
            throw new IllegalArgumentException("tensor '" + name + "' has " + count * width + " values"
                    + (count == rows ? "" : " in " + count + " rows") + ", " + Arrays.toString(shape)
                    + ", but the buffer has room for "
                    + into.remaining() + "; pass a larger buffer");
        }
        int values = (int) (count * width);
        long start = offset + first * width / type.values * type.bytes;
        int to = into.position();
        IntStream chunks = IntStream.range(0, chunks(values));
        try {
            (values > CHUNK ? chunks.parallel() : chunks).forEach(c -> {
                byte[] in = chunk(file, start, values, c);
                int n = Math.min(CHUNK, values - c * CHUNK);
                boolean whole = into.hasArray() && into.arrayOffset() + to == 0 && n == values;
                float[] out = whole ? into.array() : new float[n]; // kernels write to the start of an array
                type.unpack(in, n / type.values, out);
                if (!whole) {
                    into.put(to + c * CHUNK, out);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        into.position(to + values);
    }

    private static int chunks(int values) {
        return (int) ((values + CHUNK - 1L) / CHUNK);
    }

    /** Reads the bytes of chunk c, where {@code values} values begin at {@code start}. */
    private byte[] chunk(OpenFile file, long start, int values, int c) {
        byte[] bytes = new byte[Math.min(CHUNK, values - c * CHUNK) / type.values * type.bytes];
        try {
            file.read(start + (long) c * CHUNK / type.values * type.bytes, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(OpenFile.reason(e), e);
        }
        return bytes;
    }

    /** Maps the tensor's bytes; empty if they do not fit into one buffer. */
    Optional<PackedTensor> map(OpenFile file) throws IOException {
        return bytes() > Integer.MAX_VALUE
                ? Optional.empty()
                : Optional.of(new PackedTensor(type.ggufId, shape.clone(), file.map(offset, bytes())));
    }

    /** Reads all values; exact for every type. */
    double[] doubles(OpenFile file) throws IOException {
        if (values() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("tensor '" + name + "' has " + values()
                    + " values, more than the 2^31 - 1 of an array; read it in rows");
        }
        double[] all = new double[(int) values()];
        if (type == TensorType.F64) {
            for (int c = 0; c < chunks(all.length); c++) {
                byte[] in = chunk(file, offset, all.length, c);
                ByteBuffer.wrap(in)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asDoubleBuffer()
                        .get(all, c * CHUNK, in.length / 8);
            }
        } else {
            FloatBuffer floats = FloatBuffer.allocate(all.length);
            read(file, 0, shape.length == 0 ? 1 : shape[0], floats);
            Arrays.setAll(all, i -> floats.get(i));
        }
        return all;
    }
}
