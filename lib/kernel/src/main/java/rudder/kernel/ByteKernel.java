package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;

/** Q8_0: a scale and 32 signed bytes. */
final class ByteKernel extends RowKernel {

    ByteKernel() {
        super(32, 34);
    }

    @Override
    float dot(byte[] w, int at, int n, float[] x, float[] sums) {
        FloatVector all = Lanes.zero();
        for (int b = 0, from = at, j = 0; j < n; b++, from += bytes, j += 32) {
            FloatVector left = Lanes.floats(Lanes.bytes(w, from + 2)).mul(Lanes.at(x, j));
            FloatVector right = Lanes.floats(Lanes.bytes(w, from + 18)).mul(Lanes.at(x, j + 16));
            for (int i = L; i < 16; i += L) {
                left = Lanes.floats(Lanes.bytes(w, from + 2 + i)).fma(Lanes.at(x, j + i), left);
                right = Lanes.floats(Lanes.bytes(w, from + 18 + i)).fma(Lanes.at(x, j + 16 + i), right);
            }
            all = left.add(right).fma(Lanes.all(Lanes.half(w, from)), all);
        }
        return Lanes.sum(all);
    }

    @Override
    void unpack(byte[] w, int at, int n, float[] out) {
        for (int b = 0, from = at, j = 0; j < n; b++, from += bytes, j += 32) {
            FloatVector d = Lanes.all(Lanes.half(w, from));
            for (int i = 0; i < 32; i += L) {
                Lanes.floats(Lanes.bytes(w, from + 2 + i)).mul(d).intoArray(out, j + i);
            }
        }
    }
}
