package rudder.experiment.condition;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleFunction;
import java.util.function.ToDoubleFunction;
import rudder.compare.Comparison;
import rudder.compare.Metric;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.MovedText;
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
    static final double TOLERANCE = 0.05;

    /** What is dosed. */
    public enum Measure {
        /** Nats a token: the KL divergence of the steered next-token distributions from the unsteered ones. */
        KL,
        /** {@link Comparison.Settings#perplexity} of the texts, over that of the unsteered model's texts. */
        PERPLEXITY_RATIO
    }

    /** Whether a dose was found. */
    public enum Outcome {
        /** The dose is within 5 % of the amount. */
        REACHED,
        /**
         * No strength up to 64 moves the texts so far, or the gentlest moves them farther. A closed loop has a least
         * dose: at strength 0 it still holds the feature at a level.
         */
        OUT_OF_REACH,
        /** The dose jumps from below to above the amount at one strength, by more than the tolerance. */
        JUMPS,
        /**
         * A stronger arm moved the texts less than a weaker one: no one strength belongs to the dose. A search that
         * began below the dose looks at all strengths it tried; one that began above, at those from its bracket on.
         */
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
        private static final String TRIED = ", doses by strength ";

        /** Returns what {@link #toString} says of a search without its trials. */
        public static String reason(String found) {
            int trials = found.indexOf(TRIED);
            return trials < 0 ? found : found.substring(0, trials);
        }

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
                    : outcome.name().toLowerCase(Locale.ROOT).replace('_', ' ') + TRIED + tried;
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
     * ratio of the geometric means of the perplexities. The KL is exact, over the whole vocabulary.
     *
     * @param settings how texts are generated, and which perplexity is measured
     */
    public double of(LanguageModel model, Arm arm, List<String> prompts, Comparison.Settings settings) {
        return of(model, List.of(arm), prompts, settings, unsteered(model, prompts, settings))[0];
    }

    /** Returns the dose of each arm. Writes the texts of several arms side by side, which costs less an arm. */
    private double[] of(
            LanguageModel model,
            List<? extends Arm> arms,
            List<String> prompts,
            Comparison.Settings settings,
            double logUnsteered) {
        var factories = arms.stream().map(ControllerFactory::of).toList();
        return measure == Measure.KL
                ? settings.writeMoved(model, factories, prompts, 0).stream()
                        .mapToDouble(texts -> texts.stream()
                                .mapToDouble(MovedText::mean)
                                .average()
                                .orElseThrow())
                        .toArray()
                : settings.write(model, factories, prompts, 0).stream()
                        .mapToDouble(texts -> Math.exp(logPerplexity(settings.perplexity(model), texts) - logUnsteered))
                        .toArray();
    }

    private double unsteered(LanguageModel model, List<String> prompts, Comparison.Settings settings) {
        if (measure == Measure.KL) {
            return 0;
        }
        var none = ControllerFactory.of(Controller.none());
        return logPerplexity(
                settings.perplexity(model),
                settings.write(model, List.of(none), prompts, 0).get(0));
    }

    private static double logPerplexity(Metric perplexity, List<Completion> texts) {
        return Arrays.stream(perplexity.all().apply(texts))
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
        return find(model, Map.of("", family), prompts, settings, name -> start).found("");
    }

    /** Returns {@link #find(LanguageModel, Map, List, Comparison.Settings, ToDoubleFunction)}, beginning at 1. */
    public DosedArms find(
            LanguageModel model,
            Map<String, ? extends DoubleFunction<? extends Arm>> families,
            List<String> prompts,
            Comparison.Settings settings) {
        return find(model, families, prompts, settings, name -> 1);
    }

    /**
     * Finds the strength of each family on the same calibration prompts. The searches go on side by side, so that the
     * texts of all families share batches.
     *
     * <pre>{@code
     * var dosed = Dose.kl(0.2).find(model, Twin.families(twins), task.tuning().prompts(), task.settings());
     * task.run(model, runs(), dosed.arms());
     * }</pre>
     *
     * @param families by the name that an arm gets, in a fixed order
     * @param start the strength of a family that is tried first
     */
    public DosedArms find(
            LanguageModel model,
            Map<String, ? extends DoubleFunction<? extends Arm>> families,
            List<String> prompts,
            Comparison.Settings settings,
            ToDoubleFunction<String> start) {
        double unsteered = unsteered(model, prompts, settings);
        var searches = new LinkedHashMap<String, DoseSearch>();
        families.keySet().forEach(name -> searches.put(name, new DoseSearch(this, start.applyAsDouble(name))));
        for (var open = open(searches); !open.isEmpty(); open = open(searches)) {
            var arms = open.stream()
                    .map(name -> ControllerFactory.of(
                                    families.get(name).apply(searches.get(name).strength()))
                            .named(name))
                    .toList();
            double[] doses = of(model, arms, prompts, settings, unsteered);
            for (int i = 0; i < doses.length; i++) {
                searches.get(open.get(i)).measured(doses[i]);
            }
        }
        var found = new LinkedHashMap<String, Found>();
        var arms = new ArrayList<Arm>();
        searches.forEach((name, search) -> {
            var one = search.found();
            found.put(name, one);
            if (one.outcome == Outcome.REACHED) {
                arms.add(ControllerFactory.of(families.get(name).apply(one.strength))
                        .named(name));
            }
        });
        return new DosedArms(this, found, arms);
    }

    private static List<String> open(Map<String, DoseSearch> searches) {
        return searches.keySet().stream()
                .filter(name -> !searches.get(name).isOver())
                .toList();
    }

    boolean accepts(double dose) {
        return Math.abs(excess(dose) / excess(amount) - 1) <= TOLERANCE;
    }

    /** Returns the part of a dose that steering makes: a ratio less 1. */
    double excess(double dose) {
        return measure == Measure.KL ? dose : dose - 1;
    }

    @Override
    public String toString() {
        return measure == Measure.KL ? "KL " + amount : "perplexity x " + amount;
    }
}
