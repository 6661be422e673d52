package rudder.kernel;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The product of {@value #ROWS} unpacked rows with many vectors. Lanes are vectors x, so that no sum runs across lanes:
 * a number of a row multiplies one coordinate of all of them. The sums of a tile of rows and columns stay in registers,
 * twelve of the sixteen that 256-bit processors have.
 *
 * <p>Each result is one sum in the order of the coordinates, whoever computes it.
 */
final class Tile {

    /** Rows of a tile. */
    static final int ROWS = 6;
    /** Coordinates that are multiplied before the next tile: their columns of x stay in a core's cache. */
    static final int DEPTH = 2048;

    // JDK 17 keeps the sums of a loop in memory where a program has vectors of two sizes, and the other kernels have
    // 256 bits: measured on one machine with 512 bits, two cores, 64 columns: 150 GFLOP/s on JDK 17, 370 on JDK 25, and
    // 230 on both with 256 bits.
    private static final VectorSpecies<Float> F =
            Runtime.version().feature() < 25 ? Lanes.F : FloatVector.SPECIES_PREFERRED;
    /** Columns come in multiples of this. */
    static final int LANES = F.length();
    /** Columns that are multiplied together. */
    static final int PANEL = 2 * LANES;

    // Compiled each by itself, as the steps of a RowKernel are.
    private static MethodHandle wide = find("wide");
    private static MethodHandle narrow = find("narrow");

    private Tile() {}

    private static MethodHandle find(String name) {
        var type = MethodType.methodType(
                void.class, float[][].class, int.class, float[].class, int.class, int.class, float[].class, int.class);
        try {
            return MethodHandles.lookup().findStatic(Tile.class, name, type);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    /**
     * Writes to {@code y[at + r width + c]} the sum of {@code rows[r][i] x[(from + i) width + c]} over i below n, for
     * all columns c.
     *
     * @param width columns of x and y, a multiple of {@link #LANES}
     */
    static void product(float[][] rows, int n, float[] x, int from, int width, float[] y, int at) {
        try {
            int c = 0;
            for (; c <= width - 2 * LANES; c += 2 * LANES) {
                wide.invokeExact(rows, n, x, from * width + c, width, y, at + c);
            }
            if (c < width) {
                narrow.invokeExact(rows, n, x, from * width + c, width, y, at + c);
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    private static void wide(float[][] rows, int n, float[] x, int first, int width, float[] y, int at) {
        float[] w0 = rows[0];
        float[] w1 = rows[1];
        float[] w2 = rows[2];
        float[] w3 = rows[3];
        float[] w4 = rows[4];
        float[] w5 = rows[5];
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        FloatVector a4 = FloatVector.zero(F);
        FloatVector b4 = FloatVector.zero(F);
        FloatVector a5 = FloatVector.zero(F);
        FloatVector b5 = FloatVector.zero(F);
        for (int i = 0, k = first; i < n; i++, k += width) {
            FloatVector p = FloatVector.fromArray(F, x, k);
            FloatVector q = FloatVector.fromArray(F, x, k + LANES);
            FloatVector w = FloatVector.broadcast(F, w0[i]);
            a0 = p.fma(w, a0);
            b0 = q.fma(w, b0);
            w = FloatVector.broadcast(F, w1[i]);
            a1 = p.fma(w, a1);
            b1 = q.fma(w, b1);
            w = FloatVector.broadcast(F, w2[i]);
            a2 = p.fma(w, a2);
            b2 = q.fma(w, b2);
            w = FloatVector.broadcast(F, w3[i]);
            a3 = p.fma(w, a3);
            b3 = q.fma(w, b3);
            w = FloatVector.broadcast(F, w4[i]);
            a4 = p.fma(w, a4);
            b4 = q.fma(w, b4);
            w = FloatVector.broadcast(F, w5[i]);
            a5 = p.fma(w, a5);
            b5 = q.fma(w, b5);
        }
        write(a0, y, at);
        write(b0, y, at + LANES);
        write(a1, y, at + width);
        write(b1, y, at + width + LANES);
        write(a2, y, at + 2 * width);
        write(b2, y, at + 2 * width + LANES);
        write(a3, y, at + 3 * width);
        write(b3, y, at + 3 * width + LANES);
        write(a4, y, at + 4 * width);
        write(b4, y, at + 4 * width + LANES);
        write(a5, y, at + 5 * width);
        write(b5, y, at + 5 * width + LANES);
    }

    private static void narrow(float[][] rows, int n, float[] x, int first, int width, float[] y, int at) {
        float[] w0 = rows[0];
        float[] w1 = rows[1];
        float[] w2 = rows[2];
        float[] w3 = rows[3];
        float[] w4 = rows[4];
        float[] w5 = rows[5];
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector a4 = FloatVector.zero(F);
        FloatVector a5 = FloatVector.zero(F);
        for (int i = 0, k = first; i < n; i++, k += width) {
            FloatVector p = FloatVector.fromArray(F, x, k);
            a0 = p.fma(FloatVector.broadcast(F, w0[i]), a0);
            a1 = p.fma(FloatVector.broadcast(F, w1[i]), a1);
            a2 = p.fma(FloatVector.broadcast(F, w2[i]), a2);
            a3 = p.fma(FloatVector.broadcast(F, w3[i]), a3);
            a4 = p.fma(FloatVector.broadcast(F, w4[i]), a4);
            a5 = p.fma(FloatVector.broadcast(F, w5[i]), a5);
        }
        write(a0, y, at);
        write(a1, y, at + width);
        write(a2, y, at + 2 * width);
        write(a3, y, at + 3 * width);
        write(a4, y, at + 4 * width);
        write(a5, y, at + 5 * width);
    }

    /**
     * Writes a sum. The compiler knows the size of what it adds to, but not of a sum that a loop leaves, since other
     * kernels have vectors of another size. Without this it allocates every sum.
     */
    private static void write(FloatVector sum, float[] y, int at) {
        FloatVector.zero(F).add(sum).intoArray(y, at);
    }
}
