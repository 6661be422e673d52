package rudder.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Where one tensor lies in a file and how its numbers are written. Whoever makes one has checked that {@link #values()}
 * is a whole number of blocks that does not overflow and that the bytes from {@code offset} lie inside the file.
 *
 * @param shape slowest axis first
 * @param offset of the first byte in the file
 */
record TensorEntry(String name, TensorType type, long[] shape, long offset) {

    /** Values converted by one task: the bytes and the floats both stay in a core's cache. A multiple of every block. */
    private static final int CHUNK = 1 << 14;
    /** Values mapped at a time: at most 1 GiB, whatever the type. A mapping must stay below 2 GiB. */
    private static final int SEGMENT = 1 << 27;

    long values() {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    long bytes() {
        return values() / type.values * type.bytes;
    }

    /** Rows along the slowest axis; of a blocked type each is a whole number of blocks, or there is one row. */
    void read(FileChannel file, long first, long count, FloatBuffer into) throws IOException {
        long rows = shape.length == 0 ? 1 : shape[0];
        if (first < 0 || count < 0 || first + count > rows) {
            throw new IllegalArgumentException("tensor '" + name + "' has " + rows + " rows, wanted rows " + first + " to " + (first + count - 1));
        }
        long width = rows == 0 ? 0 : values() / rows;
        if (count * width > into.remaining()) {
            throw new IllegalArgumentException("tensor '" + name + "' has " + count * width + " values"
                    + (count == rows ? "" : " in " + count + " rows") + ", " + Arrays.toString(shape) + ", and the buffer has room for "
                    + into.remaining() + "; pass a buffer of at least that many");
        }
        int values = (int) (count * width);
        for (long done = 0; done < values; done += SEGMENT) {
            segment(file, first * width + done, (int) Math.min(SEGMENT, values - done), into);
        }
    }

    /** All values, F64's exactly. */
    double[] doubles(FileChannel file) throws IOException {
        if (values() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("tensor '" + name + "' has " + values() + " values, more than an array holds");
        }
        double[] all = new double[(int) values()];
        if (type == TensorType.F64) {
            for (long done = 0; done < all.length; done += SEGMENT) {
                int count = (int) Math.min(SEGMENT, all.length - done);
                file.map(FileChannel.MapMode.READ_ONLY, offset + 8 * done, 8L * count)
                        .order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(all, (int) done, count);
            }
        } else {
            FloatBuffer floats = FloatBuffer.allocate(all.length);
            read(file, 0, shape.length == 0 ? 1 : shape[0], floats);
            Arrays.setAll(all, i -> floats.get(i));
        }
        return all;
    }

    private void segment(FileChannel file, long from, int values, FloatBuffer into) throws IOException {
        long start = offset + from / type.values * type.bytes;
        long length = (long) values / type.values * type.bytes;
        ByteBuffer bytes = file.map(FileChannel.MapMode.READ_ONLY, start, length);
        int to = into.position();
        IntStream chunks = IntStream.range(0, (values + CHUNK - 1) / CHUNK);
        (values > CHUNK ? chunks.parallel() : chunks).forEach(c -> {
            int first = c * CHUNK;
            int count = Math.min(CHUNK, values - first);
            int blocks = count / type.values;
            byte[] in = new byte[blocks * type.bytes];
            float[] out = new float[count];
            bytes.get(first / type.values * type.bytes, in);
            type.decode(in, blocks, out);
            into.put(to + first, out);
        });
        into.position(to + values);
    }
}
