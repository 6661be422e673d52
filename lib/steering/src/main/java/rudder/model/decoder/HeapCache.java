package rudder.model.decoder;

import java.util.Arrays;

/** Keys and values of one text's tokens: for each block, the tokens of each key head side by side, [kv][t][w]. */
final class HeapCache {

    private static final int GROWTH = 64; // tokens

    private final int heads;
    private final int width;
    private final int room; // floats of a head that its first token makes memory for
    final float[][][] keys; // [block][head][t w]
    final float[][][] values;
    private int length;

    /** @param room tokens that the first one makes memory for; more are read, too, but copied again and again */
    HeapCache(int blocks, int heads, int width, int room) {
        this.heads = heads;
        this.width = width;
        this.room = room * width;
        keys = new float[blocks][heads][0];
        values = new float[blocks][heads][0];
    }

    /** Returns a cache with the same tokens. */
    HeapCache copy(int room) {
        var copy = new HeapCache(keys.length, heads, width, room);
        int size = Math.max(room, length) * width;
        for (int k = 0; k < keys.length; k++) {
            for (int h = 0; h < heads; h++) {
                copy.keys[k][h] = Arrays.copyOf(keys[k][h], size);
                copy.values[k][h] = Arrays.copyOf(values[k][h], size);
            }
        }
        copy.length = length;
        return copy;
    }

    /** Returns a cache with the same tokens, in the same memory: this one must not be used any more. */
    HeapCache moved(int room) {
        var moved = new HeapCache(keys.length, heads, width, room);
        System.arraycopy(keys, 0, moved.keys, 0, keys.length);
        System.arraycopy(values, 0, moved.values, 0, values.length);
        moved.length = length;
        return moved;
    }

    /** Returns keys or values of the first tokens: for each block those of all heads, [kv t w]. */
    float[][] first(float[][][] all, int tokens) {
        int size = tokens * width;
        var first = new float[all.length][heads * size];
        for (int k = 0; k < all.length; k++) {
            for (int h = 0; h < heads; h++) {
                System.arraycopy(all[k][h], 0, first[k], h * size, size);
            }
        }
        return first;
    }

    /** Returns the number of tokens that all blocks hold. */
    int length() {
        return length;
    }

    /** Counts a token that all blocks have stored. */
    void advance() {
        length++;
    }

    /** Stores a token's keys and values of a block, [kv w] from two places of an array. */
    void store(int block, int position, float[] from, int key, int value) {
        for (int h = 0; h < heads; h++) {
            keys[block][h] = stored(keys[block][h], position, from, key + h * width);
            values[block][h] = stored(values[block][h], position, from, value + h * width);
        }
    }

    private float[] stored(float[] all, int position, float[] from, int at) {
        int end = (position + 1) * width;
        float[] enough = all.length < end ? Arrays.copyOf(all, grown(end, all.length)) : all;
        System.arraycopy(from, at, enough, position * width, width);
        return enough;
    }

    private int grown(int end, int size) {
        return end <= room ? room : Math.max(end + GROWTH * width, 2 * size);
    }
}
