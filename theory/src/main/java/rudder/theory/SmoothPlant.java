package rudder.theory;

import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;

/** A plant with known derivatives: Jacobians, and a bound on the second derivative. */
public interface SmoothPlant extends Plant {
    /** Returns D phi_k at z, d x d. */
    DMatrixRMaj jacobian(int k, double[] z);

    /**
     * Returns a number H with {@code |D^2 phi_k| <= H} on the ball of the given radius about z, in 2-norms. Inside the
     * ball
     *
     * <pre>|phi_k(z + x) - phi_k(z) - D phi_k(z) x| &lt;= H/2 |x|^2.</pre>
     *
     * <p>A certified {@link rudder.theory.bound.TrackingBound} needs this number.
     */
    double curvature(int k, double[] z, double radius);

    /**
     * Returns the system of A_k = D phi_k at the given states z_0..z_{T-1}, or more.
     *
     * @throws IllegalArgumentException if there are fewer states than blocks
     */
    default LinearSystem linearise(double[][] states) {
        Check.that(
                states.length >= horizon(),
                "%d states to linearise at, wanted one for each of %d blocks",
                states.length,
                horizon());
        return LinearSystem.of(
                IntStream.range(0, horizon())
                        .mapToObj(k -> jacobian(k, states[k]))
                        .toList(),
                DenseAlgebra.ejml(),
                "linearised " + this);
    }
}
