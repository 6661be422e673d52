package rudder.experiment.judge;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import rudder.eval.ConceptClassifier;
import rudder.eval.ConceptWords;
import rudder.eval.Judge;
import rudder.eval.LanguageModelJudge;
import rudder.eval.SentenceEncoder;
import rudder.eval.WordNet;
import rudder.experiment.FeedbackExperiment;
import rudder.experiment.Results;
import rudder.experiment.WrittenText;
import rudder.experiment.condition.Disturbance;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.theory.Check;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * How far the experiment's judges can be trusted. Three judge concepts: the list of words, the classifier of sentence
 * vectors, and a language model that is asked. The last also judges fluency and relevance. Nobody steered the labelled
 * texts:
 *
 * <ul>
 *   <li>concept: the sentences of {@code data/concepts}, and examples of WordNet that the classifier was not trained
 *       on; the latter contain the concept's words by construction, so words are not judged by them
 *   <li>fluency: such sentences as they are, against the same with their words shuffled
 *   <li>relevance: the experiment's unsteered texts behind their own prompt, against those behind the next prompt.
 * </ul>
 *
 * <p>Then all three judge some of the experiment's texts of all arms, and the study says how far they agree.
 *
 * <p>As a program: {@code MODEL ROWS JUDGE DATA RESULTS}, where MODEL wrote the texts and JUDGE is asked.
 */
public final class JudgeStudy {

    private static final long SEED = 7;
    private static final int HELD_OUT = 24; // examples of a concept, and as many others
    private static final int SHUFFLED = 120; // sentences
    private static final int DRAWN = 20; // texts of a concept
    private static final String SENTENCES = "sentences of data/concepts";
    private static final String EXAMPLES = "held-out examples of WordNet";
    private static final String WORDS = "words";
    private static final String MEANING = "meaning";
    private static final String ASKED = "asked";

    private final Results results;
    private final LanguageModel asked;
    private final Map<String, ConceptWords> words = new LinkedHashMap<>();
    private final Map<String, Judge> meaning = new LinkedHashMap<>();
    private final Map<String, ContrastSet> sentences = new LinkedHashMap<>();
    private final Map<String, ContrastSet> heldOut = new LinkedHashMap<>();

    /**
     * @param results texts of one model
     * @param asked an instruction-tuned model
     * @param encoder stays open while the study runs
     * @throws IOException if a file of {@code data} is missing
     */
    JudgeStudy(Results results, LanguageModel asked, SentenceEncoder encoder, WordNet wordNet, Path data)
            throws IOException {
        this.results = results;
        this.asked = asked;
        for (var concept : results.plan().judged()) {
            var list = ConceptWords.read(data.resolve("concept-words.csv"), concept);
            var examples = FeedbackExperiment.examples(wordNet, list, HELD_OUT);
            words.put(concept, list);
            meaning.put(concept, ConceptClassifier.train(encoder, part(examples, false)));
            heldOut.put(concept, part(examples, true));
            sentences.put(
                    concept,
                    ContrastSet.read(
                            data.resolve("concepts/" + concept + ".csv").toString()));
        }
    }

    /** Returns the last examples of both sides, or all but these. */
    static ContrastSet part(ContrastSet examples, boolean last) {
        return new ContrastSet(examples.name(), part(examples.positive(), last), part(examples.negative(), last));
    }

    private static List<String> part(List<String> all, boolean last) {
        int split = all.size() - HELD_OUT;
        Check.that(split > 0, "%d examples, wanted more than %d, which are held out", all.size(), HELD_OUT);
        return last ? all.subList(split, all.size()) : all.subList(0, split);
    }

    /** One judge on labelled texts. */
    private record Labelled(String criterion, String about, String texts, Validation validation) {}

    /** Returns AUC and calibration of every judge: a row a concept, and one for fluency and for relevance. */
    Table labelled() {
        var rows = new ArrayList<Labelled>();
        for (var concept : results.plan().judged()) {
            add(rows, concept, SENTENCES, WORDS, each(words.get(concept)));
            for (var texts : List.of(SENTENCES, EXAMPLES)) {
                add(rows, concept, texts, MEANING, each(meaning.get(concept)));
                add(rows, concept, texts, ASKED, own -> verdicts(concept(concept), own));
            }
        }
        rows.add(new Labelled("fluency", "", "sentences against shuffled ones", fluency()));
        rows.add(new Labelled("relevance", "", "unsteered texts against those of the next prompt", relevance()));
        return table(rows);
    }

    private void add(
            List<Labelled> rows,
            String concept,
            String texts,
            String judge,
            Function<List<String>, double[]> verdicts) {
        var set = (texts.equals(SENTENCES) ? sentences : heldOut).get(concept);
        var found = Validation.of(judge, verdicts.apply(set.positive()), verdicts.apply(set.negative()));
        rows.add(new Labelled("concept", concept, texts, found));
    }

    private static Function<List<String>, double[]> each(Judge judge) {
        return texts -> texts.stream().mapToDouble(judge::of).toArray();
    }

    private LanguageModelJudge concept(String concept) {
        return LanguageModelJudge.concept(asked, FeedbackExperiment.topic(concept));
    }

    /** Returns the verdicts of a judge that asks about a text alone. */
    private static double[] verdicts(LanguageModelJudge judge, List<String> texts) {
        return judge.verdicts(Collections.nCopies(texts.size(), ""), texts);
    }

    private Validation fluency() {
        var all = new ArrayList<String>();
        sentences.values().forEach(set -> {
            all.addAll(set.positive());
            all.addAll(set.negative());
        });
        var random = new Random(SEED);
        Collections.shuffle(all, random);
        var fluent = all.subList(0, Math.min(SHUFFLED, all.size()));
        var shuffled = fluent.stream().map(text -> shuffled(text, random)).toList();
        var judge = LanguageModelJudge.fluency(asked);
        return Validation.of(ASKED, verdicts(judge, fluent), verdicts(judge, shuffled));
    }

