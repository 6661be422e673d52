package rudder.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import rudder.compare.Comparison;
import rudder.experiment.condition.Disturbance;
import rudder.experiment.condition.Dose;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Provenance;
import rudder.theory.Check;

/**
 * The plan of an experiment on feedback: which twins are compared, on which models and concepts, at which doses and
 * under which disturbances. Write the plan down and commit it before the run.
 *
 * <p>Each arm is brought to each dose on calibration openings, for each model and concept by itself. Its texts behind
 * the test openings are then written undisturbed and under every disturbance, at the same strength. Nothing is chosen
 * on concepts or openings that are judged.
 *
 * <pre>{@code
 * var results = experiment.run(Path.of("runs/feedback"), Setup.standard("../data/concepts"));
 * show(results.compare(Dose.kl(0.2), "mentions", concept -> words.get(concept).metric()).table());
 * }</pre>
 *
 * @param models names that {@link LanguageModel#load} takes
 * @param choosing concepts on which blocks, gains and the like were chosen
 * @param judged concepts that are judged
 * @param calibration openings on which strengths are found
 * @param openings test openings, the same for every concept
 * @param twins names of the twins, as {@link Setup#twins} makes them; empty for all
 * @param doses the first is the primary one
 * @param disturbances with different names
 * @param tokens longest completion
 * @param margin largest difference of the outcome that does not matter
 */
