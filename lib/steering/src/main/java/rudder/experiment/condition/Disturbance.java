package rudder.experiment.condition;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.LongStream;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.steer.ControllerFactory;
import rudder.steer.PromptSet;
import rudder.study.TypingErrors;
import rudder.theory.Check;
import rudder.theory.Vectors;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;

/**
 * A change of what steering meets, made after everything was tuned. One value applies to any comparison. Both sides of
 * a twin meet the same one.
 *
 * @param name shown in tables
 * @param prompts maps a concept and the plan's openings to the prompts that are continued
 * @param ofConcept whether the prompts differ between concepts
 * @param sampling how tokens are drawn; null for the plan's sampling
 * @param tokens longest completion; 0 for the plan's length
 * @param bits width to which weights are rounded; 0 for the weights as they are
 * @param noise standard deviation of the noise in units of the state's root mean square; 0 for none
 * @param depth where noise enters, as a part of all blocks, 0 to 1
 * @param seed of the noise
 */
public record Disturbance(
        String name,
        Prompts prompts,
        boolean ofConcept,
        Sampling sampling,
        int tokens,
        int bits,
        double noise,
        double depth,
        long seed) {

    private static final String TOPIC = "{topic}";

    /** Prompts of a concept, made of the plan's openings or instead of them. */
    public interface Prompts {
        List<String> of(String concept, List<String> openings);
    }

    public Disturbance {
        Check.given("the prompts of " + name, prompts);
        Check.that(tokens >= 0, "%d tokens, wanted 1 or more, or 0 for the plan's number", tokens);
        Check.that(bits == 0 || bits >= 2 && bits <= 8, "weights of %d bits, wanted 2..8, or 0 for all", bits);
        Check.that(noise >= 0 && Double.isFinite(noise), "noise of %s, wanted a finite number from 0 on", noise);
        Check.that(depth >= 0 && depth < 1, "noise at depth %s, wanted 0 or more and less than 1", depth);
    }

    private static Disturbance ofPrompts(String name, boolean ofConcept, Prompts prompts) {
        return new Disturbance(name, prompts, ofConcept, null, 0, 0, 0, 0, 0);
    }

    private static Disturbance ofOpenings(String name) {
        return ofPrompts(name, false, (concept, openings) -> openings);
    }

    /** Returns no disturbance: the plan's openings. */
    public static Disturbance none() {
        return ofOpenings("none");
    }

    /** Returns prompts of another kind in place of the openings, as many as there are of both. */
    public static Disturbance prompts(PromptSet set) {
        return ofPrompts(set.name(), false, (concept, openings) -> some(set.prompts(), openings.size()));
    }

    /**
     * Reads prompts that name the concept, from a file with the columns {@code split} and {@code text}, such as
     * {@code data/prompts/topics.csv}. In each text {@code {topic}} stands for the concept.
     *
     * @param split {@code on topic} or {@code against}
     * @param topic maps a concept to its words in a sentence: {@code the ocean}
     * @throws IOException if there is no such file or column
     * @throws IllegalArgumentException if a text has no {@code {topic}}
     */
    public static Disturbance topic(String file, String split, Function<String, String> topic) throws IOException {
        var frames = PromptSet.read(file, split).prompts();
        for (var frame : frames) {
            Check.that(frame.contains(TOPIC), "%s: \"%s\" has no %s, wanted one", file, frame, TOPIC);
        }
        return ofPrompts(split, true, (concept, openings) -> some(frames, openings.size()).stream()
                .map(frame -> frame.replace(TOPIC, topic.apply(concept)))
                .toList());
    }

    private static List<String> some(List<String> prompts, int count) {
        return prompts.subList(0, Math.min(count, prompts.size()));
    }

    /** Returns the plan's openings with typing errors in a part of their words. */
    public static Disturbance typingErrors(double rate, long seed) {
        var errors = new TypingErrors(rate, seed);
        return ofPrompts("typing errors " + rate, false, (concept, openings) -> openings.stream()
                .map(errors::in)
                .toList());
    }

    /** Returns texts that are drawn in this way. */
    public static Disturbance sampled(String name, Sampling sampling) {
        return new Disturbance(name, none().prompts, false, Check.given("the sampling", sampling), 0, 0, 0, 0, 0);
    }

    /** Returns texts drawn with top-p 0.9 under each of several seeds. */
    public static List<Disturbance> topP(long... seeds) {
        return LongStream.of(seeds)
                .mapToObj(seed -> sampled(
                        "top-p 0.9, seed " + seed,
                        Sampling.standard().withTemperature(1).withTopP(0.9).withSeed(seed)))
                .toList();
    }

    /** Returns texts drawn at a temperature, 1.2 for instance. */
    public static Disturbance temperature(double temperature, long seed) {
        return sampled(
                "temperature " + temperature,
                Sampling.standard().withTemperature(temperature).withSeed(seed));
    }

    /** Returns longer texts, in which the concept may drift: 300 tokens for instance. */
    public static Disturbance longTexts(int tokens) {
        Check.that(tokens > 0, "%d tokens, wanted at least 1", tokens);
        return new Disturbance(tokens + " tokens", none().prompts, false, null, tokens, 0, 0, 0, 0);
    }

    /**
     * Returns weights rounded to so many bits after everything was tuned: {@link LanguageModel#loadRounded}. Arms keep
     * the features, gains and plans of the model before.
     */
    public static Disturbance rounded(int bits) {
        return new Disturbance("weights of " + bits + " bits", none().prompts, false, null, 0, bits, 0, 0, 0);
    }

    /**
     * Returns Gaussian noise on the residual stream that leaves one block. The noise is a vector, drawn once for each
     * prompt and constant over its tokens, as a wrong model is. It is a constant input like any other, so engine and
     * heap add the same one. Twins meet the same noise, which depends on seed and prompt alone.
     *
     * @param deviation standard deviation of an entry, in units of the root mean square of the unsteered state there
     * @param depth the block as a part of all blocks: 0.5 is block T/2
     * @param seed the same seed draws the same vector at a prompt
     */
    public static Disturbance noise(double deviation, double depth, long seed) {
        return new Disturbance(
                "noise " + deviation + " at depth " + depth + ", seed " + seed,
                none().prompts,
                false,
                null,
                0,
                0,
                deviation,
                depth,
                seed);
    }

    /** Returns this disturbance on the first prompts only: long texts of a few openings for instance. */
    public Disturbance onSome(int rows) {
        Check.that(rows > 0, "%d rows, wanted at least 1", rows);
        return new Disturbance(
                name,
                (concept, openings) -> some(prompts.of(concept, openings), rows),
                ofConcept,
                sampling,
                tokens,
                bits,
                noise,
                depth,
                seed);
    }

    /** Returns the settings of a comparison under this disturbance. */
    public Comparison.Settings on(Comparison.Settings settings) {
        var own = sampling == null ? settings : settings.sampling(sampling);
        return tokens == 0 ? own : own.tokens(tokens);
    }

    /**
     * Returns an arm under this disturbance.
     *
     * @param tuned the model that the arm was tuned on. It makes the controllers; another model may run them
     */
    public ControllerFactory on(LanguageModel tuned, ControllerFactory arm) {
        if (bits == 0 && noise == 0) {
            return arm;
        }
        return arm.changed(
                arm.name(),
                maker -> (model, prompt) ->
                        shaken(tuned, prompt, maker.apply(tuned, prompt)).named(arm.name()));
    }

    private Controller shaken(LanguageModel tuned, String prompt, Controller controller) {
        var shaken = noise == 0 ? controller : controller.plus(noiseAt(tuned, prompt));
        return bits == 0 ? shaken : shaken.forAnyPlant();
    }

    private Controller noiseAt(LanguageModel model, String prompt) {
        int block = (int) (depth * model.horizon());
        double[] z = model.trace(prompt).rollout().states()[block];
        double size = noise * Math.sqrt(Vectors.dot(z, z) / z.length);
        var random = new SplittableRandom(31 * seed + prompt.hashCode());
        double[] drawn = new double[z.length];
        Arrays.setAll(drawn, i -> size * gaussian(random));
        return Controller.of("noise", Map.of(block, ControlLaw.constant(drawn)), null);
    }

    /** Box and Muller's formula. */
    private static double gaussian(SplittableRandom random) {
        return Math.sqrt(-2 * Math.log(1 - random.nextDouble())) * Math.cos(2 * Math.PI * random.nextDouble());
    }

    @Override
    public String toString() {
        return "Disturbance[" + name + "]";
    }
}
