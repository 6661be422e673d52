package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;

/** Q8_0: a scale and 32 signed bytes. */
final class ByteKernel extends RowKernel {

    private static final int BYTES = 34;

    ByteKernel() {
        super(32, BYTES);
    }

    @Override
    float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
        float[] x = input.values;
        FloatVector all = Lanes.zero();
        for (int from = at, j = 0; j < n; from += BYTES, j += 32) {
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
        for (int from = at, j = 0; j < n; from += BYTES, j += 32) {
            FloatVector d = Lanes.all(Lanes.half(w, from));
            for (int i = 0; i < 32; i += L) {
                Lanes.floats(Lanes.bytes(w, from + 2 + i)).mul(d).intoArray(out, j + i);
            }
        }
    }
}
