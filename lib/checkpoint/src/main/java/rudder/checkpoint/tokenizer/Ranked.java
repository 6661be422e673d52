package rudder.checkpoint.tokenizer;

/** A number and an id in one long, so that sorting primitives ranks ids: highest value first, then lowest id. */
public final class Ranked {
    private Ranked() {}

    public static long key(float value, int id) {
        int bits = Float.floatToIntBits(value + 0f); // -0 and 0 are equal
        int ascending = bits ^ (bits >> 31) & Integer.MAX_VALUE; // signed order of the bits = order of the values
        return (long) ~ascending << 32 | id;
    }

    public static int id(long key) {
        return (int) key;
    }
}
