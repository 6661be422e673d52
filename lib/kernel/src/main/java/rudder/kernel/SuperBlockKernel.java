package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q4_K and Q5_K: 256 integers in 8 sub-blocks of 32. A block begins with d, dmin, and 12 bytes that hold a scale and a
 * minimum of 6 bits for each sub-block; a value is {@code (d scale) q - dmin minimum}. Each 32 bytes of nibbles are two
 * sub-blocks, the low nibbles first.
 */
abstract class SuperBlockKernel extends ScaledKernel {

    private static final int SUB_BLOCKS = 8;
    private static final int SCALES = 4; // bytes before them

    private SuperBlockKernel(int bytes) {
        super(bytes);
    }

    /** Returns the scale of sub-block j. The first four are whole; the others are in two parts. */
    private static int scale(byte[] w, int block, int j) {
        int at = block + SCALES + j;
        return j < 4 ? w[at] & 63 : w[at + 4] & 15 | (w[at - 4] >> 6 & 3) << 4;
    }

    /** Returns the minimum of sub-block j. */
    private static int minimum(byte[] w, int block, int j) {
        int at = block + SCALES + j;
        return j < 4 ? w[at + 4] & 63 : w[at + 4] >> 4 & 15 | (w[at] >> 6 & 3) << 4;
    }

    /**
     * Writes {@code d scale} of every sub-block, and returns the sum of all {@code -dmin minimum} times those of x. The
     * 12 bytes are three integers whose bytes are taken apart at once.
     */
    @Override
    final float unpackScales(byte[] w, int at, int n, PackedInput x, Scratch scratch) {
        float[] sums = x.sums;
        float[] scales = scratch.scales(n / SUMMED);
        byte[] eight = scratch.bytes;
        FloatVector offsets = Lanes.zero();
        for (int from = at, k = 0; k < n / SUMMED; from += bytes, k += SUB_BLOCKS) {
            int first = Lanes.integer(w, from + SCALES);
            int second = Lanes.integer(w, from + SCALES + 4);
            int third = Lanes.integer(w, from + SCALES + 8);
            Lanes.put(sixes(first, third), eight, 0);
            Lanes.put(sixes(second, third >>> 4), eight, SUB_BLOCKS);
            Lanes.floats(Lanes.bytes(eight, 0)).mul(Lanes.half(w, from)).intoArray(scales, k);
            offsets = Lanes.floats(Lanes.bytes(eight, SUB_BLOCKS))
                    .mul(-Lanes.half(w, from + 2))
                    .fma(Lanes.at(sums, k), offsets);
        }
        return Lanes.sum(offsets);
    }

    /** Returns eight numbers of 6 bits as bytes: four whole ones, and four whose upper bits stand above those. */
    private static long sixes(int whole, int lower) {
        int upper = (whole >>> 6 & 0x03030303) << 4 | lower & 0x0f0f0f0f;
        return whole & 0x3f3f3f3f | (long) upper << 32;
    }

    /** Integers of 4 bits. */
    static final class Q4 extends SuperBlockKernel {
        private static final int QUANTS = 16;
        private static final int BYTES = 144;

        Q4() {
            super(BYTES);
        }

        @Override
        float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
            float offsets = scales(w, at, n, input, scratch);
            float[] scales = scratch.scales(n / SUMMED);
            float[] x = input.quads;
            FloatVector low = Lanes.zero();
            FloatVector high = Lanes.zero();
            for (int from = at, j = 0, k = 0; j < n; from += 32, j += 64, k += 2) {
                if (j % VALUES == 0) {
                    from += QUANTS; // a block begins
                }
                IntVector q = Lanes.quads(w, from);
                FloatVector a = Lanes.zero();
                FloatVector b = Lanes.zero();
                for (int i = 0; i < 32; i += L) {
                    a = Lanes.floats(Lanes.low(q)).fma(Lanes.at(x, j + i), a);
                    b = Lanes.floats(Lanes.high(q)).fma(Lanes.at(x, j + 32 + i), b);
                    q = Lanes.nextOfQuads(q);
                }
                low = a.fma(Lanes.all(scales[k]), low);
                high = b.fma(Lanes.all(scales[k + 1]), high);
            }
            return Lanes.sum(low.add(high)) + offsets;
        }

