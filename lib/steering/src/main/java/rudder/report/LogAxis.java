package rudder.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * A logarithmic axis: its ends and the labels of its ticks, which XChart puts at 1, 2, .. 9 times each power of ten.
 * The ends are the ticks nearest outside the values.
 */
record LogAxis(double min, double max) {

    private static final int MOST_DECADES = 10;

    /**
     * Returns the axis that has room for values from least to most.
     *
     * @throws IllegalArgumentException if they are not positive and finite
     */
    static LogAxis of(double least, double most) {
        if (!(least > 0 && most >= least && Double.isFinite(most))) {
            throw new IllegalArgumentException(
                    "numbers from " + least + " to " + most + ", wanted positive, finite ones for a logarithmic scale");
        }
        double min = tick(least, RoundingMode.FLOOR);
        double max = tick(most, RoundingMode.CEILING);
        return max > min
                ? new LogAxis(min, max)
                : new LogAxis(tick(least / 2, RoundingMode.FLOOR), tick(2 * most, RoundingMode.CEILING));
    }

    private static double tick(double x, RoundingMode mode) {
        return new BigDecimal(x).round(new MathContext(1, mode)).doubleValue();
    }

    /** Returns the tick's label, or an empty one: few ticks are labelled on a long axis, all on a short one. */
    String label(double tick) {
        var digit = new BigDecimal(tick).round(new MathContext(1)).stripTrailingZeros();
        int exponent = -digit.scale();
        double decades = Math.log10(max / min);
        int leading = digit.unscaledValue().intValue();
        boolean shown = decades < 0.8
                || (leading == 1 && exponent % (1 + (int) decades / MOST_DECADES) == 0)
                || (decades < 3.2 && (leading == 2 || leading == 5));
        if (!shown) {
            return "";
        }
        return Math.abs(exponent) > 4 ? leading + "e" + exponent : digit.toPlainString();
    }
}
