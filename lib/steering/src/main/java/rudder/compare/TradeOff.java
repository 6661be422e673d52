package rudder.compare;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Effect at equal damage. Arms of one kind and growing strength make a curve of a mean effect against a mean damage,
 * straight between neighbours; what the kind achieves within a limit is the effect where its curve first exceeds the
 * limit, or at its end if it never does. Two kinds are compared there by paired bootstrap over prompts, whole curves at
 * a time. So none gains from a strength that happens to fit the limit, as among single arms one may.
 *
 * <pre>{@code
 * comparison.tradeOff("mentions", "perplexity").difference(6, List.of("none", "P 1", "P 1.5"), List.of("none", "addition 1", "addition 1.5"))
 * }</pre>
 */
public final class TradeOff {
    private final Map<String, double[]> effects; // by arm, by prompt
    private final Map<String, double[]> damages;
    private final boolean ratio; // whether damage is averaged, and is straight, in its logarithm

    TradeOff(Map<String, double[]> effects, Map<String, double[]> damages, boolean ratio) {
        this.effects = effects;
        this.damages = damages;
        this.ratio = ratio;
    }

    /**
     * The effect within a limit, with its 95 % interval.
     *
     * @param limit in the damage's units
     * @param arms of growing strength, the unsteered model first
     * @throws IllegalArgumentException if there is no arm, or one is not among those compared
     */
    public ConfidenceInterval effect(double limit, List<String> arms) {
        return ConfidenceInterval.bootstrap(size(arms), drawn -> effect(limit, arms, drawn));
    }

    /**
     * By how much the effects of two kinds within a limit differ, with its 95 % interval; one without 0 shows a
     * difference. Parameters as above.
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

    /** y where the curve (x, y) first exceeds the limit; at its beginning if that does, at its end if nothing does. */
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

    /** Of the values that are defined. */
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
