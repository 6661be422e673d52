package rudder.theory;

import java.util.Optional;
import java.util.function.IntFunction;
import org.ejml.data.DMatrixRMaj;

/**
 * A system of another's shape and algebra whose Jacobians are made when asked for, since T of them may not fit in
 * memory twice.
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
