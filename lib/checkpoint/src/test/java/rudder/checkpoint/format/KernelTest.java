package rudder.checkpoint.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.kernel.Cores;
import rudder.kernel.Floats;
import rudder.kernel.PackedInput;
import rudder.kernel.PackedMatrix;

/** The vector kernels against {@link TensorType}, which unpacks the same bytes without vectors. */
class KernelTest {

    private static final int ROWS = 37;

    @BeforeEach
    void needsVectors() {
        assumeTrue(PackedMatrix.available(), "this processor has vectors below 256 bits");
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F64", "IQ4_NL", "IQ4_XS", "Q2_K", "Q3_K"}) // no kernels
    void rowsUnpackAsWithoutVectors(TensorType type) {
        for (int columns : new int[] {256, 768}) {
            byte[] bytes = finite(type, ROWS * columns, 1);
            float[] wanted = scalar(type, bytes, ROWS * columns);
            var matrix = matrix(type, bytes, columns);
            float[] row = new float[columns];
            for (int i = 0; i < ROWS; i++) {
                matrix.row(i, row);
                for (int j = 0; j < columns; j++) {
                    assertEquals(0, Float.compare(wanted[i * columns + j], row[j]), type + " " + i + " " + j);
                }
            }
        }
    }

    /** A damaged scale is refused by whoever reads the numbers, so it must not become a number. */
    @ParameterizedTest
    @EnumSource
    void anyBytesUnpackAsWithoutVectors(TensorType type) {
        int values = 1 << 16;
        byte[] bytes = new byte[values / type.values * type.bytes];
        new Random(4).nextBytes(bytes);
        float[] wanted = scalar(type, bytes, values);
        float[] found = new float[values];
        type.unpack(bytes, values / type.values, found);
        for (int i = 0; i < values; i++) {
            assertEquals(0, Float.compare(wanted[i], found[i]), type + " " + i);
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F64", "IQ4_NL", "IQ4_XS", "Q2_K", "Q3_K"}) // no kernels
    void productsAreThoseOfTheUnpackedRows(TensorType type) {
        int columns = 768;
        byte[] bytes = finite(type, ROWS * columns, 2);
        float[] w = scalar(type, bytes, ROWS * columns);
        var x = input(columns, 3);
        float[] y = new float[ROWS + 2];
        matrix(type, bytes, columns).times(x, y, 1);
        for (int i = 0; i < ROWS; i++) {
            double sum = 0;
            double size = 0;
            for (int j = 0; j < columns; j++) {
                double term = (double) w[i * columns + j] * x.values()[j];
                sum += term;
                size += Math.abs(term);
            }
            assertEquals(sum, y[i + 1], 2e-6 * size, type + ", row " + i);
        }
        assertEquals(0, y[0]);
        assertEquals(0, y[ROWS + 1]);
    }

    /**
     * Fewer vectors than a register holds, more than two hold, and a panel each; rows that are no whole number of
     * tiles.
     */
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F64", "IQ4_NL", "IQ4_XS", "Q2_K", "Q3_K"}) // no kernels
    void productsOfManyVectorsAreThoseOfEach(TensorType type) {
        for (int columns : new int[] {256, 4096 + 256}) { // more than a tile takes at a time
            byte[] bytes = finite(type, ROWS * columns, 12);
            var matrix = matrix(type, bytes, columns);
            for (int vectors : new int[] {1, 2, 3, 4, 8, 13, 32, 50, 270}) {
                var many = new PackedInput(columns, vectors);
                int width = many.width();
                var each = new PackedInput[vectors];
                for (int v = 0; v < vectors; v++) {
                    each[v] = input(columns, 20 + v);
                    for (int i = 0; i < columns; i++) {
                        many.values()[i * width + v] = each[v].values()[i];
                    }
                }
                many.ready();
                float[] all = new float[2 + ROWS * width];
                matrix.times(many, all, 1);
                assertEquals(0, all[0]);
                assertEquals(0, all[1 + ROWS * width]);
                float[] some = new float[ROWS * width];
                matrix.times(many, 5, 30, some, 0);
                for (int v = 0; v < vectors; v++) {
                    float[] wanted = new float[ROWS];
                    matrix.times(each[v], wanted, 0);
                    double size = size(matrix, each[v]);
                    for (int row = 0; row < ROWS; row++) {
                        float found = all[1 + row * width + v];
                        assertEquals(wanted[row], found, 4e-6 * size, type + ", " + vectors + " vectors, row " + row);
                        assertEquals(row < 5 || row >= 30 ? 0 : found, some[row * width + v]);
                    }
                }
            }
        }
    }

    /** Returns the largest sum of a row's terms without their signs. */
    private static double size(PackedMatrix matrix, PackedInput x) {
        float[] row = new float[matrix.columns()];
        double most = 0;
        for (int r = 0; r < matrix.rows(); r++) {
            matrix.row(r, row);
            double size = 0;
            for (int i = 0; i < row.length; i++) {
                size += Math.abs((double) row[i] * x.values()[i]);
            }
            most = Math.max(most, size);
        }
        return most;
    }

    /** The parts of attention, of any number of rows of any width. */
    @Test
    void sumsOverRowsAreThoseOfDoublePrecision() {
        var random = new Random(9);
        for (int n : new int[] {1, 8, 12, 40, 64}) {
            for (int end : new int[] {1, 3, 4, 9, 30}) {
                int first = end / 4;
                float[] x = floats(random, n + 2);
                float[] rows = floats(random, n * end);
                float[] scores = new float[end];
                Floats.dots(x, 2, rows, n, first, end, scores);
                double[] wanted = new double[end];
                double total = 0;
                for (int t = first; t < end; t++) {
                    double dot = 0;
                    for (int i = 0; i < n; i++) {
                        dot += (double) x[2 + i] * rows[t * n + i];
                    }
                    assertEquals(dot, scores[t], 1e-5 * Math.sqrt(n));
                    wanted[t] = Math.exp(scores[t]);
                    total += wanted[t];
                }
                Floats.softmax(scores, first, end);
                float[] out = new float[n + 2];
                Floats.combine(scores, first, end, rows, n, out, 1);
                for (int i = 0; i < n; i++) {
                    double sum = 0;
                    for (int t = first; t < end; t++) {
                        sum += wanted[t] / total * rows[t * n + i];
                    }
                    assertEquals(sum, out[1 + i], 1e-5);
                }
                for (int t = first; t < end; t++) {
                    double weight = wanted[t] / total;
                    assertEquals(weight, scores[t], 2e-7 * (4 - Math.log(weight)) * weight + 1e-37);
                }
                assertEquals(0, out[0]);
                assertEquals(0, out[n + 1]);
            }
        }
    }

    private static float[] floats(Random random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Test
    void gatesAreThoseOfDoublePrecision() {
        var random = new Random(5);
        for (int n : new int[] {1, 7, 8, 1000}) {
            for (boolean gelu : new boolean[] {false, true}) {
                float[] x = new float[n + 2];
                float[] up = new float[n];
                for (int i = 0; i < n; i++) {
                    x[i + 1] = (float) (i % 10 == 0 ? 60 * random.nextGaussian() : 3 * random.nextGaussian());
                    up[i] = (float) random.nextGaussian();
                }
                float[] found = x.clone();
                Floats.gate(found, 1, up, n, gelu);
                assertEquals(0, found[0]);
                assertEquals(0, found[n + 1]);
                for (int i = 0; i < n; i++) {
                    double g = x[i + 1];
                    double a = gelu ? 2 * Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g) : g;
                    double wanted = g * up[i] / (1 + Math.exp(-a));
                    // exp(-a) turns a's rounding, relative to a, into its own
                    assertEquals(wanted, found[i + 1], 2e-7 * (2 + Math.abs(a)) * Math.abs(wanted) + 1e-35, "x = " + g);
                }
            }
        }
    }

    /** Widths that are no whole number of vectors. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void plainRowsHaveAnyWidth(TensorType type) {
        for (int columns : new int[] {1, 7, 12, 48, 72}) {
            byte[] bytes = finite(type, ROWS * columns, columns);
            float[] w = scalar(type, bytes, ROWS * columns);
            var x = input(columns, 5);
            float[] y = new float[ROWS];
            matrix(type, bytes, columns).times(x, y, 0);
            float[] row = new float[columns];
            for (int i = 0; i < ROWS; i++) {
                matrix(type, bytes, columns).row(i, row);
                double sum = 0;
                double size = 0;
                for (int j = 0; j < columns; j++) {
                    assertEquals(w[i * columns + j], row[j]);
                    sum += (double) row[j] * x.values()[j];
                    size += Math.abs((double) row[j] * x.values()[j]);
                }
                assertEquals(sum, y[i], 1e-6 * size, columns + " columns, row " + i);
            }
        }
    }

    /** In rows without infinities and NaN, and in rows of them. */
    @Test
    void allHalvesUnpackAsWithoutVectors() {
        int columns = 43;
        int rows = (1 << 16) / columns + 1;
        var bytes = ByteBuffer.allocate(Short.BYTES * rows * columns).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < rows * columns; i++) {
            bytes.putShort((short) i);
        }
        float[] wanted = scalar(TensorType.F16, bytes.array(), rows * columns);
        var matrix = PackedMatrix.of(TensorType.F16.ggufId, bytes.rewind(), rows, columns)
                .orElseThrow();
        float[] row = new float[columns];
        for (int r = 0; r < rows; r++) {
            matrix.row(r, row);
            for (int j = 0; j < columns; j++) {
                float value = wanted[r * columns + j];
                assertEquals(Float.floatToIntBits(value), Float.floatToIntBits(row[j]), "half " + (r * columns + j));
            }
        }
    }

    @Test
    void everyThreadFindsTheSameProduct() {
        int rows = 4096;
        int columns = 256;
        byte[] bytes = finite(TensorType.Q4_1, rows * columns, 7);
        var matrix = PackedMatrix.of(TensorType.Q4_1.ggufId, ByteBuffer.wrap(bytes), rows, columns)
                .orElseThrow();
        var x = input(columns, 8);
        float[] alone = new float[rows];
        matrix.times(x, 0, rows, alone, 0);
        IntStream.range(0, 64).parallel().forEach(i -> {
            float[] y = new float[rows];
            matrix.times(x, y, 0);
            assertArrayEquals(alone, y);
        });
    }

    /** A helper that loses its core: its rows come late, or in the middle of a later product. */
    @Test
    void rowsOfALateHelperAreThere() {
        for (int job = 1; job <= 20; job++) {
            float factor = job;
            float[] y = new float[2 * 300 + 1];
            Cores.Rows rows = (first, end, out, base) -> {
                if (Thread.currentThread().getName().startsWith("rudder core")) {
                    LockSupport.parkNanos(3_000_000);
                }
                for (int i = 2 * first; i < 2 * end; i++) {
                    out[base + i] = factor * i;
                }
            };
            Cores.share(300, 7, 2, rows, y, 1);
            for (int i = 0; i < 600; i++) {
                assertEquals(factor * i, y[i + 1]);
            }
            assertEquals(0, y[0]);
        }
    }

    /** What helpers have delivered of the outer rows is not yet collected when the inner rows are shared. */
    @Test
    void rowsMayShareRowsThemselves() {
        int n = 40;
        int width = 30;
        for (int job = 1; job <= 50; job++) {
            float factor = job;
            float[] y = new float[n * width];
            Cores.Rows rows = (first, end, out, base) -> {
                for (int row = first; row < end; row++) {
                    float[] inner = new float[width];
                    Cores.share(
                            width,
                            1,
                            1,
                            (from, to, numbers, at) -> {
                                LockSupport.parkNanos(1_000); // so that others take some
                                Arrays.fill(numbers, at + from, at + to, factor);
                            },
                            inner,
                            0);
                    for (int i = 0; i < width; i++) {
                        out[base + row * width + i] = row * inner[i];
                    }
                }
            };
            Cores.share(n, 1, width, rows, y, 0);
            for (int i = 0; i < y.length; i++) {
                assertEquals(i / width * factor, y[i]);
            }
        }
    }

    /** More numbers than a helper holds. */
    @Test
    void largeProductsAreWhole() {
        int n = 2101;
        int width = 4500;
        float[] y = new float[n * width + 1];
        Cores.Rows rows = (first, end, out, base) -> {
            for (int i = first; i < end; i++) {
                Arrays.fill(out, base + i * width, base + (i + 1) * width, i + 1);
            }
        };
        Cores.share(n, 10, width, rows, y, 1);
        assertEquals(0, y[0]);
        for (int i = 0; i < n * width; i++) {
            assertEquals(i / width + 1, y[i + 1]);
        }
    }

    @Test
    void whatRowsThrowReachesTheCaller() {
        Cores.Rows rows = (first, end, out, base) -> {
            if (first >= 40) {
                throw new ArithmeticException("row " + first);
            }
        };
        for (int i = 0; i < 10; i++) {
            assertThrows(ArithmeticException.class, () -> Cores.share(100, 10, 1, rows, new float[100], 0));
        }
        float[] y = new float[100];
        Cores.share(100, 10, 1, (first, end, out, base) -> Arrays.fill(out, base + first, base + end, 1), y, 0);
        for (float one : y) {
            assertEquals(1, one);
        }
    }

    /** No array has so many numbers, so that every helper runs out of memory at once. */
    @Test
    void helpersOutliveTheLackOfMemory() {
        Cores.share(2, 1, 1, (first, end, out, base) -> out[base + first] = 1, new float[2], 0); // starts them
        long before = helpers();
        for (int i = 0; i < 3; i++) {
            var computed = new AtomicInteger();
            Cores.Rows rows = (first, end, out, base) -> {
                computed.addAndGet(end - first);
                LockSupport.parkNanos(20_000_000); // helpers wake
            };
            Cores.share(2, 1, Integer.MAX_VALUE, rows, new float[0], 0);
            assertEquals(2, computed.get());
        }
        assertEquals(before, helpers());
    }

    private static long helpers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("rudder core"))
                .count();
    }

