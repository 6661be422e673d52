package rudder.compare;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import rudder.theory.control.Controller;

/**
 * Compares kinds of controllers at equal damage. The arms of one kind, at growing strength, form a curve of mean effect
 * against mean damage, linear between neighbours. The effect within a limit is the effect where the curve first exceeds
 * the limit. A curve is read between two of its steered arms only: the straight line from the unsteered model to the
 * weakest arm is no measurement, and beyond the strongest arm there is none. Two kinds are compared by paired bootstrap
 * over prompts, which resamples whole curves. So no kind gains from a strength that happens to fit the limit.
 *
 * <pre>{@code
 * var clamp = List.of("clamp 10 1", "clamp 10 1.5");
 * var actAdd = List.of("ActAdd 10 1", "ActAdd 10 1.5");
 * comparison.tradeOff("mentions", "perplexity").difference(6, clamp, actAdd)
 * }</pre>
 */
public final class TradeOff {
    private final Map<String, double[]> effects; // by arm, by prompt
    private final Map<String, double[]> damages;
    private final boolean ratio; // whether damage is averaged and interpolated in its logarithm

    TradeOff(Map<String, double[]> effects, Map<String, double[]> damages, boolean ratio) {
        this.effects = effects;
        this.damages = damages;
        this.ratio = ratio;
    }

    /**
     * Returns the effect within a limit, with its 95 % interval.
     *
     * @param limit in units of the damage
     * @param arms of growing strength; the unsteered model may be first and is left out. Where a resample's curve does
     *     not reach the limit, it is read at the arm that is nearest to it
     * @throws IllegalArgumentException if there is no arm, an arm was not compared, or the limit does not lie between
     *     the damages of two steered arms
     */
    public ConfidenceInterval effect(double limit, List<String> arms) {
        var curve = read(limit, arms);
        return ConfidenceInterval.bootstrap(size(curve), drawn -> effect(limit, curve, drawn));
    }

    /**
     * Returns the difference between the effects of two kinds within a limit, with its 95 % interval. An interval
     * without 0 shows a difference. Parameters as for {@link #effect(double, List)}.
     */
    public ConfidenceInterval difference(double limit, List<String> arms, List<String> baseline) {
        var curve = read(limit, arms);
        var against = read(limit, baseline);
        return ConfidenceInterval.bootstrap(
                size(curve), drawn -> effect(limit, curve, drawn) - effect(limit, against, drawn));
    }

    /** Returns the steered arms of a curve that can be read at the limit. */
    private List<String> read(double limit, List<String> arms) {
        int n = size(arms);
        var curve = arms.stream()
                .filter(arm -> !arm.equals(Controller.none().name()))
                .toList();
        int[] all = IntStream.range(0, n).toArray();
        double[] x = curve.stream()
                .mapToDouble(arm -> mean(damages.get(arm), all))
                .map(damage -> ratio ? Math.exp(damage) : damage)
                .toArray();
        if (x.length == 0 || limit < x[0] || Arrays.stream(x).allMatch(damage -> damage < limit)) {
            throw new IllegalArgumentException("the curve of " + curve + " has the damages " + Arrays.toString(x)
                    + ", none on each side of the limit " + limit
                    + ": try weaker or stronger arms, or find the strength of a dose");
        }
        return curve;
    }

    private int size(List<String> arms) {
        for (var arm : arms) {
            if (!effects.containsKey(arm)) {
                throw new IllegalArgumentException(
                        "there is no controller '" + arm + "' here, there are " + effects.keySet());
            }
        }
        if (arms.isEmpty()) {
            throw new IllegalArgumentException("a curve of no arms, wanted two or more");
        }
        return effects.get(arms.get(0)).length;
    }

    private double effect(double limit, List<String> arms, int[] drawn) {
        double[] x =
                arms.stream().mapToDouble(arm -> mean(damages.get(arm), drawn)).toArray();
        double[] y =
                arms.stream().mapToDouble(arm -> mean(effects.get(arm), drawn)).toArray();
        return crossing(ratio ? Math.log(limit) : limit, x, y);
    }

    /**
     * y where the curve (x, y) first exceeds the limit: y at its start if x does there, y at its end if x never does.
     * Only a resample's curve may end before the limit.
     */
    static double crossing(double limit, double[] x, double[] y) {
        int beyond = IntStream.range(0, x.length)
                .filter(i -> x[i] > limit)
                .findFirst()
                .orElse(x.length);
        if (beyond == 0 || beyond == x.length) {
            return y[Math.max(0, beyond - 1)];
        }
        double part = (limit - x[beyond - 1]) / (x[beyond] - x[beyond - 1]);
        return y[beyond - 1] + part * (y[beyond] - y[beyond - 1]);
    }

    /** Mean of the values that are not NaN. */
    private static double mean(double[] values, int[] drawn) {
        return Arrays.stream(drawn)
                .mapToDouble(i -> values[i])
                .filter(value -> !Double.isNaN(value))
                .average()
                .orElse(Double.NaN);
    }

    @Override
    public String toString() {
        return "TradeOff[" + effects.size() + " controllers, "
                + effects.values().iterator().next().length + " prompts]";
    }
}
