package rudder.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * A matrix W [rows, columns] whose rows stay packed, and its product with vectors. Rows are shared out over the
 * machine's cores; every row's product is the same whoever computes it.
 *
 * <p>The bytes may be a mapped file. They are read in pieces that fit a core's cache, so nothing is copied as a whole.
 * Immutable and thread-safe.
 */
public final class PackedMatrix {

    /**
     * The number of an encoding that no GGUF file has: blocks of 32 values, a scale as a little-endian float and 32
     * signed bytes; a value is their product.
     */
    public static final int ROUNDED = -1;

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
     * @param type the encoding's number in GGUF files, or {@link #ROUNDED}
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

    /** Returns a matrix of the first {@code columns} numbers of rows that are {@code stride} apart; they are copied. */
    public static PackedMatrix of(float[] values, int rows, int columns, int stride) {
        var bytes = ByteBuffer.allocate(Float.BYTES * rows * columns).order(ByteOrder.LITTLE_ENDIAN);
        var floats = bytes.asFloatBuffer();
        for (int row = 0; row < rows; row++) {
            floats.put(values, row * stride, columns);
        }
        return of(0, bytes, rows, columns).orElseThrow();
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

    /** Writes W x, [rows, width of x], to {@code y[at ..]}, with all cores. */
    public void times(PackedInput x, float[] y, int at) {
        require(x);
        Cores.share(rows, unit(x), x.width(), (first, end, out, base) -> times(x, first, end, out, base), y, at);
    }

    /**
     * Writes the rows {@code first..end-1} of W x to {@code y[at + first width ..]}, on this thread. Several matrices'
     * rows can so be one task of {@link Cores}.
     */
    public void times(PackedInput x, int first, int end, float[] y, int at) {
        var scratch = Scratch.ofThread();
        int most = unit(x);
        for (int row = first, count; row < end; row += count) {
            count = Math.min(end - row, most);
            byte[] some = scratch.copy(bytes, row * rowBytes, count * rowBytes);
            if (x.isWide()) {
                wide(some, count, x, y, at + row * x.width(), scratch);
            } else if (x.each == null) {
                many(some, count, x, y, at + row * x.width(), scratch);
            } else {
                few(some, count, x, y, at + row * x.width(), scratch);
            }
        }
    }

    private void few(byte[] some, int count, PackedInput x, float[] y, int at, Scratch scratch) {
        for (int i = 0, to = at; i < count; i++) {
            for (PackedInput column : x.each) {
                y[to++] = kernel.product(some, i * rowBytes, columns, column, scratch);
            }
        }
    }

    /** Unpacks some rows at a time, and some coordinates of them, and multiplies all columns of x by these. */
    private void many(byte[] some, int count, PackedInput x, float[] y, int at, Scratch scratch) {
        float[][] tile = scratch.tiles(Tile.ROWS, Math.min(columns, Tile.DEPTH))[0];
        int width = x.width();
        for (int from = 0, n; from < columns; from += n) {
            n = Math.min(Tile.DEPTH, columns - from);
            for (int i = 0; i < count; i += Tile.ROWS) {
                int own = Math.min(Tile.ROWS, count - i);
                for (int r = 0; r < own; r++) {
                    kernel.unpacked(some, (i + r) * rowBytes + from / kernel.values * kernel.bytes, n, tile[r]);
                }
                int to = at + i * width;
                if (from == 0 && own == Tile.ROWS) {
                    Tile.product(tile, n, x.values, 0, width, y, to);
                } else {
                    float[] part = scratch.sums(Tile.ROWS * width); // rows behind the last are dropped
                    Tile.product(tile, n, x.values, from, width, part, 0);
                    if (from == 0) {
                        System.arraycopy(part, 0, y, to, own * width);
                    } else {
                        Floats.add(1, part, 0, y, to, own * width);
                    }
                }
            }
        }
    }

    /**
     * Unpacks all rows, and multiplies a panel of columns by them before the next: what is used again is the panel,
     * which lies in one piece and stays in a core's cache.
     */
    private void wide(byte[] some, int count, PackedInput x, float[] y, int at, Scratch scratch) {
        int width = x.width();
        float[][][] tiles = scratch.tiles(count, Math.min(columns, Tile.DEPTH));
        float[] part = scratch.sums(Tile.ROWS * Tile.PANEL); // rows behind the last are dropped
        for (int from = 0, n; from < columns; from += n) {
            n = Math.min(Tile.DEPTH, columns - from);
            for (int r = 0; r < count; r++) {
                int in = r * rowBytes + from / kernel.values * kernel.bytes;
                kernel.unpacked(some, in, n, tiles[r / Tile.ROWS][r % Tile.ROWS]);
            }
            for (int c = 0, own; c < width; c += own) {
                own = Math.min(Tile.PANEL, width - c);
                int first = c * columns / own + from; // rows of the panel's width before the first
                for (int r = 0; r < count; r++) {
                    if (r % Tile.ROWS == 0) {
                        Tile.product(tiles[r / Tile.ROWS], n, x.panels, first, own, part, 0);
                    }
                    int to = at + r * width + c;
                    if (from == 0) {
                        System.arraycopy(part, r % Tile.ROWS * own, y, to, own);
                    } else {
                        Floats.add(1, part, r % Tile.ROWS * own, y, to, own);
                    }
                }
            }
        }
    }

    /** Writes row {@code row}, unpacked, to the start of {@code out}. */
    public void row(int row, float[] out) {
        kernel.unpacked(Scratch.ofThread().copy(bytes, row * rowBytes, rowBytes), 0, columns, out);
    }

    /**
     * Returns how many rows a core should take at a time, and reads before it multiplies: whole tiles, or what fits its
     * cache.
     */
    public int unit(PackedInput x) {
        return x.each == null ? x.unit() : Math.max(1, PIECE / rowBytes);
    }

    private void require(PackedInput x) {
        if (x.size() != columns) {
            throw new IllegalArgumentException(
                    "a vector of " + x.size() + " numbers, wanted " + columns + ", the matrix's columns");
        }
    }

    @Override
    public String toString() {
        return "PackedMatrix[" + rows + " x " + columns + ", " + 8.0 * rowBytes / columns + " bits a weight]";
    }
}
