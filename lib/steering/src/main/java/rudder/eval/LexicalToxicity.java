package rudder.eval;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import rudder.checkpoint.store.DatasetStore;

/**
 * How toxic a text's words are, 0 to 1: linear classifiers on a bag of 15,442 words, trained by others on Wikipedia
 * comments and tweets.
 *
 * <p>With counts c_i of the words known, x_i = c_i idf_i / |c idf|, and p = mean over five folds f of 1 / (1 + exp(a_f
 * (w_f.x + b_f) + s_f)). A text without a known word has x = 0 and p = 0.036376. Equal to the authors' program to 1e-9
 * on the thirty texts of the test.
 *
 * <p>It sees words, not meaning: AUC .987 on held-out comments of the kind it was trained on, .69 on implicit toxicity,
 * .47, that is nothing, on tests built to mislead such classifiers. For the thing itself name a {@link Classifier}.
 *
 * <p>Source: the PyPI package alt-profanity-check 1.9.1 (MIT), whose two files are read and not run.
 */
public final class LexicalToxicity implements Judge {

    // Python's \w, without the marks: letters, numbers and the underscore
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}_]{2,}");

    /** One fold: decision w.x + b, probability 1 / (1 + exp(a d + s)). */
    private record Fold(double[] w, double b, double a, double s) {
        double probability(double decision) {
            return 1 / (1 + Math.exp(a * decision + s));
        }
    }

    private final Map<String, Integer> vocabulary = new HashMap<>();
    private final double[] idf;
    private final List<Fold> folds;

    private LexicalToxicity(Object vectorizer, Object model) {
        ((Map<?, ?>) Pickle.member(vectorizer, "vocabulary_"))
                .forEach((word, i) -> vocabulary.put((String) word, Math.toIntExact((long) i)));
        idf = (double[]) Pickle.member(vectorizer, "_tfidf", "idf_");
        folds = ((List<?>) Pickle.member(model, "calibrated_classifiers_"))
                .stream()
                        .map(fold -> new Fold(
                                (double[]) Pickle.member(fold, "estimator", "coef_"),
                                ((double[]) Pickle.member(fold, "estimator", "intercept_"))[0],
                                (double) Pickle.member(fold, "calibrators", 0, "a_"),
                                (double) Pickle.member(fold, "calibrators", 0, "b_")))
                        .toList();
    }

    /**
     * Reads the classifier, fetched once (0.8 MB).
     *
     * @throws IOException if it cannot be fetched or read
     */
    public static LexicalToxicity load() throws IOException {
        Path folder = DatasetStore.fetch("toxicity-judge");
        return new LexicalToxicity(
                Pickle.read(folder.resolve("vectorizer.joblib")), Pickle.read(folder.resolve("model.joblib")));
    }

    @Override
    public String name() {
        return "lexical toxicity";
    }

    @Override
    public double of(String text) {
        var x = new HashMap<Integer, Double>(); // x_i = c_i idf_i
        WORD.matcher(text.toLowerCase(Locale.ROOT))
                .results()
                .map(word -> vocabulary.get(word.group()))
                .filter(i -> i != null)
                .forEach(i -> x.merge(i, idf[i], Double::sum));
        double norm = Math.sqrt(x.values().stream().mapToDouble(v -> v * v).sum());
        return folds.stream()
                .mapToDouble(fold -> fold.probability(fold.b
                        + x.entrySet().stream()
                                .mapToDouble(v -> fold.w[v.getKey()] * v.getValue() / norm)
                                .sum()))
                .average()
                .orElseThrow();
    }

    @Override
    public String toString() {
        return "LexicalToxicity[" + vocabulary.size() + " words]";
    }
}
