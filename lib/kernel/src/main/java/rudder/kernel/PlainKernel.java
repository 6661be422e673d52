package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Floats of 32 and of 16 bits, any number of them: those behind the last whole vector are taken one by one. */
abstract class PlainKernel extends RowKernel {

    private PlainKernel(int bytes) {
        super(1, bytes);
    }

    /** Returns the number at byte {@code at}. */
    abstract float one(byte[] w, int at);

    final float rest(byte[] w, int at, int from, int n, float[] x) {
        float sum = 0;
        for (int i = from; i < n; i++) {
            sum += one(w, at + bytes * i) * x[i];
        }
        return sum;
    }

    /** IEEE 754 single precision. */
    static final class F32 extends PlainKernel {
        F32() {
            super(Float.BYTES);
        }

        @Override
        float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
            float[] x = input.values;
            FloatVector a = Lanes.zero();
            FloatVector b = Lanes.zero();
            int i = 0;
            for (; i <= n - 2 * L; i += 2 * L) { // two sums: a product waits for the one before it
                a = Lanes.floats(w, at + Float.BYTES * i).fma(Lanes.at(x, i), a);
                b = Lanes.floats(w, at + Float.BYTES * (i + L)).fma(Lanes.at(x, i + L), b);
            }
            return Lanes.sum(a.add(b)) + rest(w, at, i, n, x);
        }

        @Override
        void unpack(byte[] w, int at, int n, float[] out) {
            int i = 0;
            for (; i <= n - L; i += L) {
                Lanes.floats(w, at + Float.BYTES * i).intoArray(out, i);
            }
            for (; i < n; i++) {
                out[i] = one(w, at + Float.BYTES * i);
            }
        }

        @Override
        float one(byte[] w, int at) {
            return Float.intBitsToFloat(Lanes.integer(w, at));
        }
    }

    /** IEEE 754 half precision. */
    static final class F16 extends PlainKernel {
        private static final int INFINITE = 0x7c00;

        F16() {
            super(Short.BYTES);
        }

        @Override
        float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
            float[] x = input.values;
            FloatVector a = Lanes.zero();
            FloatVector b = Lanes.zero();
            int i = 0;
            for (; i <= n - 2 * L; i += 2 * L) { // two sums: a product waits for the one before it
                a = Lanes.halves(w, at + Short.BYTES * i).fma(Lanes.at(x, i), a);
                b = Lanes.halves(w, at + Short.BYTES * (i + L)).fma(Lanes.at(x, i + L), b);
            }
            return Lanes.sum(a.add(b)) + rest(w, at, i, n, x);
        }

        @Override
        void unpack(byte[] w, int at, int n, float[] out) {
            IntVector largest = Lanes.none();
            int i = 0;
            for (; i <= n - L; i += L) {
                largest = largest.max(Lanes.sizes(w, at + Short.BYTES * i));
                Lanes.halves(w, at + Short.BYTES * i).intoArray(out, i);
            }
            if (largest.reduceLanes(VectorOperators.MAX) >= INFINITE) { // vectors take infinities for numbers
                i = 0;
            }
            for (; i < n; i++) {
                out[i] = one(w, at + Short.BYTES * i);
            }
        }

        @Override
        float one(byte[] w, int at) {
            return Lanes.half(w, at);
        }
    }

    /** The upper halves of single precision. */
    static final class BF16 extends PlainKernel {
        BF16() {
            super(Short.BYTES);
        }

        @Override
        float dot(byte[] w, int at, int n, PackedInput input, Scratch scratch) {
            float[] x = input.values;
            FloatVector a = Lanes.zero();
            FloatVector b = Lanes.zero();
            int i = 0;
            for (; i <= n - 2 * L; i += 2 * L) { // two sums: a product waits for the one before it
                a = Lanes.upperHalves(w, at + Short.BYTES * i).fma(Lanes.at(x, i), a);
                b = Lanes.upperHalves(w, at + Short.BYTES * (i + L)).fma(Lanes.at(x, i + L), b);
            }
            return Lanes.sum(a.add(b)) + rest(w, at, i, n, x);
        }

        @Override
        void unpack(byte[] w, int at, int n, float[] out) {
            int i = 0;
            for (; i <= n - L; i += L) {
                Lanes.upperHalves(w, at + Short.BYTES * i).intoArray(out, i);
            }
            for (; i < n; i++) {
                out[i] = one(w, at + Short.BYTES * i);
            }
        }

        @Override
        float one(byte[] w, int at) {
            return Lanes.upperHalf(w, at);
        }
    }
}
