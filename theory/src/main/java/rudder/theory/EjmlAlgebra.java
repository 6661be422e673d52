package rudder.theory;

import org.ejml.LinearSolverSafe;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.CommonOps_MT_DDRM;
import org.ejml.dense.row.factory.LinearSolverFactory_DDRM;

enum EjmlAlgebra implements DenseAlgebra {
    INSTANCE;

    @Override
    public DMatrixRMaj multiply(DMatrixRMaj a, DMatrixRMaj b) {
        return threads(a) ? CommonOps_MT_DDRM.mult(a, b, null) : CommonOps_DDRM.mult(a, b, null);
    }

    @Override
    public DMatrixRMaj multiplyTransposed(DMatrixRMaj a, DMatrixRMaj b) {
        return threads(a) ? CommonOps_MT_DDRM.multTransA(a, b, null) : CommonOps_DDRM.multTransA(a, b, null);
    }

    @Override
    public DMatrixRMaj solveSpd(DMatrixRMaj s, DMatrixRMaj b) {
        var cholesky = new LinearSolverSafe<>(LinearSolverFactory_DDRM.symmPosDef(s.numRows)); // keeps s intact
        Check.that(cholesky.setA(s), "the %d x %d matrix to divide by is not positive definite", s.numRows, s.numCols);
        var x = new DMatrixRMaj(b.numRows, b.numCols);
        cholesky.solve(b, x);
        return x;
    }

    /** Below this size starting threads costs more than they save. */
    private static boolean threads(DMatrixRMaj a) {
        return a.numRows >= 200;
    }

    @Override
    public String toString() {
        return "DenseAlgebra[EJML]";
    }
}
