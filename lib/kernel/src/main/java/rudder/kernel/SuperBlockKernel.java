package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q4_K and Q5_K: 256 integers in 8 sub-blocks of 32. A block begins with d, dmin, and 12 bytes that hold a scale and a
 * minimum of 6 bits for each sub-block; a value is {@code (d scale) q - dmin minimum}. Each 32 bytes of nibbles are two
 * sub-blocks, the low nibbles first.
 */
abstract class SuperBlockKernel extends RowKernel {

    static final int SUB_BLOCKS = 8;
    private static final int SCALES = 4; // bytes before them

    private SuperBlockKernel(int bytes) {
        super(256, bytes);
    }

    /** Returns the scale of sub-block j. The first four are whole; the others are in two parts. */
    static int scale(byte[] w, int block, int j) {
        int at = block + SCALES + j;
        return j < 4 ? w[at] & 63 : w[at + 4] & 15 | (w[at - 4] >> 6 & 3) << 4;
    }

    /** Returns the minimum of sub-block j. */
    static int minimum(byte[] w, int block, int j) {
        int at = block + SCALES + j;
        return j < 4 ? w[at + 4] & 63 : w[at + 4] >> 4 & 15 | (w[at] >> 6 & 3) << 4;
    }

    /** Integers of 4 bits. */
    static final class Q4 extends SuperBlockKernel {
        private static final int QUANTS = 16;

        Q4() {
            super(144);
        }

        @Override
        float dot(byte[] w, int at, int n, float[] x, float[] sums) {
            FloatVector all = Lanes.zero();
            float offsets = 0;
            for (int b = 0, from = at; b < n / values; b++, from += bytes) {
                float d = Lanes.half(w, from);
                float dmin = Lanes.half(w, from + 2);
                for (int j = 0; j < SUB_BLOCKS; j += 2) {
                    int to = b * values + 32 * j;
                    FloatVector low = Lanes.zero();
                    FloatVector high = Lanes.zero();
                    for (int i = 0; i < 32; i += L) {
                        IntVector q = Lanes.bytes(w, from + QUANTS + 16 * j + i);
                        low = Lanes.floats(Lanes.low(q)).fma(Lanes.at(x, to + i), low);
                        high = Lanes.floats(Lanes.high(q)).fma(Lanes.at(x, to + 32 + i), high);
                    }
                    all = low.fma(Lanes.all(d * scale(w, from, j)), all);
                    all = high.fma(Lanes.all(d * scale(w, from, j + 1)), all);
                    int s = SUB_BLOCKS * b + j;
                    offsets += dmin * (minimum(w, from, j) * sums[s] + minimum(w, from, j + 1) * sums[s + 1]);
                }
            }
            return Lanes.sum(all) - offsets;
        }

        @Override
        void unpack(byte[] w, int at, int n, float[] out) {
            for (int b = 0, from = at; b < n / values; b++, from += bytes) {
                float d = Lanes.half(w, from);
                float dmin = Lanes.half(w, from + 2);
                for (int j = 0; j < SUB_BLOCKS; j += 2) {
                    int to = b * values + 32 * j;
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

        Q5() {
            super(176);
        }

        @Override
        float dot(byte[] w, int at, int n, float[] x, float[] sums) {
            FloatVector all = Lanes.zero();
            float offsets = 0;
            for (int b = 0, from = at; b < n / values; b++, from += bytes) {
                float d = Lanes.half(w, from);
                float dmin = Lanes.half(w, from + 2);
                for (int j = 0; j < SUB_BLOCKS; j += 2) {
                    int to = b * values + 32 * j;
                    FloatVector low = Lanes.zero();
                    FloatVector high = Lanes.zero();
                    for (int i = 0; i < 32; i += L) {
                        IntVector q = Lanes.bytes(w, from + QUANTS + 16 * j + i);
                        IntVector bits = Lanes.bytes(w, from + FIFTH + i);
                        low = Lanes.floats(Lanes.low(q).or(Lanes.bit(bits, j, 4)))
                                .fma(Lanes.at(x, to + i), low);
                        high = Lanes.floats(Lanes.high(q).or(Lanes.bit(bits, j + 1, 4)))
                                .fma(Lanes.at(x, to + 32 + i), high);
                    }
                    all = low.fma(Lanes.all(d * scale(w, from, j)), all);
                    all = high.fma(Lanes.all(d * scale(w, from, j + 1)), all);
                    int s = SUB_BLOCKS * b + j;
                    offsets += dmin * (minimum(w, from, j) * sums[s] + minimum(w, from, j + 1) * sums[s + 1]);
                }
            }
            return Lanes.sum(all) - offsets;
        }

        @Override
        void unpack(byte[] w, int at, int n, float[] out) {
            for (int b = 0, from = at; b < n / values; b++, from += bytes) {
                float d = Lanes.half(w, from);
                float dmin = Lanes.half(w, from + 2);
                for (int j = 0; j < SUB_BLOCKS; j += 2) {
                    int to = b * values + 32 * j;
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
