package rudder.kernel;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
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

    // The compiler does not look through handles that are no constants, so each kernel is compiled by itself. Two
    // kernels inlined into one caller exceed the nodes that it inlines, and then every vector is allocated: ten times
    // slower.
    private static final MethodHandle DOT = find(RowKernel.class, "dot");
    private static final MethodHandle UNPACK =
            find(RowKernel.class, "unpack", void.class, byte[].class, int.class, int.class, float[].class);

    private static final Map<Integer, RowKernel> OF_GGUF = Map.ofEntries(
            Map.entry(0, new PlainKernel.F32()),
            Map.entry(1, new PlainKernel.F16()),
            Map.entry(30, new PlainKernel.BF16()),
            Map.entry(2, new NibbleKernel.Centred()),
            Map.entry(3, new NibbleKernel.Offset()),
            Map.entry(6, new FiveBitKernel.Centred()),
            Map.entry(7, new FiveBitKernel.Offset()),
            Map.entry(8, new ByteKernel.Halves()),
            Map.entry(PackedMatrix.ROUNDED, new ByteKernel.Floating()),
            Map.entry(12, new SuperBlockKernel.Q4()),
            Map.entry(13, new SuperBlockKernel.Q5()),
            Map.entry(14, new SixBitKernel()));

    /** Values in a block. */
    final int values;
    /** Bytes of a block. */
    final int bytes;

    private final MethodHandle dot;
    private final MethodHandle unpack;

    RowKernel(int values, int bytes) {
        this.values = values;
        this.bytes = bytes;
        dot = DOT.bindTo(this);
        unpack = UNPACK.bindTo(this);
    }

    /** Returns the handle of a step of a product, for {@link #alone}. */
    static MethodHandle find(Class<? extends RowKernel> of, String step) {
        return find(of, step, float.class, byte[].class, int.class, int.class, PackedInput.class, Scratch.class);
    }

    private static MethodHandle find(Class<?> of, String name, Class<?> result, Class<?>... parameters) {
        try {
            return MethodHandles.lookup().findVirtual(of, name, MethodType.methodType(result, parameters));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    /** {@link #dot}, compiled by itself. */
    final float product(byte[] w, int at, int n, PackedInput x, Scratch scratch) {
        return alone(dot, w, at, n, x, scratch);
    }

    /** Calls a step of a product, whose handle is no constant. */
    static float alone(MethodHandle step, byte[] w, int at, int n, PackedInput x, Scratch scratch) {
        try {
            return (float) step.invokeExact(w, at, n, x, scratch);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    /** {@link #unpack}, compiled by itself. */
    final void unpacked(byte[] w, int at, int n, float[] out) {
        try {
            unpack.invokeExact(w, at, n, out);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    /** Returns the kernel of an encoding, by its number in GGUF files or ours; empty if there is none. */
    static Optional<RowKernel> ofGguf(int type) {
        return Optional.ofNullable(OF_GGUF.get(type));
    }

    /** Returns the product of n packed values, whole blocks from byte {@code at} on, with x. */
    abstract float dot(byte[] w, int at, int n, PackedInput x, Scratch scratch);

    /** Writes n packed values, whole blocks from byte {@code at} on, to the start of {@code out}. */
    abstract void unpack(byte[] w, int at, int n, float[] out);
}
