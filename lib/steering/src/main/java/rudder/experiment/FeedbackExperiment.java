package rudder.experiment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import rudder.compare.Metric;
import rudder.eval.ConceptClassifier;
import rudder.eval.ConceptWords;
import rudder.eval.SentenceEncoder;
import rudder.eval.WordNet;
import rudder.experiment.condition.Disturbance;
import rudder.experiment.condition.Dose;
import rudder.steer.ContrastSet;
import rudder.steer.PromptSet;
import tech.tablesaw.api.Table;

/**
 * The experiment of this project: does feedback pay? Five twins write about twelve concepts at the same dose, 0.2 nats
 * a token, undisturbed and under disturbances. The plan was written down before any of its texts.
 *
 * <p>The twelve concepts that are judged were not looked at when controllers, blocks, gains and strengths were
 * designed. The outcome is whether a text shows its concept. The primary judge is the list of the concept's words.
 *
 * <p>As a program it runs the plan, or what a folder lacks of it: {@code binder/experiment MODEL ROWS}.
 */
public final class FeedbackExperiment {

    /** Nats a token. */
    public static final Dose DOSE = Dose.kl(0.2);

    /** Models that the plan names. What is said of all of them is corrected for all, also those not yet run. */
    public static final List<String> MODELS = List.of(
            "SmolLM2-135M-Instruct", "Gemma-3-270m", "Qwen2.5-Coder-0.5B-Instruct", "Qwen2.5-Coder-1.5B-Instruct");

    private static final int CALIBRATION = 24;
    private static final int SAMPLED = 96; // openings for Fisher matrices
    private static final int DRAWN = 16; // tokens behind each
    private static final int TOKENS = 40;
    private static final double MARGIN = 0.02;
    private static final int EXAMPLES = 160; // of WordNet, that show the concept
    private static final int OTHERS = 240; // that do not
    private static final long SEED = 7;
    private static final List<String> CHOOSING = List.of(
            "ocean",
            "music",
            "trains",
            "gardening",
            "cooking",
            "war",
            "money",
            "winter",
            "horses",
            "space",
            "politeness",
            "uncertainty");
    private static final List<String> JUDGED = List.of(
            "anger",
            "cats",
            "computers",
            "desert",
            "dreams",
            "fire",
            "football",
            "joy",
            "medicine",
            "mountains",
            "school",
            "weddings");
    static final List<String> TWINS = List.of(
            "ActAdd / P",
            "spread ActAdd / spread P",
            "A-LQR frozen / A-LQR",
            "LQ tracker frozen / LQ tracker",
            "natural gradient / its P");
    private static final List<String> WITH_ARTICLE = List.of("desert", "mountains");

    private FeedbackExperiment() {}

    /**
     * Returns the plan for one model.
     *
     * @param rows test openings of each concept: for {@link #MODELS} 60, 60, 30 and 20
     * @param data the folder {@code data}
     * @throws IOException if a file of prompts is missing
     */
    public static Experiment plan(String model, int rows, Path data) throws IOException {
        return new Experiment(
                List.of(model),
                CHOOSING,
                JUDGED,
                openings(data, "calibration").some(CALIBRATION),
                openings(data, "test").some(rows),
                TWINS,
                List.of(DOSE),
                disturbances(data, rows),
                TOKENS,
                MARGIN);
    }

    private static PromptSet openings(Path data, String split) throws IOException {
        return PromptSet.read(data.resolve("prompts/openings.csv").toString(), split);
    }

    private static List<Disturbance> disturbances(Path data, int rows) throws IOException {
        var topics = data.resolve("prompts/topics.csv").toString();
        var all = new ArrayList<Disturbance>();
        all.add(Disturbance.none());
        for (var split : List.of("on topic", "against")) {
            all.add(Disturbance.topic(topics, split, FeedbackExperiment::topic));
        }
        all.add(Disturbance.rounded(4));
        all.add(Disturbance.noise(0.2, 0.5, 1));
        all.add(Disturbance.temperature(1.2, 1));
        all.add(Disturbance.typingErrors(0.3, 1));
        var law = prompts(data, "law").plus(prompts(data, "law-more"));
        for (var kind : List.of(prompts(data, "chat"), prompts(data, "code"), law, prompts(data, "other-language"))) {
            all.add(Disturbance.prompts(kind));
        }
        all.addAll(Disturbance.topP(1, 2, 3));
        all.add(Disturbance.longTexts(300).onSome(Math.max(2, rows / 5)));
        return all;
    }

