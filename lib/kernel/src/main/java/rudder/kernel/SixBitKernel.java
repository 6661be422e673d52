package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q6_K: 256 integers of 6 bits, less 32, in 16 sub-blocks with a signed byte of scale each. A block is two halves of
 * 128 values. A half has 64 bytes of nibbles and 32 bytes of upper pairs. Its quarter c takes pair c and the nibbles of
 * bytes 32 (c mod 2) and up: the low ones for c &lt; 2, else the high ones. The scales and d stand at the end.
 */
final class SixBitKernel extends RowKernel {

    private static final int SUB_BLOCKS = 16;
    private static final int PAIRS = 128;
    private static final int SCALES = 192;
    private static final int SCALE = 208;
    private static final int CENTRE = 32;

    SixBitKernel() {
        super(256, 210);
    }

    @Override
    float dot(byte[] w, int at, int n, float[] x, float[] sums) {
        FloatVector all = Lanes.zero();
        for (int b = 0, from = at; b < n / values; b++, from += bytes) {
            float d = Lanes.half(w, from + SCALE);
            for (int j = 0; j < SUB_BLOCKS; j++) {
                FloatVector sum = value(w, from, j, 0).mul(Lanes.at(x, b * values + 16 * j));
                for (int i = L; i < 16; i += L) {
                    sum = value(w, from, j, i).fma(Lanes.at(x, b * values + 16 * j + i), sum);
                }
                all = sum.fma(Lanes.all(d * w[from + SCALES + j]), all);
            }
        }
        return Lanes.sum(all);
    }

    @Override
    void unpack(byte[] w, int at, int n, float[] out) {
        for (int b = 0, from = at; b < n / values; b++, from += bytes) {
            float d = Lanes.half(w, from + SCALE);
            for (int j = 0; j < SUB_BLOCKS; j++) {
                FloatVector scale = Lanes.all(d * w[from + SCALES + j]);
                for (int i = 0; i < 16; i += L) {
                    value(w, from, j, i).mul(scale).intoArray(out, b * values + 16 * j + i);
                }
            }
        }
    }

    /** Returns L integers of sub-block j from its value i on. */
    private static FloatVector value(byte[] w, int block, int j, int i) {
        int half = j >> 3;
        int quarter = j >> 1 & 3;
        int in = 16 * (j & 1) + i;
        IntVector nibbles = Lanes.bytes(w, block + 64 * half + 32 * (quarter & 1) + in);
        IntVector pairs = Lanes.bytes(w, block + PAIRS + 32 * half + in);
        return Lanes.floats(Lanes.nibble(nibbles, quarter >> 1)
                .or(Lanes.pair(pairs, 2 * quarter))
                .sub(CENTRE));
    }
}
