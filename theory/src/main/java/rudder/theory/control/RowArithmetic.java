package rudder.theory.control;

import org.ejml.data.DMatrixRMaj;

/** Products and lengths of the rows of matrices [n, d]. */
final class RowArithmetic<X> {

    /** Added to lengths: a state of zeros has no direction, and must not divide by 0. */
    private static final double TINY = 1e-30;

    private final Arithmetic<X> arithmetic;
    private final X ones;
    private final X tiny;

    RowArithmetic(Arithmetic<X> arithmetic, int d) {
        this.arithmetic = arithmetic;
        var row = new DMatrixRMaj(1, d);
        row.fill(1);
        ones = arithmetic.matrix(row);
        tiny = arithmetic.row(TINY);
    }

    /** Returns x.y for each row, [n, 1]. */
    X dot(X x, X y) {
        return arithmetic.linear(arithmetic.times(x, y), ones, null);
    }

    /** Returns |x| for each row, above 0, [n, 1]. */
    X length(X x) {
        return arithmetic.plus(arithmetic.apply(Elementwise.SQRT, dot(x, x)), tiny);
    }

    /** Returns x / |x| for each row; 0 for a row of zeros. */
    X unit(X x) {
        return arithmetic.times(x, arithmetic.apply(Elementwise.RECIPROCAL, length(x)));
    }
}
