package rudder.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleFunction;
import java.util.stream.Stream;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.theory.Check;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;

/**
 * How far steering may move a model's texts. Arms are compared at the same dose, each at the strength that
 * {@link #find} finds, so that nothing is read off between arms.
 *
 * <pre>{@code
 * var found = Dose.kl(0.2).find(model, lambda -> Controller.actAdd(features.setpoint(lambda), 20), prompts, settings);
 * }</pre>
 *
 * @param measure what is dosed
 * @param amount in the measure's units
 */
public record Dose(Measure measure, double amount) {

    /** Relative distance from the dose at which a strength is accepted. */
    public static final double TOLERANCE = 0.05;

    private static final double STRONGEST = 64;
    private static final double WEAKEST = 1.0 / 256;
    private static final int STEPS = 24;

    /** What is dosed. */
    public enum Measure {
        /** Nats a token: the KL divergence of the steered next-token distributions from the unsteered ones. */
        KL,
        /** Perplexity of the texts under the unsteered model, over that of its own texts. */
        PERPLEXITY_RATIO
    }

    /** Whether a dose was found. */
    public enum Outcome {
        /** The dose is within {@link Dose#TOLERANCE}. */
        REACHED,
        /**
         * No strength up to 64 moves the texts so far, or the gentlest moves them farther. A closed loop has a least
         * dose: at strength 0 it still holds the feature at a level.
         */
        OUT_OF_REACH,
        /** The dose jumps from below to above the amount at one strength, by more than the tolerance. */
        JUMPS,
        /** Near the dose a stronger arm moved the texts less than a weaker one: no one strength belongs to the dose. */
        NOT_MONOTONE
    }

    /**
     * What a search found.
     *
     * @param outcome whether the dose was reached
     * @param strength that reaches the dose; NaN unless it was reached
     * @param achieved dose on the calibration prompts at this strength; NaN unless it was reached
     * @param tried doses by strength
     */
    public record Found(Outcome outcome, double strength, double achieved, TreeMap<Double, Double> tried) {
        /**
         * Returns this.
         *
         * @throws IllegalStateException unless the dose was reached; the message lists what was tried
         */
        public Found required(String arm) {
            if (outcome != Outcome.REACHED) {
                throw new IllegalStateException("no strength of '" + arm + "' has the dose: " + this
                        + "; ask for another dose, or leave the arm out");
            }
            return this;
        }

        @Override
        public String toString() {
            return outcome == Outcome.REACHED
                    ? "strength " + strength + ", dose " + achieved
                    : outcome.name().toLowerCase(Locale.ROOT).replace('_', ' ') + ", doses by strength " + tried;
        }
    }

    /** @throws IllegalArgumentException if the amount is not finite and above 0, or for a ratio not above 1 */
    public Dose {
        double none = measure == Measure.KL ? 0 : 1;
        Check.that(
                amount > none && Double.isFinite(amount),
                "a dose of %s (%s), wanted a finite number above %s",
                amount,
                measure,
                none);
    }

    /** Returns the dose of so many nats a token. */
    public static Dose kl(double nats) {
        return new Dose(Measure.KL, nats);
    }

    /** Returns the dose at which perplexity is so many times that of the unsteered texts. */
    public static Dose perplexityRatio(double times) {
        return new Dose(Measure.PERPLEXITY_RATIO, times);
    }

    /**
     * Returns the dose that an arm has on some prompts: the mean over prompts of the mean KL of a text's tokens, or the
     * ratio of the geometric means of the perplexities.
     *
     * <p>The KL is exact, over the whole vocabulary. The texts are read once more, in batches, steered and unsteered.
     *
     * @param settings how texts are generated
     */
    public double of(LanguageModel model, Arm arm, List<String> prompts, Comparison.Settings settings) {
        return of(model, ControllerFactory.of(arm).kept(), prompts, settings, unsteered(model, prompts, settings));
    }

    private double of(
            LanguageModel model,
            ControllerFactory arm,
            List<String> prompts,
            Comparison.Settings settings,
            double logUnsteered) {
        var texts = settings.write(model, List.of(arm), prompts, 0).get(0);
        return measure == Measure.KL
                ? Arrays.stream(klPerToken(model, arm, prompts, texts, settings))
                        .average()
                        .orElseThrow()
                : Math.exp(logPerplexity(model, texts) - logUnsteered);
    }

    /**
     * Returns the KL of each text, in nats: the mean over its tokens. The texts are read once more, steered and
     * unsteered.
     *
     * @param texts that the arm wrote behind the prompts
     */
    public static double[] klPerToken(
            LanguageModel model,
            ControllerFactory arm,
            List<String> prompts,
            List<Completion> texts,
            Comparison.Settings settings) {
        double[][] moved =
                arm.on(model, prompts).atPositions(settings.positions()).divergences(texts);
        return Stream.of(moved)
                .mapToDouble(tokens -> Arrays.stream(tokens).average().orElseThrow())
                .toArray();
    }

    private double unsteered(LanguageModel model, List<String> prompts, Comparison.Settings settings) {
        if (measure == Measure.KL) {
            return 0;
        }
        var none = ControllerFactory.of(Controller.none());
        return logPerplexity(
                model, settings.write(model, List.of(none), prompts, 0).get(0));
    }

    private static double logPerplexity(LanguageModel model, List<Completion> texts) {
        return Arrays.stream(Metric.perplexity(model).all().apply(texts))
                .filter(value -> !Double.isNaN(value))
                .map(Math::log)
                .average()
                .orElseThrow(() -> new IllegalStateException("no text was generated, so there is no perplexity"));
    }

