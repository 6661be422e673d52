package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import rudder.compare.ConfidenceInterval;
import rudder.steer.ContrastSet;

class ConceptWordsTest {

    private static final Path WORDS = Path.of("../../data/concept-words.csv");

    @Test
    void inflectionsAreFoundAndLongerWordsAreNot() {
        var judge = new ConceptWords("test", List.of("wave", "swim", "party", "angry", "play", "wash", "Sun"));
        for (var text : List.of(
                "Waves!",
                "he waved",
                "waving",
                "She swims.",
                "swimming",
                "the swimmer's cap",
                "two parties",
                "angrier",
                "plays",
                "played",
                "washes",
                "SUN",
                "the sun-baked road",
                "a wave\u2019s crest")) {
            assertEquals(1, judge.of(text), text);
        }
        for (var text : List.of("", "swam", "plaies", "Sunday", "seawashed", "ange")) {
            assertEquals(0, judge.of(text), text);
        }
    }

    @Test
    void theConceptsSentencesAreTold() throws IOException {
        int[][] counts = new int[2][2]; // [positive][found]
        for (var judge : ConceptWords.read(WORDS)) {
            var set = ContrastSet.read("../../data/concepts/" + judge.concept() + ".csv");
            set.positive().forEach(text -> counts[1][(int) judge.of(text)]++);
            set.negative().forEach(text -> counts[0][(int) judge.of(text)]++);
        }
        var precision = ConfidenceInterval.wilson(counts[1][1], counts[0][1] + counts[1][1]);
        var recall = ConfidenceInterval.wilson(counts[1][1], counts[1][0] + counts[1][1]);
        System.out.println("concepts by words on their own sentences: precision " + precision + ", recall " + recall);
        assertTrue(precision.mean() > 0.9, precision::toString);
        assertTrue(recall.mean() > 0.6, recall::toString);
    }

    @Test
    void whatIsNoWordIsRefused() {
        assertRefused(() -> new ConceptWords("sea", List.of()), "sea has no words");
        assertRefused(() -> new ConceptWords("sea", List.of("deep sea")), "\"deep sea\"");
        assertRefused(() -> ConceptWords.read(WORDS, "bicycles"), "concept-words.csv has no concept bicycles");
    }
}
