package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.DenseAlgebra;

/** theory's dense products on the engine's device, in double precision: libtorch with MKL on a CPU, or a GPU. */
final class EngineAlgebra implements DenseAlgebra {

    private final NDManager manager;

    EngineAlgebra(NDManager manager) {
        this.manager = manager;
    }

    @Override
    public DMatrixRMaj multiply(DMatrixRMaj a, DMatrixRMaj b) {
        try (NDManager scope = manager.newSubManager()) {
            return down(up(scope, a).matMul(up(scope, b)));
        }
    }

    @Override
    public DMatrixRMaj multiplyTransposed(DMatrixRMaj a, DMatrixRMaj b) {
        try (NDManager scope = manager.newSubManager()) {
            return down(up(scope, a).transpose().matMul(up(scope, b)));
        }
    }

    /** By the inverse: the engine's binding offers no factorisation. For well-scaled S + rI it agrees with Cholesky to rounding. */
    @Override
    public DMatrixRMaj solveSpd(DMatrixRMaj s, DMatrixRMaj b) {
        try (NDManager scope = manager.newSubManager()) {
            return down(up(scope, s).inverse().matMul(up(scope, b)));
        }
    }

    /** A stays on the device; what is multiplied with it comes and goes. */
    @Override
    public Factor hold(DMatrixRMaj matrix) {
        NDManager held = manager.newSubManager();
        NDArray a = up(held, matrix);
        NDArray transposed = a.transpose();
        return new Factor() {
            @Override
            public DMatrixRMaj multiply(DMatrixRMaj b) {
                return product(a, b);
            }

            @Override
            public DMatrixRMaj multiplyTransposed(DMatrixRMaj b) {
                return product(transposed, b);
            }

            private DMatrixRMaj product(NDArray left, DMatrixRMaj b) {
                try (NDManager scope = manager.newSubManager()) {
                    return down(Tensors.within(scope, left).matMul(up(scope, b)));
                }
            }

            @Override
            public void close() {
                held.close();
            }
        };
    }

    static NDArray up(NDManager scope, DMatrixRMaj x) {
        double[] data = x.data.length == x.getNumElements() ? x.data : java.util.Arrays.copyOf(x.data, x.getNumElements());
        return scope.create(data, new Shape(x.numRows, x.numCols));
    }

    static DMatrixRMaj down(NDArray x) {
        Shape shape = x.getShape();
        return DMatrixRMaj.wrap((int) shape.get(0), (int) shape.get(1), x.toType(DataType.FLOAT64, false).toDoubleArray());
    }

    @Override
    public String toString() {
        return "EngineAlgebra[float64, " + Devices.name(manager.getDevice()) + "]";
    }
}
