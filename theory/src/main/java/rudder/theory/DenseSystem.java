package rudder.theory;

import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import org.ejml.data.DMatrixRMaj;

/** A system that holds all its Jacobians in memory. */
record DenseSystem(List<DMatrixRMaj> jacobians, DenseAlgebra algebra, String description) implements LinearSystem {
    DenseSystem {
        jacobians = List.copyOf(jacobians);
        Check.that(!jacobians.isEmpty(), "no Jacobians, wanted one for each block");
        int d = jacobians.get(0).numCols;
        for (int k = 0; k < jacobians.size(); k++) {
            Check.shape("the Jacobian of block " + k, jacobians.get(k), d, d);
            Check.finite("the Jacobian of block " + k, jacobians.get(k));
        }
    }

    @Override
    public int horizon() {
        return jacobians.size();
    }

    @Override
    public int dimension() {
        return jacobians.get(0).numCols;
    }

    @Override
    public DMatrixRMaj jacobian(int k) {
        Check.block(k, horizon() - 1);
        return jacobians.get(k);
    }

    @Override
    public String toString() {
        return "LinearSystem[T=" + horizon() + ", d=" + dimension()
                + (description.isEmpty() ? "]" : ", " + description + "]");
    }

    /**
     * A system that computes its Jacobians on demand and has another system's shape, plant and algebra. T more
     * Jacobians may not fit in memory.
     */
    record View(LinearSystem base, IntFunction<DMatrixRMaj> jacobians, String description) implements LinearSystem {
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
}
