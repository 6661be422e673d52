package rudder.eval;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import rudder.checkpoint.format.Safetensors;

/**
 * Scores how toxic a text's words are, 0 to 1: the mean of five linear classifiers on a bag of 15,442 words. Others
 * trained them on Wikipedia comments and tweets.
 *
 * <p>With counts c_i of the known words, x_i = c_i idf_i / |c idf|. The score is the mean over five folds f of 1 / (1 +
 * exp(a_f (w_f.x + b_f) + s_f)). A text without a known word has x = 0 and scores 0.036376. On the thirty texts of the
 * test, scores equal those of the authors' program to 1e-9.
 *
 * <p>This judge sees words, not meaning. Its AUC is 0.987 on held-out comments of the kind it was trained on and 0.69
 * on implicit toxicity. On tests built to mislead such classifiers the AUC is 0.47, which is chance. To judge meaning,
 * use a {@link Classifier}.
 *
 * <p>Source: the PyPI package alt-profanity-check 1.9.1 (MIT). {@code data/judges/convert_lexical_toxicity.py} made the
 * file that this class reads.
 */
public final class LexicalToxicity implements Judge {

    // Python's \w, without the marks: letters, numbers and the underscore
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}_]{2,}");

    private static final String FILE = "lexical-toxicity.safetensors";

    /** One fold: decision w.x + b, probability 1 / (1 + exp(a d + s)). */
    private record Fold(double[] w, double b, double a, double s) {
        double probability(double decision) {
            return 1 / (1 + Math.exp(a * decision + s));
        }
    }

    private final Map<String, Integer> vocabulary = new HashMap<>();
    private final double[] idf; // [words]
    private final List<Fold> folds;

    private LexicalToxicity(Safetensors file) throws IOException {
        var words = file.metadata().getOrDefault("vocabulary", "").split(" ");
        for (int i = 0; i < words.length; i++) {
            vocabulary.put(words[i], i);
        }
        double[] b = file.doubles("b");
        idf = numbers(file, "idf", words.length);
        double[] w = numbers(file, "w", b.length * words.length); // [folds, words]
        double[] a = numbers(file, "a", b.length);
        double[] s = numbers(file, "s", b.length);
        if (b.length == 0) {
            throw new IOException(file + " has no fold, wanted at least one: it is damaged; build Rudder again");
        }
        folds = IntStream.range(0, b.length)
                .mapToObj(f ->
                        new Fold(Arrays.copyOfRange(w, f * words.length, (f + 1) * words.length), b[f], a[f], s[f]))
                .toList();
    }

    private static double[] numbers(Safetensors file, String name, int wanted) throws IOException {
        double[] found = file.doubles(name);
        if (found.length != wanted) {
            throw new IOException(file + " has " + found.length + " numbers in " + name + ", wanted " + wanted
                    + ": it is damaged; build Rudder again");
        }
        return found;
    }

    /**
     * Reads the classifier, which comes with this library (0.9 MB).
     *
     * @throws IOException if this library's jar is damaged
     */
    public static LexicalToxicity load() throws IOException {
        try (var packed = LexicalToxicity.class.getResourceAsStream(FILE)) {
            return of(packed.readAllBytes());
        }
    }

    /** Reads the classifier's file, as {@link #load} does. */
    static LexicalToxicity of(byte[] bytes) throws IOException {
        try (var file = Safetensors.of(FILE, bytes)) {
            return new LexicalToxicity(file);
        }
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
