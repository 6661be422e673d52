package rudder.theory;

import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * The gains of a regulated system. Only the T matrices K_k are kept; cost to go and closed loop follow from them on
 * demand.
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

    /** The system that was solved. */
    public LinearSystem system() {
        return system;
    }

    /** The cost that is least. */
    public QuadraticCost cost() {
        return cost;
    }

    /** T. */
    public int horizon() {
        return gains.length;
    }

    /** d. */
    public int dimension() {
        return system.dimension();
    }

    /** K_k, d x d, k = 0..T-1: the optimal input is {@code -K_k dz_k}. */
    public DMatrixRMaj gain(int k) {
        Check.block(k, horizon() - 1);
        return gains[k];
    }

    /**
     * S_k, d x d, symmetric, k = 0..T: {@code x' S_k x} is the least cost from x at block k. Costs one product; S_T =
     * qf I.
     */
    public DMatrixRMaj costToGo(int k) {
        Check.block(k, horizon());
        return k == horizon()
                ? Lqr.terminal(dimension(), cost)
                : Lqr.costToGo(system.jacobian(k), gains[k], cost, system.algebra());
    }

    /** Ahat_k = A_k - K_k, d x d, k = 0..T-1. */
    public DMatrixRMaj closedLoop(int k) {
        return CommonOps_DDRM.subtract(system.jacobian(k), gain(k), null);
    }

    /** The regulated system {@code dz_{k+1} = Ahat_k dz_k}, on the same algebra. */
    public LinearSystem closedLoop() {
        return system.transformed(this::closedLoop, "closed loop of " + this);
    }

    /** {@code K_k x}, d numbers. */
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
