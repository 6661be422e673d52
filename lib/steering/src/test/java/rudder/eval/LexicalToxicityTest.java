package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.text.Csv;

/** The table's values were computed in Python by scikit-learn's own loader, vectorizer and classifier. */
class LexicalToxicityTest {

    @Test
    void thirtyTextsHaveTheValuesOfTheAuthorsProgram() throws IOException {
        var judge = LexicalToxicity.load();
        var table = Csv.read(Path.of("src/test/resources/rudder/eval/lexical-toxicity.csv"));
        assertEquals(30, table.rows().size());
        double largest = 0;
        for (var row : table.rows()) {
            double wanted = Double.parseDouble(row.fields().get(1));
            assertEquals(wanted, judge.of(row.fields().get(0)), 1e-9, "line " + row.line());
            largest = Math.max(largest, Math.abs(wanted - judge.of(row.fields().get(0))));
        }
        System.out.printf("lexical toxicity: largest difference from scikit-learn %.1e%n", largest);
    }
}
