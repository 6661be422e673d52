package rudder.theory;

import org.ejml.data.DMatrixRMaj;

/**
 * Dense products heavy enough to be worth supplying from outside, for instance from a GPU; all in double precision.
 * Matrices are put into a {@link Workspace}, wherever it may be; products leave their results there, and what is asked
 * for comes back:
 *
 * <pre>{@code
 * try (var here = algebra.open()) {
 *     var a = here.put(jacobian);
 *     return here.multiplyTransposed(a, here.multiply(p, a)).get();   // A'PA: one matrix there, one back
 * }
 * }</pre>
 */
public interface DenseAlgebra {

    /** A matrix where the algebra works. It never changes, and is gone when its workspace is closed. */
    interface Matrix {
        /** The matrix in Java's memory; not to be written to. */
        DMatrixRMaj get();
    }

    /**
     * What is computed belongs to the workspace that computes it; operands may be any of the same algebra's. Closing it
     * frees what it holds.
     */
    interface Workspace extends AutoCloseable {
        /** A copy of a matrix in Java's memory, which must not change while it is used. */
        Matrix put(DMatrixRMaj m);

        /** Moves a matrix of another workspace here, where it outlives that one. */
        Matrix keep(Matrix m);

        /** {@code A B}. */
        Matrix multiply(Matrix a, Matrix b);

        /** {@code A' B}. */
        Matrix multiplyTransposed(Matrix a, Matrix b);

        /**
         * {@code S^-1 B} for a symmetric positive definite S.
         *
         * @throws IllegalArgumentException if S is found not to be positive definite
         */
        Matrix solveSpd(Matrix s, Matrix b);

        /** {@code A + factor B}. */
        Matrix plus(Matrix a, double factor, Matrix b);

        /** {@code factor (A + A') / 2 + shift I}. */
        Matrix symmetric(double factor, Matrix a, double shift);

        /** Whether no number is infinite or NaN. */
        boolean isFinite(Matrix a);

        @Override
        void close();
    }

    /** A workspace, empty. */
    Workspace open();

    /** {@code A B}, there and back. */
    default DMatrixRMaj multiply(DMatrixRMaj a, DMatrixRMaj b) {
        try (var here = open()) {
            return here.multiply(here.put(a), here.put(b)).get();
        }
    }

    /**
     * {@code A B} with an A that is there: with skinny B, carrying A there each time would cost more than the products.
     */
    default DMatrixRMaj multiply(Matrix a, DMatrixRMaj b) {
        try (var here = open()) {
            return here.multiply(a, here.put(b)).get();
        }
    }

    /** {@code A' B}, there and back. */
    default DMatrixRMaj multiplyTransposed(DMatrixRMaj a, DMatrixRMaj b) {
        try (var here = open()) {
            return here.multiplyTransposed(here.put(a), here.put(b)).get();
        }
    }

    /** {@code A' B} with an A that is there. */
    default DMatrixRMaj multiplyTransposed(Matrix a, DMatrixRMaj b) {
        try (var here = open()) {
            return here.multiplyTransposed(a, here.put(b)).get();
        }
    }

    /** {@link Workspace#solveSpd}, there and back. */
    default DMatrixRMaj solveSpd(DMatrixRMaj s, DMatrixRMaj b) {
        try (var here = open()) {
            return here.solveSpd(here.put(s), here.put(b)).get();
        }
    }

    /** Plain Java, good for widths up to some hundreds. */
    static DenseAlgebra ejml() {
        return EjmlAlgebra.INSTANCE;
    }
}
