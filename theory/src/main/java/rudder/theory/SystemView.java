package rudder.theory;

import java.util.Optional;
import java.util.function.IntFunction;
import org.ejml.data.DMatrixRMaj;

/**
 * A system that computes its Jacobians on demand and has another system's shape, plant and algebra. T more Jacobians
 * may not fit in memory.
 */
record SystemView(LinearSystem base, IntFunction<DMatrixRMaj> jacobians, String description) implements LinearSystem {
    @Override
    public int horizon() {
        return base.horizon();
    }

    @Override
    public int dimension() {
        return base.dimension();
    }

    @Override
    public DMatrixRMaj jacobian(int k) {
        Check.block(k, horizon() - 1);
        return jacobians.apply(k);
    }

    @Override
    public Optional<String> plant() {
        return base.plant();
    }

    @Override
    public DenseAlgebra algebra() {
        return base.algebra();
    }

    @Override
    public String toString() {
        return "LinearSystem[" + description + "]";
    }
}
