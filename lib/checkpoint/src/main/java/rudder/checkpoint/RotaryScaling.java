package rudder.checkpoint;

import java.util.List;

/**
 * Scales rotary frequencies for sequences longer than a model was first trained on. A coordinate pair of angular
 * frequency f turns by s f for each token. With factor g,
 *
 * <pre>   s = (1 - b) / g + b,</pre>
 *
 * where b, in [0, 1], is the part of the pair's frequency that is kept. The kinds differ in b.
 *
 * <p>Source: {@code modeling_rope_utils.py} of transformers 4.57 and 5.24; llama.cpp's {@code rope_yarn}.
 */
sealed interface RotaryScaling {

    /** Keeps all angles. */
    RotaryScaling NONE = new Linear(1);

    /** Returns the scaled frequency of a coordinate pair, in radians a token. */
    double of(double frequency, int pair);

    /** Returns the factor on queries and keys after the turn. */
    default double amplitude() {
        return 1;
    }

    private static double mixed(double frequency, double kept, double factor) {
        return frequency * ((1 - kept) / factor + kept);
    }

    private static double ramp(double x) {
        return Math.min(1, Math.max(0, x));
    }

    private static void require(boolean ok, Object found, String wanted) {
        if (!ok) {
            throw new IllegalArgumentException("rotary scaling " + found + ": wanted " + wanted);
        }
    }

    private static boolean positive(double x) {
        return x > 0 && Double.isFinite(x);
    }

    /** Slows all pairs by the same factor: b = 0. */
    record Linear(double factor) implements RotaryScaling {
        public Linear {
            require(positive(factor), factor, "a positive factor");
        }

        @Override
        public double of(double frequency, int pair) {
            return mixed(frequency, 0, factor);
        }
    }

    /**
     * Llama 3.1: b = (turns - low) / (high - low), clipped to [0, 1], where turns = context f / 2 pi.
     *
     * @param factor the slow pairs turn this much slower
     * @param low turns within the old context, at least 0
     * @param high turns within the old context, above {@code low}
     * @param context length in tokens that the model was first trained on
     */
    record Llama3(double factor, double low, double high, double context) implements RotaryScaling {
        public Llama3 {
            require(
                    positive(factor) && low >= 0 && high > low && positive(context) && Double.isFinite(high),
                    "with factor " + factor + ", low " + low + ", high " + high + ", context " + context,
                    "a positive factor and context, and 0 <= low < high");
        }

        @Override
        public double of(double frequency, int pair) {
            double turns = context * frequency / (2 * Math.PI);
            return mixed(frequency, ramp((turns - low) / (high - low)), factor);
        }
    }

    /**
     * YaRN: b = 1 - (pair - start) / length, clipped to [0, 1]. Queries and keys are multiplied by an amplitude.
     *
     * @param factor the slow pairs turn this much slower
     * @param amplitude factor on queries and keys
     * @param start the last pair that keeps its frequency
     * @param length pairs from there to the first that is slowed by the whole factor
     */
    record Yarn(double factor, double amplitude, double start, double length) implements RotaryScaling {
        public Yarn {
            require(
                    positive(factor) && positive(amplitude) && Double.isFinite(start / length),
                    "with factor " + factor + ", amplitude " + amplitude + ", a ramp from pair " + start + " over "
                            + length,
                    "a positive factor and amplitude, and a ramp of some length");
        }

        /**
         * Returns the pair, counted in fractions, that turns so many times within a context: w log(context / (2 pi
         * turns)) / (2 log base).
         */
        static double pair(double turns, double context, double base, int width) {
            return width * Math.log(context / (turns * 2 * Math.PI)) / (2 * Math.log(base));
        }

        /** Returns 1 + 0.1 m log(factor), YaRN's amplitude for a factor; 1 for a factor of at most 1. */
        static double amplitude(double factor, double m) {
            return factor <= 1 ? 1 : 1 + .1 * m * Math.log(factor);
        }

        @Override
        public double of(double frequency, int pair) {
            return mixed(frequency, 1 - ramp((pair - start) / length), factor);
        }
    }

    /** Divides the frequency of each pair by its own number, and then scales: {@code rope_freqs.weight} of a GGUF. */
    record Divided(List<Float> divisors, RotaryScaling then) implements RotaryScaling {
        public Divided {
            divisors = List.copyOf(divisors);
            for (float divisor : divisors) {
                require(positive(divisor), "by divisors that hold " + divisor, "positive numbers");
            }
        }

        @Override
        public double of(double frequency, int pair) {
            return then.of(frequency / divisors.get(pair), pair);
        }

        @Override
        public double amplitude() {
            return then.amplitude();
        }
    }
}
