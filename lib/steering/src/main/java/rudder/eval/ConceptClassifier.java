package rudder.eval;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.steer.ContrastSet;

/**
 * How much of a text is about a concept, 0 to 1: the mean over its sentences of a logistic classifier's probability, p
 * = 1 / (1 + exp(-(w.x + b))), on the sentence's vector x.
 *
 * <p>It sees what is near in meaning, whichever the words. Trained on WordNet's examples that use a concept's words, it
 * tells held-out ones from random examples with AUC .95 to .99, and the sentences of {@code data/concepts}, by another
 * hand, with AUC .99 to 1 (eight concepts, in the test). Over all 24 concepts the first is .88 to .99: uncertainty .88,
 * politeness and anger .94 are manners of speech, at which it is poor. Its threshold is not calibrated on what a model
 * writes: compare controllers by it, and do not read it as a rate.
 */
public final class ConceptClassifier implements Judge {

    private static final double C = 10; // loss weight against |w|^2 / 2; the vectors have norm 1
    private static final int STEPS = 30;
    private static final double SMALL = 1e-8;

    private final String concept;
    private final SentenceEncoder encoder;
    private final double[] w; // the last is b

    private ConceptClassifier(String concept, SentenceEncoder encoder, double[] w) {
        this.concept = concept;
        this.encoder = encoder;
        this.w = w;
    }

    /**
     * Learns a concept from texts that are about it and texts that are not, as of {@link WordNet#contrast}. Minimises
     * |w|^2 / 2 + 10 sum_i log(1 + exp(-y_i (w.x_i + b))) by Newton's method; the answer is unique.
     */
    public static ConceptClassifier train(SentenceEncoder encoder, ContrastSet set) {
        var x = encoder.encode(
                Stream.concat(set.positive().stream(), set.negative().stream()).toList());
        return new ConceptClassifier(set.name(), encoder, fit(x, set.positive().size()));
    }

    /** Weights and intercept of the classifier that tells the first {@code positive} rows from the others. */
    static double[] fit(float[][] x, int positive) {
        int d = x[0].length + 1;
        var w = new DMatrixRMaj(d, 1);
        for (int step = 0; step < STEPS; step++) {
            // H = R + C X'DX, g = R w + C X'(p - y), R = I but for b
            var weighted = new DMatrixRMaj(x.length, d);
            var rows = new DMatrixRMaj(x.length, d);
            var gradient = new DMatrixRMaj(d, 1);
            for (int i = 0; i < x.length; i++) {
                double p = probability(w.data, x[i]);
                for (int j = 0; j < d; j++) {
                    double xj = j == d - 1 ? 1 : x[i][j];
                    rows.set(i, j, xj);
                    weighted.set(i, j, C * p * (1 - p) * xj);
                    gradient.data[j] += C * (p - (i < positive ? 1 : 0)) * xj;
                }
            }
            var hessian = new DMatrixRMaj(d, d);
            CommonOps_DDRM.multTransA(weighted, rows, hessian);
            for (int j = 0; j < d - 1; j++) {
                hessian.add(j, j, 1);
                gradient.data[j] += w.data[j];
            }
            var change = new DMatrixRMaj(d, 1);
            if (!CommonOps_DDRM.solve(hessian, gradient, change)) {
                throw new IllegalStateException("the texts' vectors are all alike");
            }
            CommonOps_DDRM.subtractEquals(w, change);
            if (CommonOps_DDRM.elementMaxAbs(change) < SMALL) {
                break;
            }
        }
        return w.data;
    }

    private static double probability(double[] w, float[] x) {
        double decision = w[x.length];
        for (int j = 0; j < x.length; j++) {
            decision += w[j] * x[j];
        }
        return 1 / (1 + Math.exp(-decision));
    }

    @Override
    public String name() {
        return concept + ", meaning";
    }

    @Override
    public double of(String text) {
        var vectors = encoder.encode(sentences(text));
        return Stream.of(vectors).mapToDouble(x -> probability(w, x)).average().orElse(0);
    }

    /** The text's sentences, blank ones left out. */
    static List<String> sentences(String text) {
        var breaks = BreakIterator.getSentenceInstance(Locale.ENGLISH);
        breaks.setText(text);
        var sentences = new ArrayList<String>();
        for (int start = breaks.first(), end = breaks.next();
                end != BreakIterator.DONE;
                start = end, end = breaks.next()) {
            if (!text.substring(start, end).isBlank()) {
                sentences.add(text.substring(start, end).strip());
            }
        }
        return sentences;
    }

    @Override
    public String toString() {
        return "ConceptClassifier[" + concept + "]";
    }
}
