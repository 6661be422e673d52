package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import rudder.checkpoint.format.TensorSource;
import rudder.kernel.Floats;
import rudder.kernel.PackedMatrix;
import rudder.model.engine.Devices;

/**
 * Copies rows of a checkpoint's tensors to the engine's device, prepared and checked. On a CPU, every core writes
 * single-precision rows straight into the engine's memory. Otherwise some rows at a time are prepared in a buffer, and
 * copied on. Beside the finished matrix, only the buffer takes memory. A model has one, and threads take turns.
 */
public final class Staging {

    /** Values in the buffer, 4 MiB: a part of a matrix, never a second copy of it. */
    public static final int STAGED = 1 << 20;

    /** The largest number of half precision. */
    private static final float HALF = 65504;

    /** Numbers that one core unpacks at a time: few enough for its cache. */
    private static final int CHUNK = 1 << 14;

    private static final ThreadLocal<float[]> ROWS = ThreadLocal.withInitial(() -> new float[CHUNK]);

    private static final boolean VECTORS = PackedMatrix.available();

    private final TensorSource source;
    private FloatBuffer staging = FloatBuffer.allocate(0);
    private ByteBuffer bytes;

    Staging(TensorSource source) {
        this.source = source;
    }

    /**
     * Rows of one tensor as they enter a matrix.
     *
     * @param first of the rows in the tensor
     * @param factor multiplies the rows
     * @param head width of heads whose rows are stored for interleaved rotary pairs and must be reordered into halves;
     *     0 for other rows
     */
    record Rows(String name, int first, int count, double factor, int head) {
        Rows(String name, int count) {
            this(name, 0, count, 1, 0);
        }

        /** Returns {@code most} of these rows from row {@code from} on, or as many as there are. */
        Rows range(int from, int most) {
            return new Rows(name, first + from, Math.min(most, count - from), factor, head);
        }

        /** Returns what the columns are multiplied by; null for 1. */
        private float[] factors(float[] columnFactors, int columns) {
            if (factor == 1) {
                return columnFactors;
            }
            float[] factors = new float[columns];
            for (int j = 0; j < columns; j++) {
                factors[j] = (float) (columnFactors == null ? factor : factor * columnFactors[j]);
            }
            return factors;
        }

        /**
         * Returns where a row comes to stand: 2i + j of a head at j w/2 + i, from interleaved rotary pairs to halves.
         */
        private int place(int row) {
            if (head == 0) {
                return row;
            }
            int own = row % head;
            return row - own + own % 2 * (head / 2) + own / 2;
        }
    }

    /**
     * Returns the tensors' rows stacked, column j times {@code columnFactors[j]} (null: 1): [sum of counts, columns].
     *
     * @param used a matrix of this shape that may be written over, and is then returned; null for a new one
     */
    NDArray stack(NDManager manager, DataType type, int columns, float[] columnFactors, NDArray used, Rows... parts) {
        try (NDManager scope = manager.newSubManager()) {
            NDArray all = used != null
                    ? used
                    : scope.create(
                            new Shape(
                                    Arrays.stream(parts).mapToLong(Rows::count).sum(), columns),
                            type);
            if (type == DataType.FLOAT32
                    && !manager.getDevice().isGpu()
                    && all.size() <= Integer.MAX_VALUE / Float.BYTES) {
                writeDirectly(all, columns, columnFactors, parts);
            } else {
                copy(all, columns, columnFactors, parts);
            }
            if (used == null) {
                all.attach(manager);
            }
            return all;
        }
    }

    /** Writes rows into the engine's own memory, some thousand numbers at a time on each core. */
    private void writeDirectly(NDArray all, int columns, float[] columnFactors, Rows... parts) {
        FloatBuffer to = all.toByteBuffer(true).order(ByteOrder.nativeOrder()).asFloatBuffer();
        int most = Math.max(1, CHUNK / columns);
        int at = 0;
        for (Rows part : parts) {
            int start = at;
            float[] factors = part.factors(columnFactors, columns);
            IntStream.range(0, (part.count + most - 1) / most).parallel().forEach(c -> {
                int first = c * most;
                int count = Math.min(most, part.count - first);
                float[] rows = ROWS.get();
                if (rows.length < most * columns) {
                    rows = new float[most * columns];
                    ROWS.set(rows);
                }
                source.read(part.name, part.first + first, count, FloatBuffer.wrap(rows, 0, count * columns));
                for (int i = 0; i < count; i++) {
                    int bad = scale(rows, i * columns, columns, factors);
                    if (bad >= 0) {
                        throw notFinite(
                                part.name, (long) (part.first + first + i) * columns + bad, rows[i * columns + bad]);
                    }
                    to.put((start + part.place(first + i)) * columns, rows, i * columns, columns);
                }
            });
            at += part.count;
        }
    }

