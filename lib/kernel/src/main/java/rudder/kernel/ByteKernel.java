package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;

/** A scale and 32 signed bytes. */
abstract class ByteKernel extends RowKernel {

    private static final int VALUES = 32;

    private ByteKernel(int scale) {
        super(VALUES, scale + VALUES);
    }

    /** Returns lanes whose sum is the product of 32 bytes with x. */
    private static FloatVector products(byte[] w, int at, float[] x, int from) {
        FloatVector left = Lanes.floats(Lanes.bytes(w, at)).mul(Lanes.at(x, from));
        FloatVector right = Lanes.floats(Lanes.bytes(w, at + 16)).mul(Lanes.at(x, from + 16));
        for (int i = L; i < 16; i += L) {
            left = Lanes.floats(Lanes.bytes(w, at + i)).fma(Lanes.at(x, from + i), left);
            right = Lanes.floats(Lanes.bytes(w, at + 16 + i)).fma(Lanes.at(x, from + 16 + i), right);
        }
        return left.add(right);
    }

    private static void unpack(byte[] w, int at, FloatVector scale, float[] out, int to) {
        for (int i = 0; i < VALUES; i += L) {
            Lanes.floats(Lanes.bytes(w, at + i)).mul(scale).intoArray(out, to + i);
        }
    }

    /** Q8_0: the scale is a half. */
    static final class Halves extends ByteKernel {
        Halves() {
            super(Short.BYTES);
        }

        @Override
        float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
            FloatVector all = Lanes.zero();
            for (int from = at, j = 0; j < n; from += bytes, j += VALUES) {
                all = products(w, from + Short.BYTES, input.values, j).fma(Lanes.all(Lanes.half(w, from)), all);
            }
            return Lanes.sum(all);
        }

        @Override
        void unpack(byte[] w, int at, int n, float[] out) {
            for (int from = at, j = 0; j < n; from += bytes, j += VALUES) {
                ByteKernel.unpack(w, from + Short.BYTES, Lanes.all(Lanes.half(w, from)), out, j);
            }
        }
    }

    /** {@link PackedMatrix#ROUNDED}: the scale is a float. */
    static final class Floating extends ByteKernel {
        Floating() {
            super(Float.BYTES);
        }

        private static FloatVector scale(byte[] w, int at) {
            return Lanes.all(Float.intBitsToFloat(Lanes.integer(w, at)));
        }

        @Override
        float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
            FloatVector all = Lanes.zero();
            for (int from = at, j = 0; j < n; from += bytes, j += VALUES) {
                all = products(w, from + Float.BYTES, input.values, j).fma(scale(w, from), all);
            }
            return Lanes.sum(all);
        }

        @Override
        void unpack(byte[] w, int at, int n, float[] out) {
            for (int from = at, j = 0; j < n; from += bytes, j += VALUES) {
                ByteKernel.unpack(w, from + Float.BYTES, scale(w, from), out, j);
            }
        }
    }
}
