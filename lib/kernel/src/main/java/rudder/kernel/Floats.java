package rudder.kernel;

import static rudder.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Sums over float arrays, in vectors. */
public final class Floats {

    private Floats() {}

    /** Returns {@code sum_i a[from + i] b[at + i]} for i below n. */
    public static float dot(float[] a, int from, float[] b, int at, int n) {
        FloatVector sum = Lanes.zero();
        int i = 0;
        for (; i <= n - L; i += L) {
            sum = Lanes.at(a, from + i).fma(Lanes.at(b, at + i), sum);
        }
        float rest = 0;
        for (; i < n; i++) {
            rest += a[from + i] * b[at + i];
        }
        return Lanes.sum(sum) + rest;
    }

    /**
     * Multiplies {@code x[at + i]} by {@code factors[i]} for i below n; null means by 1. Returns whether all are
     * finite.
     */
    public static boolean scale(float[] x, int at, int n, float[] factors) {
        IntVector largest = Lanes.none(); // of the bits without the sign, which are in the order of the magnitudes
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector v = Lanes.at(x, at + i);
            if (factors != null) {
                v = v.mul(Lanes.at(factors, i));
                v.intoArray(x, at + i);
            }
            largest = largest.max(v.abs().reinterpretAsInts());
        }
        boolean finite = largest.reduceLanes(VectorOperators.MAX) < Float.floatToRawIntBits(Float.POSITIVE_INFINITY);
        for (; i < n; i++) {
            x[at + i] *= factors == null ? 1 : factors[i];
            finite &= Float.isFinite(x[at + i]);
        }
        return finite;
    }

    /** Adds {@code factor a[from + i]} to {@code to[at + i]} for i below n. */
    public static void add(float factor, float[] a, int from, float[] to, int at, int n) {
        FloatVector f = Lanes.all(factor);
        int i = 0;
        for (; i <= n - L; i += L) {
            Lanes.at(a, from + i).fma(f, Lanes.at(to, at + i)).intoArray(to, at + i);
        }
        for (; i < n; i++) {
            to[at + i] += factor * a[from + i];
        }
    }
}
