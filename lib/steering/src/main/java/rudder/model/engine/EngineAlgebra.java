package rudder.model.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Supplier;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.DenseAlgebra;
import rudder.theory.Vectors;

/** Dense algebra for {@code rudder.theory} on the engine's device, in double precision: MKL on a CPU, or a GPU. */
public final class EngineAlgebra implements DenseAlgebra {

    private static final ThreadLocal<ByteBuffer> STAGING = ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(0));

    private final NDManager manager;
    private final Lifetime lifetime;

    /** @param lifetime of the manager */
    public EngineAlgebra(NDManager manager, Lifetime lifetime) {
        this.manager = manager;
        this.lifetime = lifetime;
    }

    private record There(NDArray array, Lifetime lifetime) implements Matrix {
        @Override
        public DMatrixRMaj get() {
            return lifetime.during(() -> down(array));
        }
    }

    @Override
    public Workspace open() {
        return lifetime.during(() -> new Space(manager.newSubManager(), lifetime));
    }

    private record Space(NDManager scope, Lifetime lifetime) implements Workspace {

        private Matrix made(Supplier<NDArray> product) {
            return lifetime.during(() -> new There(product.get(), lifetime));
        }

        @Override
        public Matrix put(DMatrixRMaj m) {
            return made(() -> up(scope, m));
        }

        @Override
        public Matrix keep(Matrix m) {
            return lifetime.during(() -> {
                ((There) m).array.attach(scope);
                return m;
            });
        }

        /** Returns a view of the matrix whose results belong to this workspace. */
        private NDArray here(Matrix m) {
            NDArray array = ((There) m).array;
            NDArray view = array.reshape(array.getShape());
            view.attach(scope);
            return view;
        }

        @Override
        public Matrix multiply(Matrix a, Matrix b) {
            return made(() -> here(a).matMul(here(b)));
        }

        @Override
        public Matrix multiplyTransposed(Matrix a, Matrix b) {
            return made(() -> here(a).transpose().matMul(here(b)));
        }

        /**
         * Multiplies by the inverse, because the engine's binding offers no factorisation. For well-scaled S + rI the
         * result agrees with Cholesky's up to rounding. An indefinite S is not refused.
         */
        @Override
        public Matrix solveSpd(Matrix s, Matrix b) {
            return made(() -> {
                try (NDArray inverse = here(s).inverse()) {
                    NDArray x = inverse.matMul(here(b));
                    x.attach(scope);
                    return x;
                }
            });
        }

        @Override
        public Matrix plus(Matrix a, double factor, Matrix b) {
            return made(() -> here(b).mul(factor).addi(here(a)));
        }

        @Override
        public Matrix symmetric(double factor, Matrix a, double shift) {
            return made(() -> {
                NDArray x = here(a);
                NDArray sum = x.add(x.transpose()).muli(factor / 2);
                int d = (int) x.getShape().get(0);
                try (NDArray identity = scope.eye(d, d, 0, x.getDataType())) {
                    return sum.addi(identity.muli(shift));
                }
            });
        }

        @Override
        public boolean isFinite(Matrix a) {
            return lifetime.during(() -> {
                NDArray x = here(a);
                // both are NaN if any number is
                return Double.isFinite(x.max().getDouble())
                        && Double.isFinite(x.min().getDouble());
            });
        }

        @Override
        public void close() {
            scope.close();
        }
    }

    /**
     * Copies a matrix to the device. Each thread reuses one buffer: with a new buffer for each matrix, hundreds of
     * megabytes would wait for the garbage collector, since the engine shares their memory.
     */
    public static NDArray up(NDManager scope, DMatrixRMaj x) {
        int bytes = Math.multiplyExact(x.getNumElements(), Double.BYTES);
        if (STAGING.get().capacity() < bytes) {
            STAGING.set(ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder()));
        }
        ByteBuffer staged = STAGING.get().slice(0, bytes).order(ByteOrder.nativeOrder());
        staged.asDoubleBuffer().put(x.data, 0, x.getNumElements());
        NDArray shared = scope.create(staged, new Shape(x.numRows, x.numCols), DataType.FLOAT64);
        if (shared.getDevice().isGpu()) {
            return shared; // already a copy
        }
        try (shared) {
            return shared.duplicate();
        }
    }

    /** Copies a matrix [m, n] from the device. */
    public static DMatrixRMaj down(NDArray x) {
        Shape shape = x.getShape();
        return DMatrixRMaj.wrap((int) shape.get(0), (int) shape.get(1), numbers(x));
    }

    /** Copies an array's numbers from the device in their own precision: the host makes double precision of them. */
    public static double[] numbers(NDArray x) {
        return x.getDataType() == DataType.FLOAT32
                ? Vectors.doubles(x.toFloatArray())
                : x.toType(DataType.FLOAT64, false).toDoubleArray();
    }

    @Override
    public String toString() {
        return "EngineAlgebra[float64, " + Devices.name(manager.getDevice()) + "]";
    }
}