        @Override
        void unpack(byte[] w, int at, int n, float[] out) {
            for (int b = 0, from = at; b < n / VALUES; b++, from += bytes) {
                float d = Lanes.half(w, from);
                float dmin = Lanes.half(w, from + 2);
                for (int j = 0; j < SUB_BLOCKS; j += 2) {
                    int to = b * VALUES + 32 * j;
                    FloatVector lowScale = Lanes.all(d * scale(w, from, j));
                    FloatVector lowMin = Lanes.all(dmin * minimum(w, from, j));
                    FloatVector highScale = Lanes.all(d * scale(w, from, j + 1));
                    FloatVector highMin = Lanes.all(dmin * minimum(w, from, j + 1));
                    for (int i = 0; i < 32; i += L) {
                        IntVector q = Lanes.bytes(w, from + QUANTS + 16 * j + i);
                        Lanes.floats(Lanes.low(q)).mul(lowScale).sub(lowMin).intoArray(out, to + i);
                        Lanes.floats(Lanes.high(q)).mul(highScale).sub(highMin).intoArray(out, to + 32 + i);
                    }
                }
            }
        }
    }

    /** Integers of 5 bits: 32 bytes of fifth bits before the nibbles. Bit j of byte i belongs to sub-block j. */
    static final class Q5 extends SuperBlockKernel {
        private static final int FIFTH = 16;
        private static final int QUANTS = 48;
        private static final int BYTES = 176;

        Q5() {
            super(BYTES);
        }

        @Override
        float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
            float offsets = scales(w, at, n, input, scratch);
            float[] scales = scratch.scales(n / SUMMED);
            float[] x = input.quads;
            FloatVector low = Lanes.zero();
            FloatVector high = Lanes.zero();
            for (int from = at, j = 0, k = 0; j < n; from += 32, j += 64, k += 2) {
                if (j % VALUES == 0) {
                    from += QUANTS; // a block begins
                }
                IntVector q = Lanes.quads(w, from);
                int bit = k & 7;
                IntVector bits = Lanes.quads(w, from - 32 - 16 * bit);
                IntVector p = Lanes.lowOfQuads(q).or(Lanes.bitOfQuads(bits, bit));
                q = Lanes.highOfQuads(q).or(Lanes.bitOfQuads(bits, bit + 1));
                FloatVector a = Lanes.zero();
                FloatVector b = Lanes.zero();
                for (int i = 0; i < 32; i += L) {
                    a = Lanes.floats(Lanes.byteOfQuads(p)).fma(Lanes.at(x, j + i), a);
                    b = Lanes.floats(Lanes.byteOfQuads(q)).fma(Lanes.at(x, j + 32 + i), b);
                    p = Lanes.nextOfQuads(p);
                    q = Lanes.nextOfQuads(q);
                }
                low = a.fma(Lanes.all(scales[k]), low);
                high = b.fma(Lanes.all(scales[k + 1]), high);
            }
            return Lanes.sum(low.add(high)) + offsets;
        }

        @Override
        void unpack(byte[] w, int at, int n, float[] out) {
            for (int b = 0, from = at; b < n / VALUES; b++, from += bytes) {
                float d = Lanes.half(w, from);
                float dmin = Lanes.half(w, from + 2);
                for (int j = 0; j < SUB_BLOCKS; j += 2) {
                    int to = b * VALUES + 32 * j;
                    FloatVector lowScale = Lanes.all(d * scale(w, from, j));
                    FloatVector lowMin = Lanes.all(dmin * minimum(w, from, j));
                    FloatVector highScale = Lanes.all(d * scale(w, from, j + 1));
                    FloatVector highMin = Lanes.all(dmin * minimum(w, from, j + 1));
                    for (int i = 0; i < 32; i += L) {
                        IntVector q = Lanes.bytes(w, from + QUANTS + 16 * j + i);
                        IntVector bits = Lanes.bytes(w, from + FIFTH + i);
                        Lanes.floats(Lanes.low(q).or(Lanes.bit(bits, j, 4)))
                                .mul(lowScale)
                                .sub(lowMin)
                                .intoArray(out, to + i);
                        Lanes.floats(Lanes.high(q).or(Lanes.bit(bits, j + 1, 4)))
                                .mul(highScale)
                                .sub(highMin)
                                .intoArray(out, to + 32 + i);
                    }
                }
            }
        }
    }
}
