package rudder.checkpoint.tokenizer;

/**
 * Packs a value and an id into one long. Sorting these longs ranks ids by falling value; equal values, by rising id.
 */
public final class Ranked {
    private Ranked() {}

    /** Returns the key of an id with a value. */
    public static long key(float value, int id) {
        int bits = Float.floatToIntBits(value + 0f); // -0 and 0 are equal
        int ascending = bits ^ (bits >> 31) & Integer.MAX_VALUE; // signed order of the bits = order of the values
        return (long) ~ascending << 32 | id;
    }

    /** Returns the value in a key; 0 for -0. */
    public static float value(long key) {
        int ascending = ~(int) (key >> 32);
        return Float.intBitsToFloat(ascending ^ (ascending >> 31) & Integer.MAX_VALUE);
    }

    /** Returns the id in a key. */
    public static int id(long key) {
        return (int) key;
    }
}
