package rudder.kernel;

import java.util.Map;
import java.util.Optional;

/**
 * The product of a packed row with a vector, and the row unpacked, for one encoding.
 *
 * <p>A quantised block holds small integers q, a scale d and perhaps an offset m; a value is d q + m. So a block adds
 * {@code d (q.x) + m (1.x)} to the product. The sums 1.x over 32 coordinates belong to x alone: they are computed once
 * for all rows. Integers become floats in registers.
 *
 * <p>The layouts are those of GGUF (llama.cpp's {@code ggml-common.h}). The checkpoint module unpacks them without
 * vectors; it is the oracle of these kernels, bit for bit.
 */
abstract class RowKernel {

    /** Coordinates of x for each entry of {@code sums}. */
    static final int SUMMED = 32;

    private static final Map<Integer, RowKernel> OF_GGUF = Map.ofEntries(
            Map.entry(0, new PlainKernel.F32()),
            Map.entry(1, new PlainKernel.F16()),
            Map.entry(30, new PlainKernel.BF16()),
            Map.entry(2, new NibbleKernel(18, 2)),
            Map.entry(3, new NibbleKernel(20, 4)),
            Map.entry(6, new FiveBitKernel(22, 2)),
            Map.entry(7, new FiveBitKernel(24, 4)),
            Map.entry(8, new ByteKernel()),
            Map.entry(12, new SuperBlockKernel.Q4()),
            Map.entry(13, new SuperBlockKernel.Q5()),
            Map.entry(14, new SixBitKernel()));

    /** Values in a block. */
    final int values;
    /** Bytes of a block. */
    final int bytes;

    RowKernel(int values, int bytes) {
        this.values = values;
        this.bytes = bytes;
    }

    /** Returns the kernel of an encoding, by its number in GGUF files; empty if there is none. */
    static Optional<RowKernel> ofGguf(int type) {
        return Optional.ofNullable(OF_GGUF.get(type));
    }

    /**
     * Returns the product of n packed values, whole blocks from byte {@code at} on, with x.
     *
     * @param sums of x over {@value #SUMMED} coordinates each
     */
    abstract float dot(byte[] w, int at, int n, float[] x, float[] sums);

    /** Writes n packed values, whole blocks from byte {@code at} on, to the start of {@code out}. */
    abstract void unpack(byte[] w, int at, int n, float[] out);
}
