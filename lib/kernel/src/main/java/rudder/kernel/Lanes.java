package rudder.kernel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The vectors of this machine, and the few loads and conversions that all kernels share. */
final class Lanes {

    /**
     * Floats of 256 bits, for which the kernels' blocks are laid out. Wider ones were measured in {@link Tile} alone.
     */
    static final VectorSpecies<Float> F = FloatVector.SPECIES_256;

    static final int L = 8;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Byte> B = VectorSpecies.of(byte.class, VectorShape.forBitSize(8 * L));
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(16 * L));
    private static final IntVector LANE = IntVector.zero(I).addIndex(1);

    private static final VectorSpecies<Byte> WIDE = VectorSpecies.of(byte.class, F.vectorShape());
    private static final VectorSpecies<Byte> PAIRS = VectorSpecies.of(byte.class, S.vectorShape());
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /**
     * The value of each half. A table was a third faster than arithmetic on JDK 17: signs are random, so a branch on
     * them is mispredicted, and the scales of a matrix are few numbers that stay in the cache.
     */
    private static final float[] HALVES = new float[1 << 16];

    static {
        for (int bits = 0; bits < 1 << 15; bits++) {
            int exponent = bits >> 10;
            float value = exponent == 0
                    ? bits * 0x1p-24f // zero and subnormals
                    : exponent == 31
                            ? bits == 0x7c00 ? Float.POSITIVE_INFINITY : Float.NaN
                            : Float.intBitsToFloat((bits << 13) + (127 - 15 << 23)); // the exponent with float32's bias
            HALVES[bits] = value;
            HALVES[bits | 0x8000] = -value;
        }
    }

    /** A float whose last bit is 1: what is added to it is rounded. */
    private static final float ROUND = 12582912; // 1.5 * 2^23

    private Lanes() {}

    /** Returns whether this processor has vectors of at least 256 bits. */
    static boolean areWide() {
        return FloatVector.SPECIES_PREFERRED.length() >= 8;
    }

    /** Returns L signed bytes as integers. */
    static IntVector bytes(byte[] in, int at) {
        return (IntVector) ByteVector.fromArray(B, in, at).convertShape(VectorOperators.B2I, I, 0);
    }

    /** Returns the low nibbles of bytes, 0..15. */
    static IntVector low(IntVector bytes) {
        return bytes.and(15);
    }

    /** Returns the high nibbles of bytes, 0..15. */
    static IntVector high(IntVector bytes) {
        return bytes.lanewise(VectorOperators.LSHR, 4).and(15);
    }

    /** Returns one nibble of each byte: the low one for 0, the high one for 1. */
    static IntVector nibble(IntVector bytes, int which) {
        return bytes.lanewise(VectorOperators.LSHR, 4 * which).and(15);
    }

    /** Returns 16 times bit {@code from + i} of an integer in lane i: the fifth bit of a 5-bit number. */
    static IntVector fifth(int bits, int from) {
        var own = IntVector.broadcast(I, bits).lanewise(VectorOperators.LSHR, LANE.add(from));
        return own.and(1).lanewise(VectorOperators.LSHL, 4);
    }

    /** Returns one bit of each byte, moved to another place. */
    static IntVector bit(IntVector bytes, int bit, int to) {
        return bytes.lanewise(VectorOperators.LSHR, bit).and(1).lanewise(VectorOperators.LSHL, to);
    }

    /** Returns two bits of each byte, from {@code first} on, as bits 4 and 5. */
    static IntVector pair(IntVector bytes, int first) {
        return bytes.lanewise(VectorOperators.LSHR, first).and(3).lanewise(VectorOperators.LSHL, 4);
    }

    /** Returns 32 bytes, four in a lane: byte k of lane l is byte 4 l + k. */
    static IntVector quads(byte[] in, int at) {
        return ByteVector.fromArray(WIDE, in, at).reinterpretAsInts();
    }

    /** Returns the low nibble of each of 32 bytes. */
    static IntVector lowOfQuads(IntVector quads) {
        return quads.and(0x0f0f0f0f);
    }

    /** Returns the high nibble of each of 32 bytes. */
    static IntVector highOfQuads(IntVector quads) {
        return lowOfQuads(quads.lanewise(VectorOperators.LSHR, 4));
    }

    /** Returns bit {@code bit} of each of 32 bytes, as bit 4. */
    static IntVector bitOfQuads(IntVector quads, int bit) {
        return quads.lanewise(VectorOperators.LSHR, bit).and(0x01010101).lanewise(VectorOperators.LSHL, 4);
    }

    /** Returns two bits of each of 32 bytes, from {@code first} on, as bits 4 and 5. */
    static IntVector pairOfQuads(IntVector quads, int first) {
        return quads.lanewise(VectorOperators.LSHR, first).and(0x03030303).lanewise(VectorOperators.LSHL, 4);
    }

    /** Returns the first byte of each lane, 0..255. */
    static IntVector byteOfQuads(IntVector quads) {
        return quads.and(255);
    }

    /** Returns each lane's bytes behind its first one. */
    static IntVector nextOfQuads(IntVector quads) {
        return quads.lanewise(VectorOperators.LSHR, 8);
    }

    /** Writes 8 bytes, the first one in the lowest bits. */
    static void put(long bytes, byte[] out, int at) {
        LONG.set(out, at, bytes);
    }

    /** Returns a 32-bit integer, little endian. */
    static int integer(byte[] in, int at) {
        return (int) INT.get(in, at);
    }

    /** Returns integers as floats. */
    static FloatVector floats(IntVector integers) {
        return (FloatVector) integers.convertShape(VectorOperators.I2F, F, 0);
    }

    /** Returns L floats of a vector. */
    static FloatVector at(float[] x, int i) {
        return FloatVector.fromArray(F, x, i);
    }

    static IntVector none() {
        return IntVector.zero(I);
    }

    static FloatVector zero() {
        return FloatVector.zero(F);
    }

    static FloatVector all(float value) {
        return FloatVector.broadcast(F, value);
    }

    /**
     * Returns the sum of all lanes, in one order. The library's own sum has another order in compiled code than in
     * interpreted code on some JDKs, and a row's product must not depend on who computed it.
     */
    static float sum(FloatVector x) {
        return x.lane(0) + x.lane(4) + (x.lane(1) + x.lane(5)) + (x.lane(2) + x.lane(6) + (x.lane(3) + x.lane(7)));
    }

    /**
     * Returns exp(x) to about 1e-7 of itself; x is raised to -87 and lowered to 88. In every lane and on every machine
     * the result is the same, which the library's own function does not promise.
     */
    static FloatVector exp(FloatVector x) {
        FloatVector within = x.max(-87).min(88);
        FloatVector shifted = within.fma(all(1.442695041f), all(ROUND));
        FloatVector k = shifted.sub(ROUND); // x / ln 2, rounded
        FloatVector r = k.fma(all(-0.693359375f), within); // ln 2 in two parts: k times the first is exact
        r = k.fma(all(2.12194440e-4f), r);
        FloatVector sum = all(1 / 5040f); // the Taylor series, which is exact to 1e-8 for |r| <= ln 2 / 2
        sum = r.fma(sum, all(1 / 720f));
        sum = r.fma(sum, all(1 / 120f));
        sum = r.fma(sum, all(1 / 24f));
        sum = r.fma(sum, all(1 / 6f));
        sum = r.fma(sum, all(0.5f));
        sum = r.fma(sum, all(1));
        sum = r.fma(sum, all(1));
        // the last bits of the shifted number are k, which is added to the exponent
        var exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        return sum.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }

    /** Returns L IEEE 754 halves, exact for all finite ones. Infinities and NaN become numbers. */
    static FloatVector halves(byte[] in, int at) {
        var bits = shorts(in, at);
        var size = bits.and(0x7fff).lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats();
        var sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
        return size.mul(0x1p112f).reinterpretAsInts().or(sign).reinterpretAsFloats();
    }

    /** Returns the bits of L IEEE 754 halves without their signs, which are in the order of the magnitudes. */
    static IntVector sizes(byte[] in, int at) {
        return shorts(in, at).and(0x7fff);
    }

    /** Returns L upper halves of floats. */
    static FloatVector upperHalves(byte[] in, int at) {
        return shorts(in, at).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    /** Returns the upper half of a float, as a float. */
    static float upperHalf(byte[] in, int at) {
        return Float.intBitsToFloat((short) SHORT.get(in, at) << 16);
    }

    /** Returns L floats, little endian. */
    static FloatVector floats(byte[] in, int at) {
        return ByteVector.fromArray(WIDE, in, at).reinterpretAsFloats();
    }

    private static IntVector shorts(byte[] in, int at) {
        return (IntVector)
                ByteVector.fromArray(PAIRS, in, at).reinterpretAsShorts().convertShape(VectorOperators.S2I, I, 0);
    }

    /** Returns an IEEE 754 half. */
    static float half(byte[] in, int at) {
        return HALVES[(short) SHORT.get(in, at) & 0xffff];
    }
}