public record Experiment(
        List<String> models,
        List<String> choosing,
        List<String> judged,
        List<String> calibration,
        List<String> openings,
        List<String> twins,
        List<Dose> doses,
        List<Disturbance> disturbances,
        int tokens,
        double margin) {

    /** Trials that a plan counts for a dose. */
    private static final int STEPS = 4;

    private static final int SECONDS = 3600;

    /**
     * What a run needs from outside the plan.
     *
     * @param models loads a model by its name; with bits above 0, with its weights rounded
     * @param concepts reads a concept's contrast set
     * @param twins makes the twins for a model and a concept
     */
    public record Setup(Models models, Concepts concepts, Twins twins) {
        /** Returns models by name, contrast sets of a folder, and {@link Twin#standard} twins. */
        public static Setup standard(String folder) {
            return new Setup(
                    (name, bits) -> bits == 0 ? LanguageModel.load(name) : LanguageModel.loadRounded(name, bits),
                    concept -> ContrastSet.read(folder + "/" + concept + ".csv"),
                    Twins.standard());
        }

        /** Returns the same models and concepts with other twins. */
        public Setup with(Twins others) {
            return new Setup(models, concepts, others);
        }
    }

    /** Loads models. A run closes what it loaded. */
    public interface Models {
        LanguageModel load(String name, int bits) throws IOException;
    }

    /** Reads contrast sets. */
    public interface Concepts {
        ContrastSet read(String concept) throws IOException;
    }

    /** @throws IllegalArgumentException if a list is too short or repeats a name, or what is judged was chosen on */
    public Experiment {
        models = different("model", models, 1);
        choosing = List.copyOf(choosing);
        judged = different("judged concept", judged, 2);
        calibration = different("calibration opening", calibration, 1);
        openings = different("opening", openings, 2);
        twins = List.copyOf(twins);
        doses = List.copyOf(Check.some("dose", doses));
        disturbances = List.copyOf(Check.some("disturbance", disturbances));
        different("disturbance", disturbances.stream().map(Disturbance::name).toList(), 1);
        apart("concepts", choosing, judged);
        apart("openings", calibration, openings);
        Check.that(tokens > 0, "%d tokens, wanted at least 1", tokens);
        Check.that(margin > 0, "a margin of %s, wanted one above 0", margin);
    }

    private static List<String> different(String what, List<String> names, int least) {
        Check.that(
                Check.each(what, names).size() >= least && new HashSet<>(names).size() == names.size(),
                "%d %ss, %d of them different, wanted %d or more, all different",
                names.size(),
                what,
                new HashSet<>(names).size(),
                least);
        return List.copyOf(names);
    }

    private static void apart(String what, List<String> chosen, List<String> judged) {
        var both = new LinkedHashSet<>(chosen);
        both.retainAll(judged);
        Check.that(both.isEmpty(), "the %s %s are both chosen on and judged: split them", what, both);
    }

    /** Returns the settings of undisturbed texts. */
    Comparison.Settings settings() {
        return Comparison.settings().tokens(tokens);
    }

    /** Returns the prompts of a concept under a disturbance. */
    List<String> prompts(Disturbance disturbance, String concept) {
        return Check.some(
                "prompt under " + disturbance.name(), disturbance.prompts().of(concept, openings));
    }

    /** Returns the keys of the strengths that a model's and a concept's arms need. */
    List<Unit.Key> strengths(String model, String concept, List<String> twins) {
        return doses.stream()
                .flatMap(dose -> twins.stream().flatMap(twin -> Stream.of(Twin.Side.values())
                        .map(side -> Unit.Key.strength(model, concept, dose, twin, side))))
                .toList();
    }

    /** Returns what identifies this plan: its lists, one a line. Runs of another plan do not share a folder. */
    List<String> lines() {
        var lines = new ArrayList<String>();
        lines.add("models: " + String.join(", ", models));
        lines.add("chosen on: " + String.join(", ", choosing));
        lines.add("judged: " + String.join(", ", judged));
        lines.add("calibration openings: " + calibration.size() + ", hash " + hash(calibration));
        lines.add("test openings: " + openings.size() + ", hash " + hash(openings));
        lines.add("twins: " + (twins.isEmpty() ? "all" : String.join("; ", twins)));
        lines.add("doses: " + join(doses.stream()));
        lines.add("disturbances: "
                + join(disturbances.stream()
                        .map(one -> one.name() + " "
                                + hash(judged.stream()
                                        .flatMap(concept -> prompts(one, concept).stream())
                                        .toList()))));
        lines.add("tokens: " + tokens + ", equivalence margin: " + margin);
        return lines;
    }

    private static String hash(List<String> texts) {
        return Provenance.digest(texts).substring(0, 16);
    }

    private static String join(Stream<?> values) {
        return String.join(", ", values.map(Object::toString).toList());
    }

    /** Returns the number of tokens that a model writes: to find strengths, and to be judged. */
    public long tokens(int twins) {
        long arms = 2L * twins;
        long finding = arms * doses.size() * judged.size() * STEPS * calibration.size() * tokens;
        long judging = 0;
        for (var disturbance : disturbances) {
            int length = disturbance.tokens() == 0 ? tokens : disturbance.tokens();
            for (var concept : judged) {
                judging += (arms * doses.size() + (disturbance.ofConcept() || concept.equals(judged.get(0)) ? 1 : 0))
                        * prompts(disturbance, concept).size()
                        * length;
            }
        }
        return finding + judging;
    }

    /**
     * Returns the plan as text, with its tokens and hours. Print it before the run.
     *
     * @param twins number of twins
     * @param tokensPerSecond of each model, as the machine writes batches
     */
    public String plan(int twins, ToDoubleFunction<String> tokensPerSecond) {
        var text = new StringBuilder(String.join("\n", lines())).append('\n');
        double hours = 0;
        for (var model : models) {
            double own = tokens(twins) / tokensPerSecond.applyAsDouble(model) / SECONDS;
            text.append(String.format(
                    Locale.ROOT,
                    "%s: %,d tokens at %.0f a second, %.1f hours%n",
                    model,
                    tokens(twins),
                    tokensPerSecond.applyAsDouble(model),
                    own));
            hours += own;
        }
        return text.append(String.format(Locale.ROOT, "all models: %.1f hours", hours))
                .toString();
    }

    /**
     * Runs what the folder lacks, unit by unit: the search for one strength, or the texts of one arm. A run that was
     * killed goes on behind its last whole unit.
     *
     * @param folder grows by one line a unit; it is made if it is missing
     * @throws IOException if the folder holds another plan, is in use, or is damaged, or a file cannot be read
     */
    public Results run(Path folder, Setup setup) throws IOException {
        try (var units = Units.open(folder, lines())) {
            new Runner(this, setup, units).run();
            return new Results(this, units.all());
        }
    }

    /**
     * Returns what a folder holds of this plan, without running the rest. Comparisons name what is missing. A run may
     * go on in the folder meanwhile.
     *
     * @throws IOException if the folder holds no run, another plan's, or is damaged
     */
    public Results read(Path folder) throws IOException {
        return new Results(this, Units.read(folder, lines()));
    }

    @Override
    public String toString() {
        return "Experiment[" + models.size() + " models, " + judged.size() + " concepts x " + openings.size()
                + " openings, " + doses.size() + " doses, " + disturbances.size() + " disturbances]";
    }
}
