package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import rudder.model.Completion;
import rudder.model.Positions;
import rudder.steer.ContrastSet;

class ConceptClassifierTest {

    private static SentenceEncoder encoder;

    @BeforeAll
    static void load() throws IOException {
        encoder = SentenceEncoder.load();
    }

    @AfterAll
    static void close() {
        encoder.close();
    }

    /**
     * First four numbers of each vector, computed in Python by tokenizers and onnxruntime 1.32, whose 8-bit rounding
     * differs a little; of the long text, on a processor without AVX-512, by more than that from what onnxruntime
     * 1.23.2 gives, Python's as well as Java's: either will do.
     */
    @Test
    void vectorsAreThoseOfTheModelsOwnTools() {
        vector("The waves crashed against the shore.", -0.007483, 0.060089, 0.089294, 0.014773);
        vector(
                "She repaired the old engine with great care and a borrowed wrench.",
                -0.092749,
                0.053304,
                0.072382,
                0.055447);
        vector(
                "Na\u00efve caf\u00e9s \u2014 \u201cquotes\u201d, 42 kg & emoji \ud83d\ude42!",
                -0.002092,
                0.042,
                0.067775,
                0.121811);
        var many = "word ".repeat(300); // the first 128 tokens of it
        var references = Stream.of(
                new double[] {0.00423, -0.059634, -0.0329, 0.01305},
                new double[] {0.008233, -0.057611, -0.030507, 0.014086});
        double first = encoder.encode(many)[0];
        vector(
                many,
                references
                        .min(Comparator.comparingDouble(reference -> Math.abs(reference[0] - first)))
                        .orElseThrow());
        vector("", -0.09369, 0.037654, 0.005246, 0.00088);
    }

    private static void vector(String text, double... wanted) {
        var found = encoder.encode(text);
        assertEquals(384, found.length);
        for (int j = 0; j < wanted.length; j++) {
            assertEquals(wanted[j], found[j], 4e-3, text);
        }
    }

    /**
     * Trained on half of the examples of eight concepts; judged on the other half, and on the concepts' own sentences,
     * which are of another hand.
     */
    @Test
    void eightConceptsAreToldOnHeldOutExamples() throws IOException {
        var wordNet = WordNet.load();
        assertEquals(29_829, wordNet.examples().size());
        for (var concept : List.of("cooking", "fire", "medicine", "money", "music", "ocean", "school", "war")) {
            var set =
                    wordNet.contrast(ConceptWords.read(Path.of("../../data/concept-words.csv"), concept), 160, 240, 7);
            var judge = ConceptClassifier.train(
                    encoder,
                    new ContrastSet(
                            concept,
                            set.positive().subList(0, 80),
                            set.negative().subList(0, 120)));
            double heldOut =
                    auc(judge, set.positive().subList(80, 160), set.negative().subList(120, 240));
            var own = ContrastSet.read("../../data/concepts/" + concept + ".csv");
            double ownSentences = auc(judge, own.positive(), own.negative());
            System.out.printf(
                    "concept by meaning, %s: AUC %.3f on held-out examples, %.3f on its own sentences%n",
                    concept, heldOut, ownSentences);
            assertTrue(heldOut > 0.95, concept + " " + heldOut);
        }
    }

    /** The chance that a positive text scores above a negative one. */
    private static double auc(Judge judge, List<String> positive, List<String> negative) {
        double[] below = negative.stream().mapToDouble(judge::of).toArray();
        return positive.stream()
                .mapToDouble(judge::of)
                .flatMap(p -> Arrays.stream(below).map(n -> p > n ? 1 : p == n ? 0.5 : 0))
                .average()
                .orElseThrow();
    }

    @Test
    void aTextIsJudgedBySentences() {
        assertEquals(
                List.of("It rained.", "Did it?", "Yes!"), ConceptClassifier.sentences("It rained. Did it?\n\n Yes! "));
        var judge = ConceptClassifier.train(
                encoder,
                new ContrastSet(
                        "sea",
                        List.of("The sea was calm.", "Waves broke on the beach.", "Sailors love the ocean."),
                        List.of("The bus was late.", "He sold his car.", "Snow fell on the roof.")));
        double sea = judge.of("The tide is rising.");
        double other = judge.of("The bank is closed.");
        assertEquals((sea + other) / 2, judge.of("The tide is rising. The bank is closed."), 1e-12);
        assertTrue(sea > other);
        assertEquals(0, judge.of(""));
        var texts =
                List.of("The tide is rising. The bank is closed.", "", "The sea was calm.", "Snow fell. It is cold.");
        assertArrayEquals(
                texts.stream().mapToDouble(judge::of).toArray(),
                judge.metric()
                        .all()
                        .apply(texts.stream()
                                .map(ConceptClassifierTest::completion)
                                .toList()));
        assertArrayEquals(encoder.encode("Snow fell."), encoder.encode(List.of("x", "Snow fell."))[1]);
    }

    private static Completion completion(String text) {
        return new Completion(
                "The prompt. ",
                text,
                new int[0],
                new int[0],
                false,
                "none",
                Positions.ALL,
                new double[0][],
                new double[0][]);
    }
}
