package rudder.checkpoint;

/**
 * Scales rotary frequencies for sequences longer than a model was first trained on. A coordinate pair of angular
 * frequency f turns by s f for each token,
 *
 * <pre>   s = (1 - b) / factor + b,   b = min(1, max(0, (context f / 2 pi - low) / (high - low))).</pre>
 *
 * Pairs that turn less than {@code low} times within the old context are slowed by the factor. Pairs that turn more
 * than {@code high} times are kept. A ramp lies between the two, as in Llama 3.1. A context of 0 slows all pairs alike.
 *
 * @param factor the slow pairs turn this much slower
 * @param low turns within the old context, at least 0
 * @param high turns within the old context, above {@code low}
 * @param context length in tokens that the model was first trained on
 */
record RotaryScaling(double factor, double low, double high, double context) {

    /** Keeps all angles. */
    static final RotaryScaling NONE = linear(1);

    RotaryScaling {
        if (!(factor > 0 && low >= 0 && high > low && context >= 0) || !Double.isFinite(factor + high + context)) {
            throw new IllegalArgumentException(
                    "rotary scaling with factor " + factor + ", low " + low + ", high " + high + ", context " + context
                            + ": wanted a positive factor, 0 <= low < high, and a context of at least 0");
        }
    }

    /** Slows all pairs by the same factor. */
    static RotaryScaling linear(double factor) {
        return new RotaryScaling(factor, 0, 1, 0);
    }

    /** Returns the scaled frequency, in radians a token. */
    double of(double frequency) {
        double turns = context * frequency / (2 * Math.PI);
        double kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
        return frequency * ((1 - kept) / factor + kept);
    }
}