    /** Returns the same words in another order, if there are two that differ. */
    static String shuffled(String text, Random random) {
        var words = Arrays.asList(text.strip().split("\\s+"));
        String before = String.join(" ", words);
        boolean canDiffer = words.stream().distinct().count() > 1;
        do {
            Collections.shuffle(words, random);
        } while (canDiffer && String.join(" ", words).equals(before));
        return String.join(" ", words);
    }

    private Validation relevance() {
        var texts = undisturbed().filter(text -> text.twin().isEmpty()).toList();
        var prompts = texts.stream().map(WrittenText::prompt).toList();
        var own = texts.stream().map(WrittenText::text).toList();
        var next = new ArrayList<>(prompts);
        Collections.rotate(next, 1);
        var judge = LanguageModelJudge.relevance(asked);
        return Validation.of(ASKED, judge.verdicts(prompts, own), judge.verdicts(next, own));
    }

    private Stream<WrittenText> undisturbed() {
        return results.texts().stream()
                .filter(text -> text.disturbance().equals(Disturbance.none().name()));
    }

    private static Table table(List<Labelled> rows) {
        return Table.create(
                "Judges on labelled texts",
                StringColumn.create("criterion", rows.stream().map(Labelled::criterion)),
                StringColumn.create("about", rows.stream().map(Labelled::about)),
                StringColumn.create("texts", rows.stream().map(Labelled::texts)),
                StringColumn.create("judge", rows.stream().map(row -> row.validation.judge())),
                IntColumn.create(
                        "positive",
                        rows.stream().mapToInt(row -> row.validation.positive()).toArray()),
                IntColumn.create(
                        "negative",
                        rows.stream().mapToInt(row -> row.validation.negative()).toArray()),
                DoubleColumn.create(
                        "AUC",
                        rows.stream().mapToDouble(row -> row.validation.auc()).toArray()),
                DoubleColumn.create(
                        "calibration error",
                        rows.stream()
                                .mapToDouble(row -> row.validation.calibration())
                                .toArray()));
    }

    /** Returns the verdicts of all three judges on some undisturbed texts of each concept, drawn from all arms. */
    Table verdicts() {
        var concepts = new ArrayList<String>();
        var found = new LinkedHashMap<String, List<Double>>();
        List.of(WORDS, MEANING, ASKED).forEach(judge -> found.put(judge, new ArrayList<>()));
        var random = new Random(SEED);
        for (var concept : results.plan().judged()) {
            var all = new ArrayList<>(undisturbed()
                    .filter(text -> text.concept().equals(concept))
                    .map(WrittenText::text)
                    .toList());
            Collections.shuffle(all, random);
            var texts = all.subList(0, Math.min(DRAWN, all.size()));
            double[] asked = verdicts(concept(concept), texts);
            for (int i = 0; i < texts.size(); i++) {
                concepts.add(concept);
                found.get(WORDS).add(words.get(concept).of(texts.get(i)));
                found.get(MEANING).add(meaning.get(concept).of(texts.get(i)));
                found.get(ASKED).add(asked[i]);
            }
        }
        var table = Table.create("Verdicts on the experiment's texts", StringColumn.create("concept", concepts));
        found.forEach((judge, verdicts) -> table.addColumns(DoubleColumn.create(judge, verdicts)));
        return table;
    }

    /**
     * Returns how far judges agree: Spearman's rank correlation of each pair, and the AUC of the second one's verdicts
     * where the first says that a text shows its concept.
     *
     * @param verdicts a column a judge, behind the column of concepts
     */
    static Table agreement(Table verdicts) {
        var first = new ArrayList<String>();
        var second = new ArrayList<String>();
        var correlation = new ArrayList<Double>();
        var auc = new ArrayList<Double>();
        for (int a = 1; a < verdicts.columnCount(); a++) {
            for (int b = a + 1; b < verdicts.columnCount(); b++) {
                double[] x = verdicts.doubleColumn(a).asDoubleArray();
                double[] y = verdicts.doubleColumn(b).asDoubleArray();
                first.add(verdicts.column(a).name());
                second.add(verdicts.column(b).name());
                correlation.add(Validation.rankCorrelation(x, y));
                auc.add(Validation.auc(y, x, 0.5));
            }
        }
        return Table.create(
                "Agreement of judges on " + verdicts.rowCount() + " texts",
                StringColumn.create("judge", first),
                StringColumn.create("other judge", second),
                DoubleColumn.create("rank correlation", correlation),
                DoubleColumn.create("AUC of the other", auc));
    }

    /** Runs the study; writes {@code judges.csv} and {@code judges.agreement.csv}. */
    public static void main(String[] args) throws IOException {
        Check.that(args.length == 5, "found the arguments %s, wanted MODEL ROWS JUDGE DATA RESULTS", List.of(args));
        var data = Path.of(args[3]);
        var folder = Path.of(args[4]);
        var results = FeedbackExperiment.plan(args[0], Integer.parseInt(args[1]), data)
                .read(FeedbackExperiment.texts(args[0], data));
        try (var asked = LanguageModel.load(args[2]);
                var encoder = SentenceEncoder.load()) {
            var study = new JudgeStudy(results, asked, encoder, WordNet.load(), data);
            var agreement = agreement(study.verdicts());
            agreement.write().csv(folder.resolve("judges.agreement.csv").toFile());
            System.out.println(agreement);
            var labelled = study.labelled();
            labelled.write().csv(folder.resolve("judges.csv").toFile());
            System.out.println(labelled.print(labelled.rowCount()));
        }
    }
}
