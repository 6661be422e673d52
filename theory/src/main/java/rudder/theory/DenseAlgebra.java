package rudder.theory;

import org.ejml.data.DMatrixRMaj;

/**
 * Dense linear algebra in double precision, on the Java heap or on a device such as a GPU. Matrices are copied into a
 * {@link Workspace} on that device, products stay there, and {@link Matrix#get} copies a result back:
 *
 * <pre>{@code
 * try (var here = algebra.open()) {
 *     var a = here.put(jacobian);
 *     return here.multiplyTransposed(a, here.multiply(p, a)).get();   // A'PA
 * }
 * }</pre>
 */
public interface DenseAlgebra {

    /** An immutable matrix on the algebra's device. Closing its workspace frees it. */
    interface Matrix {
        /** Returns the matrix in Java's memory; do not write to it. */
        DMatrixRMaj get();
    }

    /**
     * Matrices on the algebra's device. Each result belongs to the workspace that computes it. Operands may belong to
     * any workspace of the same algebra. Closing a workspace frees its matrices.
     */
    interface Workspace extends AutoCloseable {
        /** Copies a matrix from Java's memory; do not change the original while the copy is in use. */
        Matrix put(DMatrixRMaj m);

        /** Moves a matrix of another workspace here, so that it survives the other workspace. */
        Matrix keep(Matrix m);

        /** Returns {@code A B}. */
        Matrix multiply(Matrix a, Matrix b);

        /** Returns {@code A' B}. */
        Matrix multiplyTransposed(Matrix a, Matrix b);

        /**
         * Returns {@code S^-1 B} for a symmetric positive definite S. The caller sees to that: an algebra without
         * Cholesky's factorisation does not notice another S.
         *
         * @throws IllegalArgumentException if S is not positive definite and the algebra factorises it, as
         *     {@link DenseAlgebra#ejml} does
         */
        Matrix solveSpd(Matrix s, Matrix b);

        /** Returns {@code A + factor B}. */
        Matrix plus(Matrix a, double factor, Matrix b);

        /** Returns {@code factor (A + A') / 2 + shift I}. */
        Matrix symmetric(double factor, Matrix a, double shift);

        /** Returns whether no number is infinite or NaN. */
        boolean isFinite(Matrix a);

        @Override
        void close();
    }

    /** Opens an empty workspace; the caller closes it. */
    Workspace open();

    /** Returns {@code A B}, for matrices in Java's memory. */
    default DMatrixRMaj multiply(DMatrixRMaj a, DMatrixRMaj b) {
        try (var here = open()) {
            return here.multiply(here.put(a), here.put(b)).get();
        }
    }

    /** Returns {@code A B} for an A on the device; for a skinny B, copying A would cost more than the product. */
    default DMatrixRMaj multiply(Matrix a, DMatrixRMaj b) {
        try (var here = open()) {
            return here.multiply(a, here.put(b)).get();
        }
    }

    /** Returns {@code A' B}, for matrices in Java's memory. */
    default DMatrixRMaj multiplyTransposed(DMatrixRMaj a, DMatrixRMaj b) {
        try (var here = open()) {
            return here.multiplyTransposed(here.put(a), here.put(b)).get();
        }
    }

    /** Returns {@code A' B} for an A on the device. */
    default DMatrixRMaj multiplyTransposed(Matrix a, DMatrixRMaj b) {
        try (var here = open()) {
            return here.multiplyTransposed(a, here.put(b)).get();
        }
    }

    /** Returns {@link Workspace#solveSpd}, for matrices in Java's memory. */
    default DMatrixRMaj solveSpd(DMatrixRMaj s, DMatrixRMaj b) {
        try (var here = open()) {
            return here.solveSpd(here.put(s), here.put(b)).get();
        }
    }

    /** Returns the algebra of the Java heap (EJML), fast enough for widths up to some hundreds. */
    static DenseAlgebra ejml() {
        return EjmlAlgebra.INSTANCE;
    }
}
