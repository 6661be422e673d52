package rudder.theory.control;

import java.util.Optional;
import rudder.theory.Check;
import rudder.theory.Vectors;

/**
 * A law behind a gate: {@code u(z)} where {@code low <= c.z <= high}, and 0 elsewhere. Source: conditional steering
 * (Lee et al., arXiv 2409.05907), with a feature's strength as the condition.
 *
 * @param law the law that acts when the gate is open.
 * @param c the direction whose strength c.z decides, d numbers.
 * @param low least strength at which the gate is open; may be infinite.
 * @param high largest strength at which the gate is open; may be infinite
 */
public record GatedLaw(ControlLaw law, double[] c, double low, double high) implements ControlLaw {
    /** @throws IllegalArgumentException if c has another width than the law or is not finite, or low > high */
    public GatedLaw {
        Check.length("the gate's direction", c.length, law.dimension());
        Check.finite("the gate's direction", c);
        Check.that(low <= high, "the gate opens from %s to %s, wanted low <= high", low, high);
        c = c.clone();
    }

    @Override
    public int dimension() {
        return law.dimension();
    }

    @Override
    public GatedLaw times(double factor) {
        return new GatedLaw(law.times(factor), c, low, high);
    }

    @Override
    public <X> Input<X> on(Arithmetic<X> arithmetic) {
        var input = law.on(arithmetic);
        X direction = arithmetic.matrix(Vectors.row(c));
        X lows = arithmetic.row(low);
        X highs = arithmetic.row(high);
        return (states, memory) -> arithmetic.times(
                input.of(states, memory), arithmetic.within(arithmetic.linear(states, direction, null), lows, highs));
    }

    @Override
    public Optional<LinearFeedback> feedback() {
        return law.feedback();
    }

    @Override
    public String toString() {
        return "GatedLaw[" + law + ", open from " + low + " to " + high + "]";
    }
}
