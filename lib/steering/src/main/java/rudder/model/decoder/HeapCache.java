package rudder.model.decoder;

import java.util.Arrays;

/** Keys and values of one text's tokens: for each block, the tokens of each key head side by side, [kv][t][w]. */
final class HeapCache {

    private static final int GROWTH = 64; // tokens

    private final int heads;
    private final int width;
    final float[][][] keys; // [block][head][t w]
    final float[][][] values;
    private int length;

    HeapCache(int blocks, int heads, int width) {
        this.heads = heads;
        this.width = width;
        keys = new float[blocks][heads][0];
        values = new float[blocks][heads][0];
    }

    /** Returns the number of tokens that all blocks hold. */
    int length() {
        return length;
    }

    /** Counts a token that all blocks have stored. */
    void advance() {
        length++;
    }

    /** Takes over the keys and values of the first tokens of a block, [kv, t, w]. */
    void fill(int block, int tokens, float[] someKeys, float[] someValues) {
        int size = tokens * width;
        for (int h = 0; h < heads; h++) {
            keys[block][h] =
                    Arrays.copyOf(Arrays.copyOfRange(someKeys, h * size, (h + 1) * size), size + GROWTH * width);
            values[block][h] =
                    Arrays.copyOf(Arrays.copyOfRange(someValues, h * size, (h + 1) * size), size + GROWTH * width);
        }
        length = tokens;
    }

    /** Stores the next token's keys and values of a block, [kv w] from two places of an array. */
    void store(int block, float[] from, int key, int value) {
        for (int h = 0; h < heads; h++) {
            keys[block][h] = stored(keys[block][h], from, key + h * width);
            values[block][h] = stored(values[block][h], from, value + h * width);
        }
    }

    private float[] stored(float[] all, float[] from, int at) {
        int end = (length + 1) * width;
        float[] room = all.length < end ? Arrays.copyOf(all, Math.max(end + GROWTH * width, 2 * all.length)) : all;
        System.arraycopy(from, at, room, length * width, width);
        return room;
    }
}
