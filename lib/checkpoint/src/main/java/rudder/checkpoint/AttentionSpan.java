package rudder.checkpoint;

/**
 * How far and by which angles a block's attention looks back.
 *
 * @param base base of the rotary angles: coordinate pair i of a head has the frequency base^(-2i / head dimension)
 * @param scaling of the frequencies
 * @param window number of latest tokens that are seen, the token itself included; 0: all of them
 */
public record AttentionSpan(double base, RotaryScaling scaling, int window) {

    /**
     * Whether the token at {@code query} sees the one at {@code key} (columns of the cache, key no later than query).
     */
    public boolean sees(int query, int key) {
        return key <= query && (window == 0 || query - key < window);
    }

    /** Angle of coordinate pair {@code pair} at {@code position}, in radians. */
    public double angle(int position, int pair, int headDimension) {
        return position * scaling.of(Math.pow(base, -2.0 * pair / headDimension));
    }
}