    @Test
    void whatNoKernelReadsIsRefused() {
        var bytes = ByteBuffer.allocate(1000);
        assertTrue(PackedMatrix.of(TensorType.F64.ggufId, bytes, 1, 8).isEmpty());
        assertTrue(PackedMatrix.of(TensorType.Q4_0.ggufId, bytes, 1, 48).isEmpty(), "no whole blocks");
        assertThrows(IllegalArgumentException.class, () -> PackedMatrix.of(TensorType.Q4_0.ggufId, bytes, 1000, 32));
        var matrix = PackedMatrix.of(TensorType.F32.ggufId, bytes, 2, 8).orElseThrow();
        assertThrows(IllegalArgumentException.class, () -> matrix.times(input(9, 1), new float[2], 0));
    }

    private static PackedMatrix matrix(TensorType type, byte[] bytes, int columns) {
        return PackedMatrix.of(type.ggufId, ByteBuffer.wrap(bytes), ROWS, columns)
                .orElseThrow();
    }

    private static PackedInput input(int columns, long seed) {
        var random = new Random(seed);
        var x = new PackedInput(columns);
        for (int i = 0; i < columns; i++) {
            x.values()[i] = (float) random.nextGaussian();
        }
        x.ready();
        return x;
    }

    private static float[] scalar(TensorType type, byte[] bytes, int values) {
        float[] out = new float[values];
        type.decode(bytes, values / type.values, out);
        return out;
    }

    /** Random blocks of all sizes, subnormal scales and zeros among them; none of which a checkpoint may not hold. */
    private static byte[] finite(TensorType type, int values, long seed) {
        var random = new Random(seed);
        byte[] bytes = new byte[values / type.values * type.bytes];
        float[] out = new float[type.values];
        byte[] block = new byte[type.bytes];
        for (int at = 0; at < bytes.length; at += type.bytes) {
            do {
                random.nextBytes(block);
                type.decode(block, 1, out);
            } while (!isModest(out));
            System.arraycopy(block, 0, bytes, at, type.bytes);
        }
        return bytes;
    }

    private static boolean isModest(float[] values) {
        for (float value : values) {
            if (!(Math.abs(value) < 1e12f)) {
                return false;
            }
        }
        return true;
    }
}
