package rudder.checkpoint;

/**
 * The window and the rotary angles of a block's attention.
 *
 * @param base base of the rotary angles: coordinate pair i of a head has the frequency base^(-2i / head dimension)
 * @param scaling scaling of these frequencies
 * @param window number of latest tokens that a token sees, itself included; 0: all
 */
public record AttentionSpan(double base, RotaryScaling scaling, int window) {

    /** @throws IllegalArgumentException if the base is not a positive number, or the window is negative */
    public AttentionSpan {
        if (!(base > 0 && Double.isFinite(base)) || window < 0) {
            throw new IllegalArgumentException("attention with the rotary base " + base + " and a window of " + window
                    + " tokens: wanted a positive finite base and a window of at least 0");
        }
    }

    /** Returns whether the token at column {@code query} of the KV cache sees the token at column {@code key}. */
    public boolean sees(int query, int key) {
        return key <= query && (window == 0 || query - key < window);
    }

    /** Returns the angle of a coordinate pair at a position, in radians. */
    public double angle(int position, int pair, int headDimension) {
        return position * scaling.of(Math.pow(base, -2.0 * pair / headDimension), pair);
    }

    /** Returns the factor on queries and keys after their turn. */
    public double amplitude() {
        return scaling.amplitude();
    }
}
