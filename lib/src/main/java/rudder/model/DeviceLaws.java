package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Optional;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.Controller;
import rudder.theory.Law;

/** A controller's laws u = W (b - C z) on the engine's device: two skinny products a block, for any number of tokens at once. */
final class DeviceLaws implements AutoCloseable {

    /** -C [m, d], b [m], W [d, m]. */
    private record Arrays(NDArray minusC, NDArray b, NDArray w) {}

    private final NDManager manager;
    private final Arrays[] laws;

    /**
     * @throws IllegalArgumentException if the controller was made for another number of blocks or another width
     */
    DeviceLaws(NDManager parent, DataType type, Controller controller, int horizon, int dimension) {
        manager = parent.newSubManager();
        laws = new Arrays[horizon];
        controller.requireFits(horizon, dimension);
        for (int k = 0; k < horizon; k++) {
            Optional<Law> law = controller.law(k);
            laws[k] = law.isEmpty() ? null : upload(law.get(), type);
        }
    }

    private Arrays upload(Law law, DataType type) {
        NDArray c = upload(law.C(), type);
        return new Arrays(c.negi(), manager.create(law.b()).toType(type, false), upload(law.W(), type));
    }

    private NDArray upload(DMatrixRMaj x, DataType type) {
        return manager.create(java.util.Arrays.copyOf(x.data, x.getNumElements()), new Shape(x.numRows, x.numCols)).toType(type, false);
    }

    /** u [.., d] for states z [.., d] entering block k, null where the controller has no law there. */
    NDArray input(int k, NDArray z) {
        Arrays law = laws[k];
        return law == null ? null : Tensors.linear(Tensors.linear(z, law.minusC, law.b), law.w, null); // (b - C z)' W'
    }

    @Override
    public void close() {
        manager.close();
    }
}
