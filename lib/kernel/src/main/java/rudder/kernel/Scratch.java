package rudder.kernel;

import java.nio.ByteBuffer;

/** A thread's memory for packed rows and their scales. */
final class Scratch {

    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    /** Scales before they become floats. */
    final byte[] bytes = new byte[2 * Long.BYTES];

    private byte[] rows = new byte[0];
    private float[] scales = new float[0];
    private float[][] tile = new float[Tile.ROWS][0];
    private float[] sums = new float[0];

    private Scratch() {}

    static Scratch ofThread() {
        return OF_THREAD.get();
    }

    /** Returns some bytes, copied to this thread's array. */
    byte[] copy(ByteBuffer from, int at, int size) {
        if (rows.length < size) {
            rows = new byte[size];
        }
        from.get(at, rows, 0, size);
        return rows;
    }

    /** Returns memory of at least this many floats. */
    float[] scales(int size) {
        if (scales.length < size) {
            scales = new float[size];
        }
        return scales;
    }

    /** Returns the rows of a {@link Tile}, each of at least this many floats. */
    float[][] tile(int size) {
        if (tile[0].length < size) {
            tile = new float[Tile.ROWS][size];
        }
        return tile;
    }

    /** Returns memory of at least this many floats, for a tile's products. */
    float[] sums(int size) {
        if (sums.length < size) {
            sums = new float[size];
        }
        return sums;
    }
}
