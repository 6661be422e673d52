package rudder.model.decoder;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.ejml.data.DMatrixRMaj;
import rudder.kernel.PackedInput;
import rudder.kernel.PackedMatrix;
import rudder.theory.Vectors;
import rudder.theory.control.Arithmetic;
import rudder.theory.control.Elementwise;

/** The arithmetic of control laws for several texts on the heap, in single precision as on the engine. */
enum PanelArithmetic implements Arithmetic<Panel> {
    INSTANCE;

    /** Rows or columns below which a matrix is thin: kernels, which take a row at a time, would gain nothing. */
    private static final int THIN = 8;

    @Override
    public Panel matrix(DMatrixRMaj matrix) {
        int rows = matrix.numRows;
        int columns = matrix.numCols;
        float[] values = Vectors.floats(matrix);
        return Math.min(rows, columns) >= THIN
                ? new Panel(rows, columns, null, PackedMatrix.of(values, rows, columns, columns))
                : new Panel(rows, columns, values);
    }

    @Override
    public Panel row(double... values) {
        return new Panel(values.length, 1, Vectors.floats(values));
    }

    @Override
    public Panel linear(Panel x, Panel matrix, Panel offset) {
        if (matrix.matrix() == null) {
            return thin(x, matrix, offset);
        }
        var input = new PackedInput(x.rows(), x.columns());
        System.arraycopy(x.values(), 0, input.values(), 0, x.values().length);
        input.ready();
        var product = new Panel(matrix.rows(), x.columns());
        matrix.matrix().times(input, product.values(), 0);
        return offset == null ? product : plus(product, offset);
    }

    /** Sums in double precision: what is measured is often a small difference of a product and its offset. */
    private static Panel thin(Panel x, Panel matrix, Panel offset) {
        int n = x.columns();
        var product = new Panel(matrix.rows(), n);
        if (n == 1) {
            for (int r = 0; r < matrix.rows(); r++) {
                product.values()[r] = dot(x.values(), matrix.values(), r, offset == null ? 0 : offset.values()[r]);
            }
            return product;
        }
        var sums = new double[n];
        for (int r = 0; r < matrix.rows(); r++) {
            Arrays.fill(sums, offset == null ? 0 : offset.values()[r]);
            for (int i = 0; i < x.rows(); i++) {
                double factor = matrix.values()[r * x.rows() + i];
                for (int c = 0; c < n; c++) {
                    sums[c] += factor * x.values()[i * n + c];
                }
            }
            for (int c = 0; c < n; c++) {
                product.values()[r * n + c] = (float) sums[c];
            }
        }
        return product;
    }

    /** Returns {@code start + sum_i matrix[r, i] x[i]}: one text's sum, in the order of several texts' sums. */
    private static float dot(float[] x, float[] matrix, int r, double start) {
        double sum = start;
        for (int i = 0, at = r * x.length; i < x.length; i++, at++) {
            sum += (double) matrix[at] * x[i];
        }
        return (float) sum;
    }

    @Override
    public Panel plus(Panel a, Panel b) {
        return each(a, b, Float::sum);
    }

    @Override
    public Panel times(Panel a, Panel b) {
        return each(a, b, (x, y) -> x * y);
    }

    @Override
    public Panel within(Panel x, Panel low, Panel high) {
        return times(
                each(x, low, (value, least) -> value >= least ? 1 : 0),
                each(x, high, (value, most) -> value <= most ? 1 : 0));
    }

    @Override
    public Panel clip(Panel x, double low, double high) {
        return each(x, value -> Math.max(low, Math.min(high, value)));
    }

    @Override
    public Panel apply(Elementwise function, Panel x) {
        return each(x, function::of);
    }

    private static Panel each(Panel x, DoubleUnaryOperator operator) {
        var result = new Panel(x.rows(), x.columns());
        for (int i = 0; i < x.values().length; i++) {
            result.values()[i] = (float) operator.applyAsDouble(x.values()[i]);
        }
        return result;
    }

    @FunctionalInterface
    private interface Operator {
        float of(float a, float b);
    }

    /** Applies an operator elementwise; what all texts share, or all coordinates of b, is repeated. */
    private static Panel each(Panel a, Panel b, Operator operator) {
        var result = new Panel(a.rows(), a.columns());
        int down = b.rows() == 1 ? 0 : b.columns();
        int across = b.columns() == 1 ? 0 : 1;
        for (int i = 0, at = 0; i < a.rows(); i++) {
            for (int j = 0; j < a.columns(); j++, at++) {
                result.values()[at] = operator.of(a.values()[at], b.values()[i * down + j * across]);
            }
        }
        return result;
    }
}
