package rudder.eval;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import rudder.compare.Metric;
import rudder.model.Completion;
import rudder.steer.ContrastSet;

/**
 * Scores how much of a text is about a concept, 0 to 1. The score is a mean over the text's sentences. Each sentence
 * counts with the probability p = 1 / (1 + exp(-(w.x + b))) of a logistic classifier, x the sentence's vector.
 *
 * <p>This judge sees meaning, whichever words express it. It is trained on WordNet's examples that use a concept's
 * words. It tells held-out examples from random ones with AUC 0.95 to 0.99. On the sentences of {@code data/concepts},
 * which another author wrote, its AUC is 0.99 to 1 (eight concepts, in the test). Over all 24 concepts the first AUC is
 * 0.88 to 0.99. The judge is poor at manners of speech: uncertainty 0.88, politeness and anger 0.94.
 *
 * <p>The threshold is not calibrated on texts that a model generates. Use this judge to compare controllers, and do not
 * read its score as a rate.
 *
 * <p>The judge uses its {@link SentenceEncoder} and does not close it. Close the encoder when the judge is done.
 */
public final class ConceptClassifier implements Judge {

    private final String concept;
    private final SentenceEncoder encoder;
    private final LogisticRegression regression;

    private ConceptClassifier(String concept, SentenceEncoder encoder, LogisticRegression regression) {
        this.concept = concept;
        this.encoder = encoder;
        this.regression = regression;
    }

    /**
     * Learns a concept from texts that are about it and texts that are not, such as {@link WordNet#contrast}. Minimises
     * |w|^2 / 2 + 10 sum_i log(1 + exp(-y_i (w.x_i + b))), which has one minimum.
     *
     * @param encoder stays open as long as the judge is used; the caller closes it
     * @throws IllegalStateException if the texts' vectors are all alike
     */
    public static ConceptClassifier train(SentenceEncoder encoder, ContrastSet set) {
        var x = encoder.encode(
                Stream.concat(set.positive().stream(), set.negative().stream()).toList());
        return new ConceptClassifier(
                set.name(), encoder, LogisticRegression.fit(x, set.positive().size()));
    }

    @Override
    public String name() {
        return concept + ", meaning";
    }

    @Override
    public double of(String text) {
        return verdicts(List.of(text))[0];
    }

    /** Returns the verdicts of {@link #of} as a column. Encodes the sentences of all texts side by side. */
    @Override
    public Metric metric() {
        return new Metric(
                name(), texts -> verdicts(texts.stream().map(Completion::text).toList()), false);
    }

    private double[] verdicts(List<String> texts) {
        var sentences = texts.stream().map(ConceptClassifier::sentences).toList();
        var vectors = Stream.of(
                        encoder.encode(sentences.stream().flatMap(List::stream).toList()))
                .iterator();
        return sentences.stream()
                .mapToDouble(own -> own.stream()
                        .mapToDouble(sentence -> regression.probability(vectors.next()))
                        .average()
                        .orElse(0))
                .toArray();
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
