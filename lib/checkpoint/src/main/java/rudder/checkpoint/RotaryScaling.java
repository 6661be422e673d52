package rudder.checkpoint;

/**
 * Slower rotary angles for texts longer than a model was first trained on: a coordinate pair of angular frequency f
 * turns by s f a token,
 *
 * <pre>   s = (1 - b) / factor + b,   b = min(1, max(0, (context f / 2 pi - low) / (high - low))):</pre>
 *
 * pairs that turn less than {@code low} times within the old context are slowed by the factor, those that turn more
 * than {@code high} times are kept, and between the two is a ramp (Llama 3.1's). Slowing all pairs alike is the same
 * with a context of 0.
 *
 * @param factor by which the slow pairs are slowed
 * @param low turns within the old context
 * @param high turns within the old context, above {@code low}
 * @param context length in tokens that the model was first trained on
 */
record RotaryScaling(double factor, double low, double high, double context) {

    /** All angles as they were. */
    static final RotaryScaling NONE = linear(1);

    RotaryScaling {
        if (!(factor > 0 && low >= 0 && high > low && context >= 0) || !Double.isFinite(factor + high + context)) {
            throw new IllegalArgumentException(
                    "rotary scaling with factor " + factor + ", low " + low + ", high " + high + ", context " + context
                            + ": wanted a positive factor, 0 <= low < high, and a context of at least 0");
        }
    }

    /** All pairs slowed alike. */
    static RotaryScaling linear(double factor) {
        return new RotaryScaling(factor, 0, 1, 0);
    }

    /** The scaled frequency, radians a token. */
    double of(double frequency) {
        double turns = context * frequency / (2 * Math.PI);
        double kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
        return frequency * ((1 - kept) / factor + kept);
    }
}
