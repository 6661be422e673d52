package rudder.kernel;

import java.nio.ByteBuffer;

/** A thread's memory for packed rows and their scales. */
final class Scratch {

    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    /** Scales before they become floats. */
    final byte[] bytes = new byte[2 * Long.BYTES];

    private byte[] rows = new byte[0];
    private float[] scales = new float[0];
    private float[][][] tiles = new float[0][][];
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

    /** Returns the rows of {@link Tile}s, so many or more, each of at least this many floats. */
    float[][][] tiles(int rows, int size) {
        int count = (rows + Tile.ROWS - 1) / Tile.ROWS;
        if (tiles.length < count || tiles[0][0].length < size) {
            int most = tiles.length == 0 ? size : Math.max(size, tiles[0][0].length);
            tiles = new float[Math.max(count, tiles.length)][Tile.ROWS][most];
        }
        return tiles;
    }

    /** Returns memory of at least this many floats, for a tile's products. */
    float[] sums(int size) {
        if (sums.length < size) {
            sums = new float[size];
        }
        return sums;
    }
}
