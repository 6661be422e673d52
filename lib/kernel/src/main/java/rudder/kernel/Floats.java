package rudder.kernel;

import static rudder.kernel.Lanes.L;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Sums over float arrays, in vectors. */
public final class Floats {

    /** Numbers whose sum is single precision: sums of such sums are double. */
    private static final int PART = 64 * L;

    /** Below this, a softmax's number is 0 in single precision. */
    private static final float LEAST = -87;

    private static final float GELU = (float) (2 * Math.sqrt(2 / Math.PI));

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

    /** Writes {@code out[t] = sum_i x[at + i] rows[t n + i]} for t from {@code first} to {@code end - 1}. */
    public static void dots(float[] x, int at, float[] rows, int n, int first, int end, float[] out) {
        int t = first;
        for (; t <= end - 4; t += 4) {
            four(x, at, rows, n, t, out);
        }
        for (; t < end; t++) {
            out[t] = dot(x, at, rows, t * n, n);
        }
    }

    /** Four rows share the loads of x, and none waits for another. */
    private static void four(float[] x, int at, float[] rows, int n, int t, float[] out) {
        FloatVector a = Lanes.zero();
        FloatVector b = Lanes.zero();
        FloatVector c = Lanes.zero();
        FloatVector d = Lanes.zero();
        int row = t * n;
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector v = Lanes.at(x, at + i);
            a = v.fma(Lanes.at(rows, row + i), a);
            b = v.fma(Lanes.at(rows, row + n + i), b);
            c = v.fma(Lanes.at(rows, row + 2 * n + i), c);
            d = v.fma(Lanes.at(rows, row + 3 * n + i), d);
        }
        out[t] = Lanes.sum(a);
        out[t + 1] = Lanes.sum(b);
        out[t + 2] = Lanes.sum(c);
        out[t + 3] = Lanes.sum(d);
        for (; i < n; i++) {
            for (int r = 0; r < 4; r++) {
                out[t + r] += x[at + i] * rows[row + r * n + i];
            }
        }
    }

    /** Turns {@code x[first .. end - 1]} into their softmax. */
    public static void softmax(float[] x, int first, int end) {
        float most = Float.NEGATIVE_INFINITY;
        for (int i = first; i < end; i++) {
            most = Math.max(most, x[i]);
        }
        int i = first;
        for (; i <= end - L; i += L) {
            Lanes.exp(Lanes.at(x, i).sub(most)).intoArray(x, i);
        }
        for (; i < end; i++) {
            x[i] = (float) Math.exp(x[i] - most);
        }
        double total = 0;
        for (i = first; i < end; i++) {
            total += x[i];
        }
        for (i = first; i < end; i++) {
            x[i] = (float) (x[i] / total);
        }
    }

    /**
     * Writes each column's largest number m to {@code out[at ..]}, and its {@code sum exp(x - m)} behind them.
     *
     * @param x [rows, width]
     */
    public static void sumExp(float[] x, int rows, int width, float[] out, int at) {
        int c = 0;
        for (; c <= width - L; c += L) {
            FloatVector most = Lanes.at(x, c);
            for (int i = 1; i < rows; i++) {
                most = most.max(Lanes.at(x, i * width + c));
            }
            FloatVector sum = Lanes.zero();
            for (int i = 0; i < rows; i++) {
                sum = sum.add(Lanes.exp(Lanes.at(x, i * width + c).sub(most)));
            }
            most.intoArray(out, at + c);
            sum.intoArray(out, at + width + c);
        }
        for (; c < width; c++) {
            float most = Float.NEGATIVE_INFINITY;
            for (int i = 0; i < rows; i++) {
                most = Math.max(most, x[i * width + c]);
            }
            double sum = 0;
            for (int i = 0; i < rows; i++) {
                sum += Math.exp(x[i * width + c] - most);
            }
            out[at + c] = most;
            out[at + width + c] = (float) sum;
        }
    }

    /**
     * Returns the KL divergence {@code sum_i p_i ln(p_i / q_i)} in nats of the softmax p of {@code x[a + i]} from the
     * softmax q of {@code x[b + i]}, for i below n: {@code sum_i p_i (x[a + i] - x[b + i]) - lse(a) + lse(b)} with
     * {@code lse(a) = ln sum_i exp(x[a + i])}.
     */
    public static double divergence(float[] x, int a, int b, int n) {
        float mostA = most(x, a, n);
        float mostB = most(x, b, n);
        double sumA = 0;
        double sumB = 0;
        double difference = 0;
        int whole = n / L * L;
        for (int from = 0; from < whole; from += PART) {
            FloatVector inA = Lanes.zero();
            FloatVector inB = Lanes.zero();
            FloatVector apart = Lanes.zero();
            int end = Math.min(whole, from + PART);
            for (int i = from; i < end; i += L) {
                FloatVector ofA = Lanes.at(x, a + i).sub(mostA);
                FloatVector ofB = Lanes.at(x, b + i).sub(mostB);
                FloatVector p = Lanes.exp(ofA);
                inA = inA.add(p);
                inB = inB.add(Lanes.exp(ofB));
                var none = ofA.compare(VectorOperators.LT, LEAST);
                apart = apart.add(p.mul(ofA.sub(ofB)).blend(0, none));
            }
            sumA += Lanes.sum(inA);
            sumB += Lanes.sum(inB);
            difference += Lanes.sum(apart);
        }
        for (int i = whole; i < n; i++) {
            double ofA = (double) x[a + i] - mostA;
            double ofB = (double) x[b + i] - mostB;
            sumA += Math.exp(ofA);
            sumB += Math.exp(ofB);
            difference += ofA < LEAST ? 0 : Math.exp(ofA) * (ofA - ofB);
        }
        return difference / sumA - Math.log(sumA) + Math.log(sumB);
    }

    private static float most(float[] x, int at, int n) {
        float most = Float.NEGATIVE_INFINITY;
        int i = 0;
        if (n >= L) {
            FloatVector each = Lanes.at(x, at);
            for (i = L; i <= n - L; i += L) {
                each = each.max(Lanes.at(x, at + i));
            }
            most = each.reduceLanes(VectorOperators.MAX);
        }
        for (; i < n; i++) {
            most = Math.max(most, x[at + i]);
        }
        return most;
    }

    /** Writes {@code out[at + i] = sum_t weights[t] rows[t n + i]} over t from {@code first} to {@code end - 1}. */
    public static void combine(float[] weights, int first, int end, float[] rows, int n, float[] out, int at) {
        int i = 0;
        for (; i <= n - 4 * L; i += 4 * L) {
            combineFour(weights, first, end, rows, n, i, out, at + i);
        }
        if (i < n) {
            Arrays.fill(out, at + i, at + n, 0);
            for (int t = first; t < end; t++) {
                add(weights[t], rows, t * n + i, out, at + i, n - i);
            }
        }
    }

    private static void combineFour(
            float[] weights, int first, int end, float[] rows, int n, int from, float[] out, int at) {
        FloatVector a = Lanes.zero();
        FloatVector b = Lanes.zero();
        FloatVector c = Lanes.zero();
        FloatVector d = Lanes.zero();
        for (int t = first, i = first * n + from; t < end; t++, i += n) {
            FloatVector weight = Lanes.all(weights[t]);
            a = weight.fma(Lanes.at(rows, i), a);
            b = weight.fma(Lanes.at(rows, i + L), b);
            c = weight.fma(Lanes.at(rows, i + 2 * L), c);
            d = weight.fma(Lanes.at(rows, i + 3 * L), d);
        }
        FloatVector none = Lanes.zero(); // the compiler knows its size: see Tile
        none.add(a).intoArray(out, at);
        none.add(b).intoArray(out, at + L);
        none.add(c).intoArray(out, at + 2 * L);
        none.add(d).intoArray(out, at + 3 * L);
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

    /**
     * Multiplies {@code x[at + i]} by {@code up[i] / (1 + exp(-a))} for i below n. SiLU has a = x. GELU, with its
     * hyperbolic tangent as a logistic function, has {@code a = 2 sqrt(2 / pi) (x + 0.044715 x^3)}.
     */
    public static void gate(float[] x, int at, float[] up, int n, boolean gelu) {
        int i = 0;
        for (; i <= n - L; i += L) {
            gated(Lanes.at(x, at + i), Lanes.at(up, i), gelu).intoArray(x, at + i);
        }
        if (i < n) {
            float[] rest = new float[2 * L];
            System.arraycopy(x, at + i, rest, 0, n - i);
            System.arraycopy(up, i, rest, L, n - i);
            gated(Lanes.at(rest, 0), Lanes.at(rest, L), gelu).intoArray(rest, 0);
            System.arraycopy(rest, 0, x, at + i, n - i);
        }
    }

    private static FloatVector gated(FloatVector x, FloatVector up, boolean gelu) {
        FloatVector cubed = x.mul(x).mul(x);
        FloatVector a = gelu ? cubed.mul(GELU * 0.044715f).add(x.mul(GELU)) : x;
        return x.mul(up).div(Lanes.exp(a.neg()).add(1));
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
