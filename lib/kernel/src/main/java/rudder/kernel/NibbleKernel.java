package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q4_0 and Q4_1: 32 integers of 4 bits in 16 bytes, behind a scale and, in Q4_1, an offset. Q4_0's offset is -8 d. The
 * low nibbles are values 0..15, the high ones 16..31.
 */
final class NibbleKernel extends OffsetKernel {

    NibbleKernel(int bytes, int header) {
        super(bytes, header, 8);
    }

    @Override
    float dot(byte[] w, int at, int n, float[] x, float[] sums) {
        FloatVector all = Lanes.zero();
        float offsets = 0;
        for (int b = 0, from = at, j = 0; j < n; b++, from += bytes, j += 32) {
            all = product(w, from + header, x, j).fma(Lanes.all(Lanes.half(w, from)), all);
            offsets += offset(w, from) * sums[b];
        }
        return Lanes.sum(all) + offsets;
    }

    /** Returns q.x of one block, in L parts. */
    private static FloatVector product(byte[] w, int at, float[] x, int j) {
        IntVector q = Lanes.bytes(w, at);
        FloatVector low = Lanes.floats(Lanes.low(q)).mul(Lanes.at(x, j));
        FloatVector high = Lanes.floats(Lanes.high(q)).mul(Lanes.at(x, j + 16));
        for (int i = L; i < 16; i += L) {
            q = Lanes.bytes(w, at + i);
            low = Lanes.floats(Lanes.low(q)).fma(Lanes.at(x, j + i), low);
            high = Lanes.floats(Lanes.high(q)).fma(Lanes.at(x, j + 16 + i), high);
        }
        return low.add(high);
    }

    @Override
    void unpack(byte[] w, int at, int n, float[] out) {
        for (int b = 0, from = at, j = 0; j < n; b++, from += bytes, j += 32) {
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
