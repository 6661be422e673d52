package rudder.theory;

import org.ejml.LinearSolverSafe;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.CommonOps_MT_DDRM;
import org.ejml.dense.row.MatrixFeatures_DDRM;
import org.ejml.dense.row.factory.LinearSolverFactory_DDRM;

/** Dense algebra on the Java heap, with EJML. The heap is its only workspace. */
enum EjmlAlgebra implements DenseAlgebra, DenseAlgebra.Workspace {
    INSTANCE;

    private record Here(DMatrixRMaj get) implements Matrix {}

    @Override
    public Workspace open() {
        return this;
    }

    @Override
    public Matrix put(DMatrixRMaj m) {
        return new Here(m);
    }

    @Override
    public Matrix keep(Matrix m) {
        return m;
    }

    @Override
    public Matrix multiply(Matrix a, Matrix b) {
        return new Here(
                threads(a)
                        ? CommonOps_MT_DDRM.mult(a.get(), b.get(), null)
                        : CommonOps_DDRM.mult(a.get(), b.get(), null));
    }

    @Override
    public Matrix multiplyTransposed(Matrix a, Matrix b) {
        return new Here(
                threads(a)
                        ? CommonOps_MT_DDRM.multTransA(a.get(), b.get(), null)
                        : CommonOps_DDRM.multTransA(a.get(), b.get(), null));
    }

    @Override
    public Matrix solveSpd(Matrix divisor, Matrix dividend) {
        var s = divisor.get();
        var b = dividend.get();
        var cholesky = new LinearSolverSafe<>(LinearSolverFactory_DDRM.symmPosDef(s.numRows)); // keeps s intact
        Check.that(cholesky.setA(s), "the %d x %d matrix to divide by is not positive definite", s.numRows, s.numCols);
        var x = new DMatrixRMaj(b.numRows, b.numCols);
        cholesky.solve(b, x);
        return new Here(x);
    }

    @Override
    public Matrix plus(Matrix a, double factor, Matrix b) {
        return new Here(CommonOps_DDRM.add(1, a.get(), factor, b.get(), null));
    }

    @Override
    public Matrix symmetric(double factor, Matrix a, double shift) {
        var sum = Matrices.symmetrised(a.get().copy());
        CommonOps_DDRM.scale(factor, sum);
        return new Here(Matrices.addToDiagonal(sum, shift));
    }

    @Override
    public boolean isFinite(Matrix a) {
        return !MatrixFeatures_DDRM.hasUncountable(a.get());
    }

    @Override
    public void close() {}

    /** Returns whether the product is large enough that threads pay off. */
    private static boolean threads(Matrix a) {
        return a.get().numRows >= 200;
    }

    @Override
    public String toString() {
        return "DenseAlgebra[EJML]";
    }
}
