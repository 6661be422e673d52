package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q5_0 and Q5_1: like Q4_0 and Q4_1, with 4 bytes of fifth bits before the nibbles. Bit i belongs to value i. Q5_0's
 * offset is -16 d.
 */
final class FiveBitKernel extends OffsetKernel {

    FiveBitKernel(int bytes, int header) {
        super(bytes, header, 16);
    }

    @Override
    float dot(byte[] w, int at, int n, float[] x, float[] sums) {
        FloatVector all = Lanes.zero();
        float offsets = 0;
        for (int b = 0, from = at, j = 0; j < n; b++, from += bytes, j += 32) {
            FloatVector low = Lanes.zero();
            FloatVector high = Lanes.zero();
            int fifth = Lanes.integer(w, from + header);
            for (int i = 0; i < 16; i += L) {
                IntVector q = Lanes.bytes(w, from + header + 4 + i);
                low = Lanes.floats(Lanes.low(q).or(Lanes.fifth(fifth, i))).fma(Lanes.at(x, j + i), low);
                high = Lanes.floats(Lanes.high(q).or(Lanes.fifth(fifth, 16 + i)))
                        .fma(Lanes.at(x, j + 16 + i), high);
            }
            all = low.add(high).fma(Lanes.all(Lanes.half(w, from)), all);
            offsets += offset(w, from) * sums[b];
        }
        return Lanes.sum(all) + offsets;
    }

    @Override
    void unpack(byte[] w, int at, int n, float[] out) {
        for (int b = 0, from = at, j = 0; j < n; b++, from += bytes, j += 32) {
            FloatVector d = Lanes.all(Lanes.half(w, from));
            FloatVector m = Lanes.all(addend(w, from));
            int fifth = Lanes.integer(w, from + header);
            for (int i = 0; i < 16; i += L) {
                IntVector q = Lanes.bytes(w, from + header + 4 + i);
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
