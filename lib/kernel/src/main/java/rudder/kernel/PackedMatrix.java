package rudder.kernel;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A matrix W [rows, columns] whose rows stay packed, and its product with a vector. Rows are shared out over the
 * machine's cores; every row's product is the same whoever computes it.
 *
 * <p>The bytes may be a mapped file. They are read in pieces that fit a core's cache, so nothing is copied as a whole.
 * Immutable and thread-safe.
 */
public final class PackedMatrix {

    /** Bytes that one core reads before it multiplies them. */
    private static final int PIECE = 1 << 15;

    private final RowKernel kernel;
    private final ByteBuffer bytes;
    private final int rows;
    private final int columns;
    private final int rowBytes;

    private PackedMatrix(RowKernel kernel, ByteBuffer bytes, int rows, int columns) {
        this.kernel = kernel;
        this.bytes = bytes;
        this.rows = rows;
        this.columns = columns;
        rowBytes = columns / kernel.values * kernel.bytes;
    }

    /**
     * Returns whether this JVM can multiply packed rows: it was started with {@code --add-modules
     * jdk.incubator.vector}, and its processor has vectors of at least 256 bits.
     */
    public static boolean available() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() && Lanes.areWide();
    }

    /**
     * Returns a matrix; empty if no kernel reads this encoding, or its rows are not whole blocks.
     *
     * @param type the encoding's number in GGUF files
     * @param bytes the rows, one behind the other, from position 0 on; they must not change
     * @throws IllegalArgumentException if there are too few bytes
     */
    public static Optional<PackedMatrix> of(int type, ByteBuffer bytes, int rows, int columns) {
        return RowKernel.ofGguf(type)
                .filter(kernel -> columns % kernel.values == 0)
                .map(kernel -> {
                    long wanted = (long) rows * columns / kernel.values * kernel.bytes;
                    if (bytes.limit() < wanted) {
                        throw new IllegalArgumentException("a packed matrix of " + rows + " x " + columns + " has "
                                + bytes.limit() + " bytes, wanted " + wanted);
                    }
                    return new PackedMatrix(kernel, bytes, rows, columns);
                });
    }

    public int rows() {
        return rows;
    }

    public int columns() {
        return columns;
    }

    /** Returns the bytes that the rows take. */
    public long bytes() {
        return (long) rows * rowBytes;
    }

    /** Writes W x to {@code y[at .. at + rows)}, with all cores. */
    public void times(PackedInput x, float[] y, int at) {
        require(x);
        Cores.share(rows, unit(), 1, (first, end, out, base) -> times(x, first, end, out, base), y, at);
    }

    /**
     * Writes the rows {@code first..end-1} of W x to {@code y[at + first ..]}, on this thread. Several matrices' rows
     * can so be one task of {@link Cores}.
     */
    public void times(PackedInput x, int first, int end, float[] y, int at) {
        var scratch = Scratch.ofThread();
        for (int row = first, count; row < end; row += count) {
            count = Math.min(end - row, unit());
            byte[] some = scratch.copy(bytes, row * rowBytes, count * rowBytes);
            for (int i = 0; i < count; i++) {
                y[at + row + i] = kernel.product(some, i * rowBytes, columns, x, scratch);
            }
        }
    }

    /** Writes row {@code row}, unpacked, to the start of {@code out}. */
    public void row(int row, float[] out) {
        kernel.unpacked(Scratch.ofThread().copy(bytes, row * rowBytes, rowBytes), 0, columns, out);
    }

    /** Returns how many rows a core should take at a time. */
    int unit() {
        return Math.max(1, PIECE / rowBytes);
    }

    private void require(PackedInput x) {
        if (x.values.length != columns) {
            throw new IllegalArgumentException(
                    "a vector of " + x.values.length + " numbers, wanted " + columns + ", the matrix's columns");
        }
    }

    @Override
    public String toString() {
        return "PackedMatrix[" + rows + " x " + columns + ", " + 8.0 * rowBytes / columns + " bits a weight]";
    }
}