    /** Multiplies a row by the factors of its columns; returns where it is not finite, or -1. */
    private static int scale(float[] rows, int at, int columns, float[] factors) {
        if (VECTORS && Floats.scale(rows, at, columns, factors)) {
            return -1;
        }
        for (int j = 0; j < columns; j++) {
            rows[at + j] *= VECTORS || factors == null ? 1 : factors[j];
            if (!Float.isFinite(rows[at + j])) {
                return j;
            }
        }
        return -1;
    }

    private synchronized void copy(NDArray all, int columns, float[] columnFactors, Rows... parts) {
        long at = 0;
        for (Rows part : parts) {
            int unit = Math.max(1, part.head); // whole heads
            int most = Math.max(1, STAGED / columns / unit) * unit;
            for (int from = 0; from < part.count; from += most) {
                int start = part.first + from;
                int count = Math.min(most, part.count - from);
                source.read(part.name, start, count, stage(count * columns));
                if (part.head > 0) {
                    halves(count / unit, unit, columns);
                }
                scale(part, i -> start + i, count, columns, columnFactors, all.getDataType());
                upload(all, at, count, columns);
                at += count;
            }
        }
    }

    /** Returns these rows of one tensor, in any order, some perhaps several times: [rows, columns]. */
    synchronized NDArray pick(NDManager manager, DataType type, int columns, Rows from, int... rows) {
        try (NDManager scope = manager.newSubManager()) {
            NDArray all = scope.create(new Shape(rows.length, columns), type);
            int most = Math.max(1, STAGED / columns);
            for (int first = 0; first < rows.length; first += most) {
                int start = first;
                int count = Math.min(most, rows.length - first);
                FloatBuffer some = stage(count * columns);
                for (int i = 0; i < count; i++) {
                    source.read(from.name, rows[first + i], 1, some);
                }
                scale(from, i -> rows[start + i], count, columns, null, type);
                upload(all, first, count, columns);
            }
            all.attach(manager);
            return all;
        }
    }

    private FloatBuffer stage(int size) {
        if (staging.capacity() < size) {
            bytes = ByteBuffer.allocateDirect(size * Float.BYTES).order(ByteOrder.nativeOrder());
            staging = bytes.asFloatBuffer();
        }
        return staging.clear().limit(size);
    }

    /** Moves the buffer's rows 2i + j of each head to j w/2 + i: from interleaved rotary pairs to halves. */
    private void halves(int heads, int width, int columns) {
        float[] head = new float[width * columns];
        for (int h = 0; h < heads; h++) {
            int at = h * width * columns;
            staging.get(at, head);
            for (int i = 0; i < width; i++) {
                int to = (i % 2) * (width / 2) + i / 2;
                staging.put(at + to * columns, head, i * columns, columns);
            }
        }
    }

    /**
     * Multiplies the buffer's rows by their factors. Throws if a number is not finite, or would not be in the stored
     * precision.
     *
     * @param point the tensor's row for each row of the buffer
     */
    private void scale(
            Rows part, IntUnaryOperator point, int count, int columns, float[] columnFactors, DataType type) {
        float most = type == DataType.FLOAT16 ? HALF : Float.MAX_VALUE;
        int bad = IntStream.range(0, count)
                .parallel()
                .map(i -> {
                    float[] row = new float[columns];
                    staging.get(i * columns, row);
                    int at = -1;
                    for (int j = 0; j < columns; j++) {
                        row[j] = (float) (row[j] * part.factor * (columnFactors == null ? 1 : columnFactors[j]));
                        at = Math.abs(row[j]) <= most ? at : i * columns + j;
                    }
                    staging.put(i * columns, row);
                    return at;
                })
                .filter(at -> at >= 0)
                .findFirst()
                .orElse(-1);
        if (bad >= 0) {
            throw notFinite(
                    part.name, (long) point.applyAsInt(bad / columns) * columns + bad % columns, staging.get(bad));
        }
    }

    IllegalArgumentException notFinite(String name, long element, float value) {
        return new IllegalArgumentException(source + ": tensor " + name + " holds " + value + " at element " + element
                + (Float.isFinite(value)
                        ? " when its norm's gain is multiplied in, and float16 ends at 65504: set " + Devices.PRECISION
                                + "=float32"
                        : "; weights must be finite. The file is damaged or was converted wrongly: fetch it again."));
    }

    /** Copies the buffer's rows into the rows from {@code first} on of a matrix in the engine's own memory. */
    private void upload(NDArray all, long first, int count, int columns) {
        try (NDManager scope = all.getManager().newSubManager()) {
            ByteBuffer some = bytes.slice(0, count * columns * Float.BYTES).order(ByteOrder.nativeOrder());
            NDArray rows = scope.create(some, new Shape(count, columns), DataType.FLOAT32)
                    .toType(all.getDataType(), false);
            all.set(new NDIndex().addSliceDim(first, first + count), rows);
        }
    }
}
