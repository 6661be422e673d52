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
import java.util.List;
import java.util.stream.IntStream;
import rudder.checkpoint.format.TensorSource;
import rudder.kernel.Floats;
import rudder.kernel.PackedMatrix;
import rudder.model.engine.Devices;

/**
 * Copies rows of a checkpoint's tensors to the engine's device, prepared and checked by all cores. On a CPU,
 * single-precision rows are written straight into the engine's memory. Otherwise some rows at a time are prepared in a
 * buffer, and copied on. Beside the finished matrix, only the buffer takes memory. A model has one, and threads take
 * turns.
 */
public final class Staging {

    /** Values in the buffer, 4 MiB: a part of a matrix, never a second copy of it. */
    public static final int STAGED = 1 << 20;

    /** The largest number of half precision. */
    private static final float HALF = 65504;

    /** Numbers that one core unpacks at a time: few enough for its cache. */
    private static final int CHUNK = 1 << 14;

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

        /** Returns these rows in parts that fit the buffer, each of whole heads. */
        private List<Rows> inBuffers(int columns) {
            int unit = Math.max(1, head);
            int most = Math.max(1, STAGED / columns / unit) * unit;
            return IntStream.range(0, (count + most - 1) / most)
                    .mapToObj(i -> range(i * most, most))
                    .toList();
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
            boolean directly = type == DataType.FLOAT32
                    && !manager.getDevice().isGpu()
                    && all.size() <= Integer.MAX_VALUE / Float.BYTES;
            if (directly) {
                write(all, columns, columnFactors, parts);
            } else {
                copy(all, columns, columnFactors, parts);
            }
            if (used == null) {
                all.attach(manager);
            }
            return all;
        }
    }

    private void write(NDArray all, int columns, float[] columnFactors, Rows... parts) {
        FloatBuffer to = all.toByteBuffer(true).order(ByteOrder.nativeOrder()).asFloatBuffer();
        int at = 0;
        for (Rows part : parts) {
            prepare(part, columns, part.factors(columnFactors, columns), Float.MAX_VALUE, to, at);
            at += part.count;
        }
    }

    private synchronized void copy(NDArray all, int columns, float[] columnFactors, Rows... parts) {
        long at = 0;
        for (Rows part : parts) {
            float[] factors = part.factors(columnFactors, columns);
            for (Rows some : part.inBuffers(columns)) {
                prepare(some, columns, factors, most(all.getDataType()), stage(some.count * columns), 0);
                upload(all, at, some.count, columns);
                at += some.count;
            }
        }
    }

    /**
     * Reads rows and keeps none.
     *
     * @throws IllegalArgumentException naming the tensor, if a number is not finite
     */
    synchronized void requireFinite(int columns, Rows rows) {
        for (Rows some : rows.inBuffers(columns)) {
            prepare(some, columns, null, Float.MAX_VALUE, stage(some.count * columns), 0);
        }
    }

    /** Returns these rows of one tensor, in any order, some perhaps several times: [rows, columns]. */
    synchronized NDArray pick(NDManager manager, DataType type, int columns, Rows from, int... rows) {
        try (NDManager scope = manager.newSubManager()) {
            NDArray all = scope.create(new Shape(rows.length, columns), type);
            int most = Math.max(1, STAGED / columns);
            for (int first = 0; first < rows.length; first += most) {
                int count = Math.min(most, rows.length - first);
                FloatBuffer some = stage(count * columns);
                for (int i = 0; i < count; i++) {
                    prepare(from.range(rows[first + i], 1), columns, null, most(type), some, i);
                }
                upload(all, first, count, columns);
            }
            all.attach(manager);
            return all;
        }
    }

    /** Returns the largest number of a stored precision. */
    private static float most(DataType type) {
        return type == DataType.FLOAT16 ? HALF : Float.MAX_VALUE;
    }

    /**
     * Reads rows, multiplies their columns by the factors and writes them to the buffer's rows from {@code at} on, some
     * thousand numbers at a time on each core. Throws if a number is larger than {@code most}, or NaN.
     */
    private void prepare(Rows part, int columns, float[] factors, float most, FloatBuffer to, int at) {
        int unit = Math.max(1, CHUNK / columns);
        int bad = IntStream.range(0, (part.count + unit - 1) / unit)
                .parallel()
                .map(c -> {
                    int first = c * unit;
                    int count = Math.min(unit, part.count - first);
                    float[] rows = new float[count * columns]; // not a thread's own: a wide row is read in parallel
                    source.read(part.name, part.first + first, count, FloatBuffer.wrap(rows));
                    int found = -1;
                    for (int i = count - 1; i >= 0; i--) {
                        int column = scale(rows, i * columns, columns, factors, most);
                        found = column < 0 ? found : (first + i) * columns + column;
                        to.put((at + part.place(first + i)) * columns, rows, i * columns, columns);
                    }
                    return found;
                })
                .filter(found -> found >= 0)
                .findFirst()
                .orElse(-1);
        if (bad >= 0) {
            float value = to.get((at + part.place(bad / columns)) * columns + bad % columns);
            throw notFinite(part.name, (long) part.first * columns + bad, value);
        }
    }

    /** Multiplies a row by the factors of its columns; returns the first column beyond {@code most}, or -1. */
    private static int scale(float[] rows, int at, int columns, float[] factors, float most) {
        if (VECTORS) {
            boolean finite = Floats.scale(rows, at, columns, factors);
            if (finite && most == Float.MAX_VALUE) {
                return -1;
            }
        } else if (factors != null) {
            for (int j = 0; j < columns; j++) {
                rows[at + j] *= factors[j];
            }
        }
        for (int j = 0; j < columns; j++) {
            if (!(Math.abs(rows[at + j]) <= most)) { // NaN too
                return j;
            }
        }
        return -1;
    }

    private FloatBuffer stage(int size) {
        if (staging.capacity() < size) {
            bytes = ByteBuffer.allocateDirect(size * Float.BYTES).order(ByteOrder.nativeOrder());
            staging = bytes.asFloatBuffer();
        }
        return staging.clear().limit(size);
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
