package rudder.kernel;

import java.lang.invoke.MethodHandle;

/**
 * Blocks of 256 integers whose sub-blocks have scales, packed too. A row's scales are unpacked before its products, and
 * compiled by themselves: a product with both has too many nodes for the compiler.
 */
abstract class ScaledKernel extends RowKernel {

    static final int VALUES = 256;
    private static final MethodHandle UNPACK_SCALES = find(ScaledKernel.class, "unpackScales");

    private final MethodHandle scales = UNPACK_SCALES.bindTo(this);

    ScaledKernel(int bytes) {
        super(VALUES, bytes);
    }

    /** {@link #unpackScales}, compiled by itself. */
    final float scales(byte[] w, int at, int n, PackedInput x, Scratch scratch) {
        return alone(scales, w, at, n, x, scratch);
    }

    /**
     * Writes the scales of n packed values to the memory of the thread.
     *
     * @return what offsets add to the product with x; 0 without offsets
     */
    abstract float unpackScales(byte[] w, int at, int n, PackedInput x, Scratch scratch);
}
