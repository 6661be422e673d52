package rudder.theory;

import java.util.Arrays;

/**
 * Anything with layers: {@code z_{k+1} = phi_k(z_k) + u_k}, k = 0..T-1. The input is added by whoever runs the plant.
 */
public interface Plant {
    /** T, the number of blocks. */
    int horizon();

    /** d, the width of the state. */
    int dimension();

    /** phi_k(z), a new array of d numbers, for k = 0..T-1. */
    double[] next(int k, double[] z);

    /** phi_k of each of several states, [m][d] to [m][d]; a plant that can does them at once. */
    default double[][] next(int k, double[][] states) {
        return Arrays.stream(states).map(z -> next(k, z)).toArray(double[][]::new);
    }

    /** The linear plant {@code phi_k(z) = A_k z}. */
    static Plant of(LinearSystem system) {
        return new Plant() {
            @Override
            public int horizon() {
                return system.horizon();
            }

            @Override
            public int dimension() {
                return system.dimension();
            }

            @Override
            public double[] next(int k, double[] z) {
                return Vectors.multiply(system.jacobian(k), z);
            }

            @Override
            public String toString() {
                return "Plant[" + system + "]";
            }
        };
    }
}
