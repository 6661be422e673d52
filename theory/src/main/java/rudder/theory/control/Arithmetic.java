package rudder.theory.control;

import org.ejml.data.DMatrixRMaj;

/**
 * The operations that control laws are made of. States are rows, one for each steered token, on the Java heap or on a
 * device. Every operation returns a new array and leaves its arguments unchanged.
 *
 * @param <X> a matrix of this arithmetic, [rows, columns]
 */
public interface Arithmetic<X> {
    /** Uploads a law's constant matrix, which is kept as long as the controller runs. */
    X matrix(DMatrixRMaj matrix);

    /** Uploads a law's constant row, [1, values]. */
    X row(double... values);

    /** Returns {@code x M' + offset}, [n, m], for x [n, d], M [m, d] and an offset [1, m] or null. */
    X linear(X x, X matrix, X offset);

    /** Returns a + b; b may be a single row, which is added to each row of a. */
    X plus(X a, X b);

    /** Returns the elementwise product a b; b may be a single row or a single column. */
    X times(X a, X b);

    /** Returns 1 where {@code low <= x <= high} and 0 elsewhere; low and high are single rows. */
    X within(X x, X low, X high);

    /** Returns x with every number below {@code low} raised to it and every number above {@code high} lowered to it. */
    X clip(X x, double low, double high);

    /** Returns the function of each number of x. */
    X apply(Elementwise function, X x);

    /** Returns the arithmetic of the Java heap, in double precision. */
    static Arithmetic<DMatrixRMaj> heap() {
        return HeapArithmetic.INSTANCE;
    }
}