    private static PromptSet prompts(Path data, String kind) throws IOException {
        return PromptSet.read(data.resolve("prompts/" + kind + ".csv").toString());
    }

    /** Returns what prompts and judges call a concept. */
    public static String topic(String concept) {
        return WITH_ARTICLE.contains(concept) ? "the " + concept : concept;
    }

    /** Returns what the plan's run needs: the standard twins and the natural gradient's. */
    public static Experiment.Setup setup(Path data) throws IOException {
        var standard = Experiment.Setup.standard(data.resolve("concepts").toString());
        return standard.with(
                standard.twins().and(Twins.natural(openings(data, "calibration").some(SAMPLED), DRAWN)));
    }

    /**
     * Judges texts by the lists of their concepts' words: the primary outcome.
     *
     * @throws IOException if a file of {@code data} is missing
     */
    public static Comparisons byWords(Results results, Path data) throws IOException {
        return results.compare(DOSE, "mentions", words(data)::get);
    }

    /** Returns how far the natural gradient's open loop leads all other arms, by the same lists. */
    public static Table lead(Results results, Path data) throws IOException {
        return results.lead(DOSE, TWINS.get(TWINS.size() - 1), Twin.Side.OPEN, words(data)::get);
    }

    private static Map<String, Metric> words(Path data) throws IOException {
        var words = new HashMap<String, Metric>();
        for (var list : ConceptWords.read(data.resolve("concept-words.csv"))) {
            words.put(list.concept(), list.metric());
        }
        return words;
    }

    /**
     * Judges texts by a classifier of sentence vectors, trained on WordNet's examples of the concepts' words: a
     * secondary outcome.
     *
     * @throws IOException if a file is missing or cannot be fetched
     */
    public static Comparisons byMeaning(Results results, Path data) throws IOException {
        var wordNet = WordNet.load();
        var meaning = new HashMap<String, Metric>();
        try (var encoder = SentenceEncoder.load()) {
            for (var list : ConceptWords.read(data.resolve("concept-words.csv"))) {
                if (JUDGED.contains(list.concept())) {
                    meaning.put(
                            list.concept(),
                            ConceptClassifier.train(encoder, examples(wordNet, list, 0))
                                    .metric());
                }
            }
            return results.compare(DOSE, "meaning", meaning::get);
        }
    }

    /**
     * Returns the examples of a concept that its classifier learns from, and more behind them on both sides.
     *
     * @param more examples of each side, to be held out
     */
    public static ContrastSet examples(WordNet wordNet, ConceptWords words, int more) {
        return wordNet.contrast(words, EXAMPLES + more, OTHERS + more, SEED);
    }

    /** Returns the files of comparisons in a folder, one a model, in the order of their names. */
    public static Path[] files(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().matches("feedback\\..+\\.csv"))
                    .sorted()
                    .toArray(Path[]::new);
        }
    }

    /** Returns the folder of a model's texts in the folder {@code data}. */
    public static Path texts(String model, Path data) {
        return data.resolve("experiment").resolve(Path.of(model).getFileName());
    }

    /**
     * Runs what {@link #texts} lacks, judges all texts, and writes {@code feedback.MODEL.csv} and
     * {@code lead.MODEL.csv}: {@code MODEL ROWS DATA RESULTS}. Leaves out disturbances that are not yet whole. With
     * {@code read} as a fifth argument it runs nothing and judges what is there.
     */
    public static void main(String[] args) throws IOException {
        var program = PlanProgram.of(args);
        var data = program.data();
        var results =
                program.results(plan(program.model(), program.rows(), data), texts(program.model(), data), setup(data));
        var whole = results.whole();
        judged(whole, data).write(program.table("feedback"));
        lead(whole, data).write().csv(program.table("lead").toFile());
        System.out.println(results);
    }

    /** Returns the primary and the secondary outcome. */
    static Comparisons judged(Results results, Path data) throws IOException {
        return byWords(results, data).and(byMeaning(results, data));
    }
}
