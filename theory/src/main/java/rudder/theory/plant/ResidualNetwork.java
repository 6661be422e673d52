package rudder.theory.plant;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import rudder.theory.Check;
import rudder.theory.DenseAlgebra;
import rudder.theory.Matrices;
import rudder.theory.SmoothPlant;
import rudder.theory.Vectors;

/**
 * A small stand-in for a transformer: residual blocks {@code phi_k(z) = z + V_k tanh(U_k z + c_k)} with random weights
 * and no attention. Source: Rudder's, for lectures and tests.
 */
public final class ResidualNetwork implements SmoothPlant {
    /** The argument at which |tanh''| is largest. */
    private static final double STEEPEST = Math.log(2 + Math.sqrt(3)) / 2;

    private final List<Block> blocks;

    private ResidualNetwork(List<Block> blocks) {
        this.blocks = blocks;
    }

    /** One block, with the norms of U, of V and of each row of U for its curvature. */
    private record Block(DMatrixRMaj u, double[] c, DMatrixRMaj v, double uNorm, double vNorm, double[] rowNorms) {
        static Block random(int d, int width, double strength, Random random) {
            var u = RandomMatrices_DDRM.rectangleGaussian(width, d, 0, 1 / Math.sqrt(d), random);
            var v = RandomMatrices_DDRM.rectangleGaussian(d, width, 0, strength / Math.sqrt(width), random);
            double[] c = RandomMatrices_DDRM.rectangleGaussian(1, width, 0, 0.5, random).data;
            double[] rowNorms = IntStream.range(0, width)
                    .mapToDouble(row -> Vectors.norm(Arrays.copyOfRange(u.data, row * d, (row + 1) * d)))
                    .toArray();
            return new Block(u, c, v, NormOps_DDRM.normP2(u), NormOps_DDRM.normP2(v), rowNorms);
        }

        double[] preactivations(double[] z) {
            return Vectors.plus(c, 1, Vectors.multiply(u, z));
        }
    }

    /**
     * Returns a network with random weights.
     *
     * @param horizon T.
     * @param dimension d.
     * @param width number of hidden units of a block.
     * @param strength size of a block's contribution relative to the state, about 0.3 to 1.
     * @param seed the same seed gives the same network
     * @throws IllegalArgumentException if horizon, dimension or width is not positive
     */
    public static ResidualNetwork random(int horizon, int dimension, int width, double strength, long seed) {
        Check.that(
                horizon > 0 && dimension > 0 && width > 0,
                "horizon %d, dimension %d, width %d: wanted all positive",
                horizon,
                dimension,
                width);
        var random = new Random(seed);
        return new ResidualNetwork(IntStream.range(0, horizon)
                .mapToObj(k -> Block.random(dimension, width, strength, random))
                .toList());
    }

    @Override
    public int horizon() {
        return blocks.size();
    }

    @Override
    public int dimension() {
        return blocks.get(0).v.numRows;
    }

    @Override
    public double[] next(int k, double[] z) {
        double[] hidden = block(k).preactivations(z);
        for (int i = 0; i < hidden.length; i++) {
            hidden[i] = Math.tanh(hidden[i]);
        }
        return Vectors.plus(z, 1, Vectors.multiply(block(k).v, hidden));
    }

    /** Returns I + V diag(tanh'(U z + c)) U. */
    @Override
    public DMatrixRMaj jacobian(int k, double[] z) {
        double[] hidden = block(k).preactivations(z);
        var scaled = block(k).u.copy();
        for (int row = 0; row < hidden.length; row++) {
            double slope = 1 - Math.pow(Math.tanh(hidden[row]), 2);
            for (int column = 0; column < z.length; column++) {
                scaled.set(row, column, slope * scaled.get(row, column));
            }
        }
        return Matrices.addToDiagonal(DenseAlgebra.ejml().multiply(block(k).v, scaled), 1);
    }

    /**
     * Returns the upper bound |V| |U| max_h (t_h |U_h|). It follows from {@code D^2 phi [x, y] = V (tanh''_h (U_h x)
     * (U_h y))_h}. In the ball the preactivation of unit h moves by at most |U_h| radius, and t_h is the largest
     * |tanh''| on that interval.
     */
    @Override
    public double curvature(int k, double[] z, double radius) {
        var block = block(k);
        double[] hidden = block.preactivations(z);
        double largest = 0;
        for (int h = 0; h < hidden.length; h++) {
            double reach = block.rowNorms[h] * radius;
            double at = Math.abs(hidden[h]); // |tanh''| is even, rises to its peak, then falls
            double steepest = Math.max(at - reach, Math.min(at + reach, STEEPEST));
            double tanh = Math.tanh(steepest);
            largest = Math.max(largest, 2 * tanh * (1 - tanh * tanh) * block.rowNorms[h]);
        }
        return block.vNorm * block.uNorm * largest;
    }

    private Block block(int k) {
        Check.block(k, horizon() - 1);
        return blocks.get(k);
    }

    @Override
    public String toString() {
        return "ResidualNetwork[T=" + horizon() + ", d=" + dimension() + ", width=" + blocks.get(0).c.length + "]";
    }
}
