package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** 32 integers of 5 bits: 4 bytes of fifth bits, bit i for value i, and nibbles as in {@link NibbleKernel}. */
abstract class FiveBitKernel extends OffsetKernel {

    private static final int FIFTH = 4; // bytes
    private static final int INTEGERS = FIFTH + 16; // bytes
    private static final int CENTRE = 16;

    private FiveBitKernel(int header) {
        super(header, INTEGERS, CENTRE);
    }

    /** Q5_0: a scale. */
    static final class Centred extends FiveBitKernel {
        Centred() {
            super(SCALE);
        }

        @Override
        float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
            float[] x = input.values;
            float[] sums = input.sums;
            FloatVector all = Lanes.zero();
            float offsets = 0;
            for (int b = 0, from = at, j = 0; j < n; b++, from += SCALE + INTEGERS, j += 32) {
                float d = Lanes.half(w, from);
                all = block(w, from + SCALE, x, j).fma(Lanes.all(d), all);
                offsets += -CENTRE * d * sums[b];
            }
            return Lanes.sum(all) + offsets;
        }
    }

    /** Q5_1: a scale and an offset. */
    static final class Offset extends FiveBitKernel {
        Offset() {
            super(SCALE_AND_OFFSET);
        }

        @Override
        float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
            float[] x = input.values;
            float[] sums = input.sums;
            FloatVector all = Lanes.zero();
            float offsets = 0;
            for (int b = 0, from = at, j = 0; j < n; b++, from += SCALE_AND_OFFSET + INTEGERS, j += 32) {
                float d = Lanes.half(w, from);
                all = block(w, from + SCALE_AND_OFFSET, x, j).fma(Lanes.all(d), all);
                offsets += Lanes.half(w, from + 2) * sums[b];
            }
            return Lanes.sum(all) + offsets;
        }
    }

    /** Returns q.x of one block, in L parts; {@code at} is where its fifth bits are. */
    private static FloatVector block(byte[] w, int at, float[] x, int j) {
        FloatVector low = Lanes.zero();
        FloatVector high = Lanes.zero();
        int fifth = Lanes.integer(w, at);
        for (int i = 0; i < 16; i += L) {
            IntVector q = Lanes.bytes(w, at + FIFTH + i);
            low = Lanes.floats(Lanes.low(q).or(Lanes.fifth(fifth, i))).fma(Lanes.at(x, j + i), low);
            high = Lanes.floats(Lanes.high(q).or(Lanes.fifth(fifth, 16 + i))).fma(Lanes.at(x, j + 16 + i), high);
        }
        return low.add(high);
    }

    @Override
    void unpack(byte[] w, int at, int n, float[] out) {
        for (int from = at, j = 0; j < n; from += bytes, j += 32) {
            FloatVector d = Lanes.all(Lanes.half(w, from));
            FloatVector m = Lanes.all(addend(w, from));
            int fifth = Lanes.integer(w, from + header);
            for (int i = 0; i < 16; i += L) {
                IntVector q = Lanes.bytes(w, from + header + FIFTH + i);
                Lanes.floats(Lanes.low(q).or(Lanes.fifth(fifth, i)).sub(centre))
                        .mul(d)
                        .add(m)
                        .intoArray(out, j + i);
                Lanes.floats(Lanes.high(q).or(Lanes.fifth(fifth, 16 + i)).sub(centre))
                        .mul(d)
                        .add(m)
                        .intoArray(out, j + 16 + i);
            }
        }
    }
}
