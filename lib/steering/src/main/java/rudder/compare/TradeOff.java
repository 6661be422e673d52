package rudder.compare;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Compares kinds of controllers at equal damage. The arms of one kind, at growing strength, form a curve of mean effect
 * against mean damage, linear between neighbours. The effect within a limit is the effect where the curve first exceeds
 * the limit, or at the curve's end if it never does. Two kinds are compared by paired bootstrap over prompts, which
 * resamples whole curves. So no kind gains from a strength that happens to fit the limit.
 *
 * <pre>{@code
 * var clamp = List.of("none", "clamp 10 1", "clamp 10 1.5");
 * var actAdd = List.of("none", "ActAdd 10 1", "ActAdd 10 1.5");
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
     * @param arms of growing strength, the unsteered model first
     * @throws IllegalArgumentException if there is no arm, or an arm was not compared
     */
    public ConfidenceInterval effect(double limit, List<String> arms) {
        return ConfidenceInterval.bootstrap(size(arms), drawn -> effect(limit, arms, drawn));
    }

    /**
     * Returns the difference between the effects of two kinds within a limit, with its 95 % interval. An interval
     * without 0 shows a difference. Parameters as for {@link #effect(double, List)}.
     */
    public ConfidenceInterval difference(double limit, List<String> arms, List<String> baseline) {
        size(baseline);
        return ConfidenceInterval.bootstrap(
                size(arms), drawn -> effect(limit, arms, drawn) - effect(limit, baseline, drawn));
    }

    private int size(List<String> arms) {
        for (var arm : arms) {
            if (!effects.containsKey(arm)) {
                throw new IllegalArgumentException(
                        "there is no controller '" + arm + "' here, there are " + effects.keySet());
            }
        }
        if (arms.isEmpty()) {
            throw new IllegalArgumentException("a curve of no arms, wanted at least the unsteered model");
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
