package rudder.theory;

import java.util.Arrays;

/**
 * A layered system: {@code z_{k+1} = phi_k(z_k) + u_k}, k = 0..T-1. The plant computes phi_k; its runner adds the
 * input. Source: the paper, where the blocks of a language model are time steps.
 */
public interface Plant {
    /** Returns T, the number of blocks. */
    int horizon();

    /** Returns d, the width of the state. */
    int dimension();

    /** Returns phi_k(z), a new array of d numbers, for k = 0..T-1. */
    double[] next(int k, double[] z);

    /** Returns phi_k of several states, [m][d] to [m][d]. Plants that can evaluate them together override this. */
    default double[][] next(int k, double[][] states) {
        return Arrays.stream(states).map(z -> next(k, z)).toArray(double[][]::new);
    }

    /** Returns the linear plant {@code phi_k(z) = A_k z}. */
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
