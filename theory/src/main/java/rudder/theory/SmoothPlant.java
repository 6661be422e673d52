package rudder.theory;

import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.bound.TrackingBound;

/** A plant that knows its derivatives. */
public interface SmoothPlant extends Plant {
    /** D phi_k at z, d x d. */
    DMatrixRMaj jacobian(int k, double[] z);

    /**
     * A number H with {@code |D^2 phi_k| <= H} on the ball of the given radius about z, in 2-norms, so that inside it
     *
     * <pre>|phi_k(z + x) - phi_k(z) - D phi_k(z) x| <= H/2 |x|^2.</pre>
     *
     * <p>It is what a certified {@link TrackingBound} rests on.
     */
    double curvature(int k, double[] z, double radius);

    /** A_k = D phi_k at the given states z_0..z_{T-1}, or more. */
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
