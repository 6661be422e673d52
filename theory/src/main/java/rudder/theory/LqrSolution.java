package rudder.theory;

import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * The gains K_k of a regulated system, see {@link Lqr} for formulas and source. Only the T gains are kept; cost to go
 * and closed loop are computed on demand.
 */
public final class LqrSolution {
    private final LinearSystem system;
    private final QuadraticCost cost;
    private final DMatrixRMaj[] gains;

    LqrSolution(LinearSystem system, QuadraticCost cost, DMatrixRMaj[] gains) {
        this.system = system;
        this.cost = cost;
        this.gains = gains;
    }

    /** Returns the regulated system. */
    public LinearSystem system() {
        return system;
    }

    /** Returns the minimised cost. */
    public QuadraticCost cost() {
        return cost;
    }

    /** Returns T. */
    public int horizon() {
        return gains.length;
    }

    /** Returns d. */
    public int dimension() {
        return system.dimension();
    }

    /** Returns K_k, d x d, k = 0..T-1; the optimal input is {@code -K_k dz_k}. */
    public DMatrixRMaj gain(int k) {
        Check.block(k, horizon() - 1);
        return gains[k];
    }

    /**
     * Returns S_k, d x d, symmetric, k = 0..T, with S_T = qf I. The least cost from a state x at block k is {@code x'
     * S_k x}. Costs one product.
     */
    public DMatrixRMaj costToGo(int k) {
        Check.block(k, horizon());
        return k == horizon()
                ? Lqr.terminal(dimension(), cost)
                : Lqr.costToGo(system.jacobian(k), gains[k], cost, system.algebra());
    }

    /** Returns Ahat_k = A_k - K_k, d x d, k = 0..T-1. */
    public DMatrixRMaj closedLoop(int k) {
        return CommonOps_DDRM.subtract(system.jacobian(k), gain(k), null);
    }

    /** Returns the closed loop {@code dz_{k+1} = Ahat_k dz_k}, on the same algebra. */
    public LinearSystem closedLoop() {
        return system.transformed(this::closedLoop, "closed loop of " + this);
    }

    /** Returns {@code K_k x}, d numbers. */
    public double[] feedback(int k, double[] x) {
        Check.length("the vector", x.length, dimension());
        return Vectors.multiply(gain(k), x);
    }

    /**
     * Returns the vectors {@code w_k = K_k v_k} of a setpoint's directions.
     *
     * @throws IllegalArgumentException if gains and setpoint have different horizons or widths
     */
    public FeedbackVectors feedback(Setpoint setpoint) {
        setpoint.requireFits(horizon(), dimension());
        return FeedbackVectors.of(
                IntStream.range(0, horizon())
                        .mapToObj(k -> feedback(k, setpoint.direction(k)))
                        .toArray(double[][]::new),
                system.plant());
    }

    @Override
    public String toString() {
        return "LqrSolution[q=" + cost.q() + ", r=" + cost.r() + ", qf=" + cost.qf() + ", " + system + "]";
    }
}
