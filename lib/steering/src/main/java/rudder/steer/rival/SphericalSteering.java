package rudder.steer.rival;

import java.util.Map;
import rudder.steer.Features;
import rudder.theory.Check;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;
import rudder.theory.control.SphericalLaw;

/**
 * Rotations behind a gate. {@link #atBlock} turns the state behind a block towards the feature, each state in its own
 * plane, where the state does not point there already; {@link SphericalLaw} has the formula. {@link #angular} is
 * {@link Baselines#angular}, in one plane for all states, behind a gate on the feature's strength.
 */
public final class SphericalSteering {

    /** The authors' concentration, for all their models. */
    public static final double KAPPA = 20;
    /** The authors' gate for Llama 3.1 8B: it also opens for states that lie a little on the feature's side. */
    public static final double BETA = -0.15;

    private static final double HALF = 0.5;

    private SphericalSteering() {}

    /** Returns {@link #atBlock(Features, int, double, double, double)} with {@link #KAPPA} and {@link #BETA}. */
    public static Controller atBlock(Features features, int block, double alpha) {
        return atBlock(features, block, alpha, KAPPA, BETA);
    }

    /**
     * Returns spherical steering of a block's output towards v_{k+1}, the difference of the two sides' means.
     *
     * <p>Source: You, Deng and Chen, arXiv 2602.08169, with their antipodal prototypes.
     *
     * @param alpha the strength: the largest fraction of the angle; the authors use 0.6 and 0.7
     * @throws IllegalArgumentException if there is no such block, or a parameter is out of its bounds
     */
    public static Controller atBlock(Features features, int block, double alpha, double kappa, double beta) {
        Check.block(block, features.horizon() - 1);
        var law = new SphericalLaw(features.direction(block + 1), kappa, alpha, beta, 1);
        return Controller.of(
                "spherical " + alpha + " behind block " + block,
                HookPoint.RESID_POST,
                Map.of(block, law),
                features.setpoint(1));
    }

    /**
     * Returns {@link Baselines#angular} where the state that enters the block shows less than half of the feature. For
     * stronger states nothing is added.
     *
     * <p>Source: adaptive angular steering (Vu and Nguyen, arXiv 2510.26243) turns only states that a gate on the
     * feature's direction admits. Their gate is the sign of the projection; this one lies half way between the two
     * sides' means.
     */
    public static Controller angular(Features features, double lambda, int block) {
        return Baselines.angular(features, lambda, block)
                .onlyWhen(features.setpoint(1), Double.NEGATIVE_INFINITY, HALF)
                .named("gated angular " + lambda + " at block " + block);
    }
}
