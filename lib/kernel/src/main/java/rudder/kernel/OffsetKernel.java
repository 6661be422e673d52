package rudder.kernel;

/**
 * Blocks of 32 integers behind a half-precision scale d and, in some encodings, an offset m. A value is d q + m, or
 * without an offset d (q - centre).
 *
 * <p>The product of each encoding is a loop of its own, with constants. One loop that reads them from fields was a
 * third slower.
 */
abstract class OffsetKernel extends RowKernel {

    /** Bytes before the integers if there is a scale alone. */
    static final int SCALE = 2;
    /** Bytes before the integers if there is an offset too. */
    static final int SCALE_AND_OFFSET = 4;

    final int header;
    /** What is taken from an integer to unpack it; 0 with an offset. */
    final int centre;

    OffsetKernel(int header, int integers, int centre) {
        super(32, header + integers);
        this.header = header;
        this.centre = header == SCALE ? centre : 0;
    }

    /** Returns what every value adds to d (q - centre): -0 without an offset, which changes no sign. */
    final float addend(byte[] w, int at) {
        return header == SCALE ? -0f : Lanes.half(w, at + 2);
    }
}
