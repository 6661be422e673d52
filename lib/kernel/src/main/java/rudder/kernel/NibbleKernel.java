package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** 32 integers of 4 bits in 16 bytes. The low nibbles are values 0..15, the high ones 16..31. */
abstract class NibbleKernel extends OffsetKernel {

    private static final int INTEGERS = 16; // bytes
    private static final int CENTRE = 8;

    private NibbleKernel(int header) {
        super(header, INTEGERS, CENTRE);
    }

    /** Q4_0: a scale. */
    static final class Centred extends NibbleKernel {
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

    /** Q4_1: a scale and an offset. */
    static final class Offset extends NibbleKernel {
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

    /** Returns q.x of one block, in L parts. */
    private static FloatVector block(byte[] w, int at, float[] x, int j) {
        IntVector q = Lanes.bytes(w, at);
        FloatVector low = Lanes.floats(Lanes.low(q)).mul(Lanes.at(x, j));
        FloatVector high = Lanes.floats(Lanes.high(q)).mul(Lanes.at(x, j + 16));
        q = Lanes.bytes(w, at + L);
        low = Lanes.floats(Lanes.low(q)).fma(Lanes.at(x, j + L), low);
        high = Lanes.floats(Lanes.high(q)).fma(Lanes.at(x, j + 16 + L), high);
        return low.add(high);
    }

    @Override
    void unpack(byte[] w, int at, int n, float[] out) {
        for (int from = at, j = 0; j < n; from += bytes, j += 32) {
            FloatVector d = Lanes.all(Lanes.half(w, from));
            FloatVector m = Lanes.all(addend(w, from));
            for (int i = 0; i < 16; i += L) {
                IntVector q = Lanes.bytes(w, from + header + i);
                Lanes.floats(Lanes.low(q).sub(centre)).mul(d).add(m).intoArray(out, j + i);
                Lanes.floats(Lanes.high(q).sub(centre)).mul(d).add(m).intoArray(out, j + 16 + i);
            }
        }
    }
}
