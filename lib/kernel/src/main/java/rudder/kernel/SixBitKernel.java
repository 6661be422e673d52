package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q6_K: 256 integers of 6 bits, less 32, in 16 sub-blocks with a signed byte of scale each. A block is two halves of
 * 128 values. A half has 64 bytes of nibbles and 32 bytes of upper pairs. Its quarter c takes pair c and the nibbles of
 * bytes 32 (c mod 2) and up: the low ones for c &lt; 2, else the high ones. The scales and d stand at the end.
 */
final class SixBitKernel extends ScaledKernel {

    private static final int SUB_BLOCKS = 16;
    private static final int PAIRS = 128;
    private static final int SCALES = 192;
    private static final int SCALE = 208;
    private static final int CENTRE = 32;
    private static final int BYTES = 210;

    SixBitKernel() {
        super(BYTES);
    }

    @Override
    float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
        scales(w, at, n, input, scratch);
        float[] scales = scratch.scales(n / 4);
        float[] x = input.quads;
        float[] sums = input.quadSums;
        FloatVector left = Lanes.zero();
        FloatVector right = Lanes.zero();
        for (int from = at, j = 0; j < n; from += 32, j += 64) {
            int step = j >> 6 & 3; // two a half
            if (step == 0 && j > 0) {
                from += BYTES - PAIRS; // a block begins
            }
            int pair = 2 * (step & 1);
            IntVector pairs = Lanes.quads(w, from - 32 * step + PAIRS + 32 * (step >> 1));
            IntVector q = Lanes.quads(w, from);
            IntVector p = Lanes.lowOfQuads(q).or(Lanes.pairOfQuads(pairs, pair));
            q = Lanes.highOfQuads(q).or(Lanes.pairOfQuads(pairs, pair + 4));
            int low = (j & -128) + 16 * pair;
            int high = low + 64;
            FloatVector a = Lanes.at(sums, low >> 2).mul(-CENTRE);
            FloatVector b = Lanes.at(sums, high >> 2).mul(-CENTRE);
            for (int i = 0; i < 32; i += L) {
                a = Lanes.floats(Lanes.byteOfQuads(p)).fma(Lanes.at(x, low + i), a);
                b = Lanes.floats(Lanes.byteOfQuads(q)).fma(Lanes.at(x, high + i), b);
                p = Lanes.nextOfQuads(p);
                q = Lanes.nextOfQuads(q);
            }
            left = a.fma(Lanes.at(scales, low >> 2), left);
            right = b.fma(Lanes.at(scales, high >> 2), right);
        }
        return Lanes.sum(left.add(right));
    }

    /**
     * Writes the scale of every lane: of 32 bytes, the first four lanes belong to one sub-block, the last to another.
     */
    @Override
    float unpackScales(byte[] w, int at, int n, PackedInput x, Scratch scratch) {
        float[] scales = scratch.scales(n / 4);
        for (int from = at, k = 0; k < n / 4; from += BYTES) {
            float d = Lanes.half(w, from + SCALE);
            for (int i = SCALES; i < SCALE; i += 2, k += L) {
                long four = 0x01010101L;
                Lanes.put(four * (w[from + i] & 255) | four * (w[from + i + 1] & 255) << 32, scratch.bytes, 0);
                Lanes.floats(Lanes.bytes(scratch.bytes, 0)).mul(d).intoArray(scales, k);
            }
        }
        return 0;
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