    /** Returns {@link #find(LanguageModel, DoubleFunction, List, Comparison.Settings, double)}, beginning at 1. */
    public Found find(
            LanguageModel model,
            DoubleFunction<? extends Arm> family,
            List<String> prompts,
            Comparison.Settings settings) {
        return find(model, family, prompts, settings, 1);
    }

    /**
     * Finds the strength at which a family has this dose on calibration prompts, within 5 %. Doubles or halves the
     * strength until the dose lies between two strengths. Then it narrows them down, where a power law through both has
     * the dose, but by a tenth at least. Stops halving where the dose no longer falls.
     *
     * @param family the arm of a strength above 0
     * @param prompts calibration prompts, on which nothing is judged
     * @param start the strength that is tried first, such as that of a like arm; 1 without a guess
     * @throws IllegalArgumentException if the start is not within 1/256 and 64
     */
    public Found find(
            LanguageModel model,
            DoubleFunction<? extends Arm> family,
            List<String> prompts,
            Comparison.Settings settings,
            double start) {
        double unsteered = unsteered(model, prompts, settings);
        return find(
                strength ->
                        of(model, ControllerFactory.of(family.apply(strength)).kept(), prompts, settings, unsteered),
                start);
    }

    /**
     * Finds the strength of each family on the same calibration prompts.
     *
     * <pre>{@code
     * var dosed = Dose.kl(0.2).find(model, Twin.families(twins), task.tuning().prompts(), task.settings());
     * task.run(model, runs(), dosed.arms());
     * }</pre>
     *
     * @param families by the name that an arm gets, in a fixed order
     */
    public DosedArms find(
            LanguageModel model,
            Map<String, ? extends DoubleFunction<? extends Arm>> families,
            List<String> prompts,
            Comparison.Settings settings) {
        var found = new LinkedHashMap<String, Found>();
        var arms = new ArrayList<Arm>();
        for (var family : families.entrySet()) {
            var one = find(model, family.getValue(), prompts, settings);
            found.put(family.getKey(), one);
            if (one.outcome == Outcome.REACHED) {
                arms.add(ControllerFactory.of(family.getValue().apply(one.strength))
                        .named(family.getKey()));
            }
        }
        return new DosedArms(this, found, arms);
    }

    /** The dose of a strength, measured. */
    interface Response {
        double of(double strength);
    }

    Found find(Response response, double start) {
        Check.that(
                start >= WEAKEST && start <= STRONGEST,
                "a search from strength %s, wanted %s..%s",
                start,
                WEAKEST,
                STRONGEST);
        var tried = new TreeMap<Double, Double>();
        double strength = start;
        double dose = measured(response, strength, tried);
        boolean below = dose < amount;
        double other = strength;
        while (!accepted(dose) && dose < amount == below) {
            double before = dose;
            other = strength;
            strength = below ? Math.min(2 * strength, STRONGEST) : Math.max(strength / 2, WEAKEST);
            if (strength == other) {
                return failed(Outcome.OUT_OF_REACH, tried);
            }
            dose = measured(response, strength, tried);
            if (!below && dose > before + TOLERANCE * excess(before)) {
                return failed(Outcome.OUT_OF_REACH, tried);
            }
        }
        double from = Math.min(strength, other);
        double low = from;
        double high = Math.max(strength, other);
        for (int i = 0; !accepted(dose) && i < STEPS; i++) {
            strength = i % 2 == 0 ? between(low, high, tried) : (low + high) / 2;
            dose = measured(response, strength, tried);
            if (dose < amount) {
                low = strength;
            } else {
                high = strength;
            }
        }
        if (!monotone(tried.tailMap(below ? 0 : from))) {
            return failed(Outcome.NOT_MONOTONE, tried);
        }
        return accepted(dose) ? new Found(Outcome.REACHED, strength, dose, tried) : failed(Outcome.JUMPS, tried);
    }

    /**
     * Returns where {@code dose = c strength^n} through both ends has the amount, a tenth of the way from either end at
     * least. Bisection takes every second step, because one end alone may move otherwise.
     */
    private double between(double low, double high, TreeMap<Double, Double> tried) {
        double weak = Math.max(excess(tried.get(low)), Double.MIN_NORMAL);
        double part = Math.log(excess(amount) / weak) / Math.log(excess(tried.get(high)) / weak);
        return low * Math.pow(high / low, Math.min(0.9, Math.max(0.1, part)));
    }

    private static Found failed(Outcome outcome, TreeMap<Double, Double> tried) {
        return new Found(outcome, Double.NaN, Double.NaN, tried);
    }

    private static double measured(Response response, double strength, TreeMap<Double, Double> tried) {
        double dose = response.of(strength);
        tried.put(strength, dose);
        return dose;
    }

    private boolean accepted(double dose) {
        return Math.abs(excess(dose) / excess(amount) - 1) <= TOLERANCE;
    }

    /** The part of a dose that steering makes: a ratio less 1. */
    private double excess(double dose) {
        return measure == Measure.KL ? dose : dose - 1;
    }

    /** Whether no stronger arm has a dose that is smaller by more than the tolerance. */
    private boolean monotone(Map<Double, Double> tried) {
        double largest = Double.NEGATIVE_INFINITY;
        for (double dose : tried.values()) {
            if (dose < largest - TOLERANCE * excess(amount)) {
                return false;
            }
            largest = Math.max(largest, dose);
        }
        return true;
    }

    @Override
    public String toString() {
        return measure == Measure.KL ? "KL " + amount : "perplexity x " + amount;
    }
}
