package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.Map;
import java.util.TreeMap;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.Controller;
import rudder.theory.Law;

/**
 * A controller's laws on the engine's device, u = W y + sum_i past_i y_i with y = b - C z: two skinny products a block, for any number of tokens at
 * once. A pass through the blocks goes from first to last; what a law remembers is the errors of the same pass.
 */
final class DeviceLaws implements AutoCloseable {

    /** -C [m, d], b [m], W [d, m], and by earlier block i a gain [d, m_i]. */
    private record Gains(NDArray minusC, NDArray b, NDArray w, Map<Integer, NDArray> past) {}

    private final NDManager manager;
    private final Gains[] laws;
    private final boolean remembers;
    private final NDArray[] errors;

    /**
     * @throws IllegalArgumentException if the controller was made for another number of blocks or another width
     */
    DeviceLaws(NDManager parent, DataType type, Controller controller, int horizon, int dimension) {
        controller.requireFits(horizon, dimension);
        manager = parent.newSubManager();
        laws = new Gains[horizon];
        errors = new NDArray[horizon];
        remembers = controller.remembers();
        for (int k = 0; k < horizon; k++) {
            laws[k] = controller.law(k).map(law -> upload(law, type)).orElse(null);
        }
    }

    private Gains upload(Law law, DataType type) {
        var past = new TreeMap<Integer, NDArray>();
        law.past().forEach((i, gain) -> past.put(i, upload(gain, type)));
        return new Gains(upload(law.C(), type).negi(), manager.create(law.b()).toType(type, false), upload(law.W(), type), past);
    }

    private NDArray upload(DMatrixRMaj x, DataType type) {
        return EngineAlgebra.up(manager, x).toType(type, false);
    }

    /**
     * u [.., d] for states z [.., d] entering block k, null where the controller has no law there. Errors that later blocks remember are kept in
     * {@code pass}, the scope of one pass.
     */
    NDArray input(NDManager pass, int k, NDArray z) {
        Gains law = laws[k];
        if (law == null) {
            return null;
        }
        NDArray y = Tensors.linear(z, law.minusC, law.b); // b - C z [.., m]
        NDArray u = Tensors.linear(y, law.w, null); // W y
        law.past.forEach((i, gain) -> u.addi(Tensors.linear(errors[i], gain, null)));
        if (remembers) {
            y.attach(pass);
            errors[k] = y;
        }
        return u;
    }

    @Override
    public void close() {
        manager.close();
    }
}
