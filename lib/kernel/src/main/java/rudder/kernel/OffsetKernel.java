package rudder.kernel;

/**
 * Blocks of 32 integers behind a half-precision scale d and, in some encodings, an offset m. A value is d q + m, or
 * without an offset d (q - centre).
 */
abstract class OffsetKernel extends RowKernel {

    /** Bytes before the integers: 2 with a scale alone, 4 with an offset. */
    final int header;
    /** What is taken from an integer to unpack it; 0 with an offset. */
    final int centre;

    OffsetKernel(int bytes, int header, int centre) {
        super(32, bytes);
        this.header = header;
        this.centre = header == 4 ? 0 : centre;
    }

    /** Returns what every value of the block at {@code at} adds to d q. */
    final float offset(byte[] w, int at) {
        return header == 4 ? Lanes.half(w, at + 2) : -centre * Lanes.half(w, at);
    }

    /** Returns what every value adds to d (q - centre): -0 without an offset, which changes no sign. */
    final float addend(byte[] w, int at) {
        return header == 4 ? Lanes.half(w, at + 2) : -0f;
    }
}
