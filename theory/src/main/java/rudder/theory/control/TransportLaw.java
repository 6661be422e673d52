package rudder.theory.control;

import java.util.Arrays;
import rudder.theory.Check;
import rudder.theory.Statistics;
import rudder.theory.Vectors;

/**
 * An affine map of each coordinate, on the interval where it was fitted: {@code u_i = scale_i z_i + shift_i} where
 * {@code low_i <= z_i <= high_i}, and 0 elsewhere.
 *
 * <p>Source: Linear-AcT (Rodriguez et al., arXiv 2410.23054). It transports each coordinate's distribution optimally
 * and applies the map only on the fitted support.
 *
 * @param scale factor of each coordinate, d numbers.
 * @param shift constant part of each coordinate's input, d numbers.
 * @param low lower end of each interval, d numbers.
 * @param high upper end of each interval, d numbers
 */
public record TransportLaw(double[] scale, double[] shift, double[] low, double[] high) implements ControlLaw {
    /** @throws IllegalArgumentException if lengths differ, or a scale or shift is not finite */
    public TransportLaw {
        Check.length("shift", shift.length, scale.length);
        Check.length("low", low.length, scale.length);
        Check.length("high", high.length, scale.length);
        Check.finite("scale", scale);
        Check.finite("shift", shift);
        scale = scale.clone();
        shift = shift.clone();
        low = low.clone();
        high = high.clone();
    }

    /**
     * Fits the optimal transport of one sample to another, coordinate by coordinate, by an affine map. With both
     * samples sorted, {@code a_(j)} goes to {@code b_(j)}, and {@code omega a + beta} is the least-squares line through
     * the pairs. The law adds {@code (omega - 1) a + beta} on the range of the source. A coordinate that does not vary
     * is only shifted.
     *
     * @param from samples of the source, [n][d]
     * @param to samples of the target, [n][d]
     * @throws IllegalArgumentException if the samples differ in size or are empty
     */
    public static TransportLaw between(double[][] from, double[][] to) {
        Check.that(
                from.length > 0 && from.length == to.length,
                "%d samples to transport to %d, wanted as many of each, at least one",
                from.length,
                to.length);
        int d = from[0].length;
        var law = new TransportLaw(new double[d], new double[d], new double[d], new double[d]);
        for (int i = 0; i < d; i++) {
            double[] a = sorted(from, i);
            double[] b = sorted(to, i);
            var line = Statistics.leastSquares(a, b, 1); // omega a + beta
            law.scale[i] = line.slope() - 1;
            law.shift[i] = line.intercept();
            law.low[i] = a[0];
            law.high[i] = a[a.length - 1];
        }
        return law;
    }

    private static double[] sorted(double[][] rows, int column) {
        return Arrays.stream(rows).mapToDouble(row -> row[column]).sorted().toArray();
    }

    @Override
    public int dimension() {
        return scale.length;
    }

    @Override
    public TransportLaw times(double factor) {
        return new TransportLaw(Vectors.times(factor, scale), Vectors.times(factor, shift), low, high);
    }

    @Override
    public <X> Input<X> on(Arithmetic<X> arithmetic) {
        X scales = arithmetic.row(scale);
        X shifts = arithmetic.row(shift);
        X lows = arithmetic.row(low);
        X highs = arithmetic.row(high);
        return (states, memory) -> arithmetic.times(
                arithmetic.plus(arithmetic.times(states, scales), shifts), arithmetic.within(states, lows, highs));
    }

    @Override
    public String toString() {
        return "TransportLaw[d=" + dimension() + "]";
    }
}
