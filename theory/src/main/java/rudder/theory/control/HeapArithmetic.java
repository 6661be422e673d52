package rudder.theory.control;

import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.theory.Vectors;

/** The arithmetic of the Java heap, in double precision, on EJML matrices. */
final class HeapArithmetic implements Arithmetic<DMatrixRMaj> {
    static final HeapArithmetic INSTANCE = new HeapArithmetic();

    private HeapArithmetic() {}

    @Override
    public DMatrixRMaj matrix(DMatrixRMaj matrix) {
        return matrix;
    }

    @Override
    public DMatrixRMaj row(double... values) {
        return Vectors.row(values);
    }

    @Override
    public DMatrixRMaj linear(DMatrixRMaj x, DMatrixRMaj matrix, DMatrixRMaj offset) {
        var product = CommonOps_DDRM.multTransB(x, matrix, null);
        return offset == null ? product : plus(product, offset);
    }

    @Override
    public DMatrixRMaj plus(DMatrixRMaj a, DMatrixRMaj b) {
        return each(a, b, Double::sum);
    }

    @Override
    public DMatrixRMaj times(DMatrixRMaj a, DMatrixRMaj b) {
        return each(a, b, (x, y) -> x * y);
    }

    @Override
    public DMatrixRMaj within(DMatrixRMaj x, DMatrixRMaj low, DMatrixRMaj high) {
        return times(
                each(x, low, (value, least) -> value >= least ? 1 : 0),
                each(x, high, (value, most) -> value <= most ? 1 : 0));
    }

    @Override
    public DMatrixRMaj clip(DMatrixRMaj x, double low, double high) {
        return each(x, value -> Math.max(low, Math.min(high, value)));
    }

    @Override
    public DMatrixRMaj apply(Elementwise function, DMatrixRMaj x) {
        return each(x, function::of);
    }

    private static DMatrixRMaj each(DMatrixRMaj x, DoubleUnaryOperator operator) {
        var result = new DMatrixRMaj(x.numRows, x.numCols);
        for (int i = 0; i < result.getNumElements(); i++) {
            result.data[i] = operator.applyAsDouble(x.data[i]);
        }
        return result;
    }

    /** Applies an operator elementwise; a single row or column of b is repeated. */
    private static DMatrixRMaj each(DMatrixRMaj a, DMatrixRMaj b, DoubleBinaryOperator operator) {
        var result = new DMatrixRMaj(a.numRows, a.numCols);
        for (int i = 0, at = 0; i < a.numRows; i++) {
            for (int j = 0; j < a.numCols; j++, at++) {
                result.data[at] = operator.applyAsDouble(
                        a.data[at], b.data[(b.numRows == 1 ? 0 : i) * b.numCols + (b.numCols == 1 ? 0 : j)]);
            }
        }
        return result;
    }
}
