package rudder.theory.control;

import org.ejml.data.DMatrixRMaj;

/**
 * The few operations that laws are made of, on states as rows, one for each token that is steered: on the Java heap, or
 * on a GPU. Results are new; arguments stay as they are.
 */
public interface Arithmetic<X> {
    /** Numbers that a law brings along, kept for as long as the controller runs. */
    X matrix(DMatrixRMaj matrix);

    /** A single row of them. */
    X row(double... values);

    /** {@code x M' + offset} for rows x [n, d], a matrix M [m, d] and an offset, a single row of m, or null: [n, m]. */
    X linear(X x, X matrix, X offset);

    /** a + b; b may be a single row, added to each of a's. */
    X plus(X a, X b);

    /** a b, number by number; b may be a single row, or a single column. */
    X times(X a, X b);

    /** 1 where {@code low <= x <= high}, else 0; low and high are single rows. */
    X within(X x, X low, X high);

    /** On the Java heap, in double precision. */
    static Arithmetic<DMatrixRMaj> heap() {
        return HeapArithmetic.INSTANCE;
    }
}
