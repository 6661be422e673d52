package rudder.theory.control;

import rudder.theory.Check;
import rudder.theory.Vectors;

/**
 * A gated rotation towards a direction: turns the state in the plane of itself and v, and keeps its length. Let
 * {@code c = v.z / |z|} and {@code theta = acos(c)}, the angle between the state and v. Then
 *
 * <pre>
 * delta = -tanh(kappa c)                                            how much likelier -v is than v
 * t     = clip(alpha (delta - beta) / (1 - beta), 0, 1)             0 behind the gate, where delta is at most beta
 * u     = gain (|z| (cos((1-t) theta) v + sin((1-t) theta) n) - z)  n: the unit part of z orthogonal to v
 * </pre>
 *
 * <p>The difference delta is that of the probabilities of -v and v. It takes the states' directions to follow von
 * Mises-Fisher distributions of concentration kappa about the two. {@link ControlLaw#rotation} turns every state by one
 * angle in one plane. This law turns each state in its own plane, and by a fraction t of its own angle.
 *
 * <p>Source: Spherical Steering (You, Deng and Chen, arXiv 2602.08169), with their antipodal prototypes {@code mu_H =
 * -mu_T}, and {@code v = mu_T}.
 *
 * @param v the direction to turn to, d numbers of norm 1 to within 1e-6.
 * @param kappa sharpness of the gate, positive; the authors use 20.
 * @param alpha largest fraction of the angle, if the gate is fully open and alpha is at most 1; at least 0.
 * @param beta difference of probabilities at which the gate opens, above -1 and below 1. Below 0 the law also acts on
 *     states that lie on v's side.
 * @param gain factor of the input; 1 keeps the state's length
 */
public record SphericalLaw(double[] v, double kappa, double alpha, double beta, double gain) implements ControlLaw {

    /** States whose angle to v, or to -v, has a smaller sine span no plane with v. */
    private static final double PARALLEL = 1e-3;

    /** @throws IllegalArgumentException naming the parameter that is out of its bounds */
    public SphericalLaw {
        Check.finite("the direction to turn to", v);
        Check.that(
                Math.abs(Vectors.norm(v) - 1) <= 1e-6,
                "the direction to turn to has norm %s, wanted 1: divide it by its norm",
                Vectors.norm(v));
        Check.that(kappa > 0 && Double.isFinite(kappa), "kappa is %s, wanted a finite number above 0", kappa);
        Check.that(alpha >= 0 && Double.isFinite(alpha), "alpha is %s, wanted a finite number, at least 0", alpha);
        Check.that(-1 < beta && beta < 1, "beta is %s, wanted a number between -1 and 1", beta);
        Check.that(Double.isFinite(gain), "the gain is %s, wanted a finite number", gain);
        v = v.clone();
    }

    @Override
    public int dimension() {
        return v.length;
    }

    @Override
    public SphericalLaw times(double factor) {
        return new SphericalLaw(v, kappa, alpha, beta, factor * gain);
    }

    @Override
    public <X> Input<X> on(Arithmetic<X> arithmetic) {
        var rows = new RowArithmetic<>(arithmetic, v.length);
        X row = arithmetic.matrix(Vectors.row(v));
        X column = arithmetic.matrix(Vectors.column(v));
        X minusKappa = arithmetic.row(-kappa);
        X slope = arithmetic.row(alpha / (1 - beta));
        X intercept = arithmetic.row(-alpha * beta / (1 - beta));
        X one = arithmetic.row(1);
        X minusOne = arithmetic.row(-1);
        X least = arithmetic.row(Float.MIN_NORMAL);
        X most = arithmetic.row(1);
        X scale = arithmetic.row(gain);
        return (states, memory) -> {
            X length = rows.length(states); // |z| [n, 1]
            X along = arithmetic.linear(states, row, null); // v.z [n, 1]
            X c = arithmetic.clip(arithmetic.times(along, arithmetic.apply(Elementwise.RECIPROCAL, length)), -1, 1);
            X delta = arithmetic.apply(Elementwise.TANH, arithmetic.times(c, minusKappa));
            X t = arithmetic.clip(arithmetic.plus(arithmetic.times(delta, slope), intercept), 0, 1);
            X theta = arithmetic.apply(Elementwise.ACOS, c);
            X rest = arithmetic.times(theta, arithmetic.plus(arithmetic.times(t, minusOne), one)); // (1 - t) theta
            X sine = arithmetic.clip(arithmetic.apply(Elementwise.SIN, theta), PARALLEL, 1);
            X ratio = arithmetic.times( // sin((1 - t) theta) / sin(theta)
                    arithmetic.apply(Elementwise.SIN, rest), arithmetic.apply(Elementwise.RECIPROCAL, sine));
            // u = (|z| cos((1-t) theta) - ratio v.z) v + (ratio - 1) z, since n = (z - (v.z) v) / (|z| sin(theta))
            X onto = arithmetic.plus(
                    arithmetic.times(length, arithmetic.apply(Elementwise.COS, rest)),
                    arithmetic.times(arithmetic.times(ratio, along), minusOne));
            X turned = arithmetic.plus(
                    arithmetic.linear(onto, column, null), arithmetic.times(states, arithmetic.plus(ratio, minusOne)));
            X open = arithmetic.within(t, least, most); // so that no rounding passes a shut gate
            return arithmetic.times(arithmetic.times(turned, open), scale);
        };
    }

    @Override
    public String toString() {
        return "SphericalLaw[d=" + dimension() + ", kappa " + kappa + ", alpha " + alpha + ", beta " + beta + "]";
    }
}
