package rudder.theory;

import org.ejml.data.DMatrixRMaj;

/**
 * The three dense products heavy enough to be worth supplying from outside, for instance from a GPU. All are in double precision, leave
 * their arguments untouched and return a new matrix.
 */
public interface DenseAlgebra {
    /** {@code A B}. */
    DMatrixRMaj multiply(DMatrixRMaj a, DMatrixRMaj b);

    /** {@code A' B}. */
    DMatrixRMaj multiplyTransposed(DMatrixRMaj a, DMatrixRMaj b);

    /**
     * {@code S^-1 B} for a symmetric positive definite S.
     *
     * @throws IllegalArgumentException if S is found not to be positive definite
     */
    DMatrixRMaj solveSpd(DMatrixRMaj s, DMatrixRMaj b);

    /** A left factor for many products. What it takes is freed by closing it. */
    interface Factor extends AutoCloseable {
        /** {@code A B}. */
        DMatrixRMaj multiply(DMatrixRMaj b);

        /** {@code A' B}. */
        DMatrixRMaj multiplyTransposed(DMatrixRMaj b);

        @Override
        void close();
    }

    /** Holds A where the products are made: with skinny B, carrying A there each time costs more than the products. */
    default Factor hold(DMatrixRMaj a) {
        var algebra = this;
        return new Factor() {
            @Override
            public DMatrixRMaj multiply(DMatrixRMaj b) {
                return algebra.multiply(a, b);
            }

            @Override
            public DMatrixRMaj multiplyTransposed(DMatrixRMaj b) {
                return algebra.multiplyTransposed(a, b);
            }

            @Override
            public void close() {}
        };
    }

    /** Plain Java, good for widths up to some hundreds. */
    static DenseAlgebra ejml() {
        return EjmlAlgebra.INSTANCE;
    }
}
