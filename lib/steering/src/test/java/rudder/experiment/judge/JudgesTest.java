package rudder.experiment.judge;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.compare.Metric;
import rudder.eval.ConceptWords;
import rudder.eval.LanguageModelJudge;
import rudder.experiment.WrittenText;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

class JudgesTest {
    private static final LanguageModel MODEL = Tiny.QWEN2.chatting();

    @AfterAll
    static void close() {
        MODEL.close();
    }

    @TempDir
    Path folder;

    /** The logit is that of the two tokens behind the chat's beginning, whatever the batch. */
    @Test
    void theVerdictIsTheLogitOfYesLessThatOfNo() {
        var judge = LanguageModelJudge.concept(MODEL, "the sea");
        var texts = List.of("a wave", "s", "in these inner seas the tide rises");
        double[] found = judge.logits(List.of("", "", ""), texts);
        for (int i = 0; i < found.length; i++) {
            var message = "Text: \"" + texts.get(i)
                    + "\"\n\nDoes this text mention the sea? Answer with one word, Yes or No.";
            int[] begun = MODEL.encodeChat(message);
            float[] logits = MODEL.logits(begun);
            int yes = MODEL.encodeAnswered(message, "Yes")[begun.length];
            int no = MODEL.encodeAnswered(message, "No")[begun.length];
            assertEquals(logits[yes] - logits[no], found[i], 1e-5);
            assertEquals(1 / (1 + Math.exp(-found[i])), judge.of(texts.get(i)), 1e-9);
        }
        assertArrayEquals(
                new double[] {judge.of("a wave")},
                judge.metric().all().apply(List.of(completion("p", "a wave"))),
                1e-9);
    }

    @Test
    void relevanceAsksAboutTextAndPrompt() {
        var judge = LanguageModelJudge.relevance(MODEL);
        assertThrows(IllegalStateException.class, () -> judge.of("a wave"));
        double[] both = judge.metric().all().apply(List.of(completion("the sea", "a wave"), completion("s", "a wave")));
        assertTrue(Math.abs(both[0] - both[1]) > 1e-9);
    }

    @Test
    void theHarmonicMeanIsZeroWhereOneScoreIs() {
        var mean = LanguageModelJudge.harmonicMean(List.of(
                Metric.of("a", completion -> 1),
                Metric.of("b", completion -> completion.text().length() / 4.0),
                Metric.of("c", completion -> 0.25)));
        assertArrayEquals(
                new double[] {3 / (1 + 2 + 4.0), 0},
                mean.all().apply(List.of(completion("", "ab"), completion("", ""))),
                1e-12);
    }

    private static Completion completion(String prompt, String text) {
        return new Completion(
                prompt,
                text,
                new int[] {1},
                new int[] {1},
                false,
                "none",
                Positions.ALL,
                new double[0][],
                new double[1][1]);
    }

    /** By hand: of the six pairs four are in order and one is equal. */
    @Test
    void validationCountsPairsInOrderAndBins() {
        var found = Validation.of("j", new double[] {0.9, 0.5, 0.3}, new double[] {0.5, 0.1});
        assertEquals(4.5 / 6, found.auc(), 1e-12);
        assertEquals(
                List.of(
                        new Validation.Bin(1, 0.1, 0),
                        new Validation.Bin(1, 0.3, 1),
                        new Validation.Bin(2, 0.5, 0.5),
                        new Validation.Bin(1, 0.9, 1)),
                found.bins());
        assertEquals((0.1 + 0.7 + 0 + 0.1) / 5, found.calibration(), 1e-12);
        assertEquals(1, Validation.table(List.of(found)).rowCount());
        assertRefused(() -> Validation.of("j", new double[] {2}, new double[] {0}), "j", "2.0");
        assertRefused(() -> Validation.of("j", new double[] {}, new double[] {0}), "0 positive");
    }

    @Test
    void aPersonRatesWithoutArmsAndJudgesAreScoredAgainstTheRatings() throws IOException {
        var written = BlindRating.write(folder, texts(), 10, 1);
        assertEquals(4, written.texts().size());
        String page = Files.readString(folder.resolve("page.html"));
        String texts = Files.readString(folder.resolve("texts.csv"));
        for (var armless : List.of(page, texts)) {
            assertFalse(armless.contains("SECRET") || armless.contains("CLOSED"), armless);
        }
        assertTrue(Files.readString(folder.resolve("key.csv")).contains("SECRET"));
        assertTrue(page.contains("&lt;b&gt; a &quot;wave&quot;"), "markup in a text is text");
        var ratings = folder.resolve("ratings.csv");
        var lines = new StringBuilder("id,concept,fluency\n");
        written.texts()
                .forEach((id, text) -> lines.append(id).append(text.text().contains("wave") ? ",2,1\n" : ",0,2\n"));
        Files.writeString(ratings, lines);
        var read = BlindRating.read(folder, ratings);
        assertEquals(written.texts(), read.texts());
        var table = read.agreement(Map.of(
                "words", concept -> new ConceptWords(concept, List.of("wave")),
                "opposite", concept -> new ConceptWords(concept, List.of("street"))));
        for (int i = 0; i < 2; i++) {
            boolean words = table.stringColumn("judge").get(i).equals("words");
            assertEquals(words ? 1 : 0, table.doubleColumn("AUC").get(i));
            assertEquals(words ? 1 : -1, table.doubleColumn("rank correlation").get(i), 1e-12);
        }
        var unsteered = List.of(new WrittenText("m", "", "", "", "", "none", "a", "b"));
        assertRefused(() -> BlindRating.write(folder, unsteered, 10, 1), "no text of 1", "a concept");
        Files.writeString(ratings, "id,concept,fluency\n1,3,0\n");
        var e = assertThrows(IOException.class, () -> BlindRating.read(folder, ratings));
        assertTrue(e.getMessage().contains("line 2") && e.getMessage().contains("\"3\""), e.getMessage());
        Files.writeString(ratings, "id,concept,fluency\n9,1,0\n");
        assertTrue(assertThrows(IOException.class, () -> BlindRating.read(folder, ratings))
                .getMessage()
                .contains("the text 9"));
    }

    private static List<WrittenText> texts() {
        return List.of(
                text("CLOSED", "a", "<b> a \"wave\""),
                text("CLOSED", "b", "a wave"),
                text("OPEN", "a", "a street"),
                text("OPEN", "b", "street, b"));
    }

    private static WrittenText text(String side, String prompt, String text) {
        return new WrittenText("m", "sea", "KL 1.0", "SECRET", side, "none", prompt, text);
    }

    @Test
    void heldOutExamplesAreNotTrainedOn() {
        var all = new ContrastSet(
                "sea",
                IntStream.range(0, 40).mapToObj(i -> "with " + i).toList(),
                IntStream.range(0, 50).mapToObj(i -> "without " + i).toList());
        var trained = JudgeStudy.part(all, false);
        var held = JudgeStudy.part(all, true);
        assertEquals(24, held.positive().size());
        assertEquals(24, held.negative().size());
        assertTrue(Collections.disjoint(trained.positive(), held.positive()));
        assertTrue(Collections.disjoint(trained.negative(), held.negative()));
        assertEquals(all.positive().size(), trained.positive().size() + 24);
        assertRefused(() -> JudgeStudy.part(held, true), "24 examples", "more than 24");
    }

    @Test
    void aShuffledTextHasTheSameWordsInAnotherOrder() {
        for (int seed = 0; seed < 50; seed++) {
            String found = JudgeStudy.shuffled("the sea  the sea", new Random(seed));
            assertTrue(!found.equals("the sea the sea"), found);
            var words = found.split(" ");
            Arrays.sort(words);
            assertEquals("sea sea the the", String.join(" ", words));
        }
        assertEquals("no", JudgeStudy.shuffled("no", new Random(1)));
    }

    /** By hand: ranks 1.5 1.5 3.5 3.5 against 1 2 3 4, and all pairs in order. */
    @Test
    void agreementIsRankCorrelationAndAuc() {
        var verdicts = Table.create(
                StringColumn.create("concept", "a", "a", "b", "b"),
                DoubleColumn.create("words", 0, 0, 1, 1),
                DoubleColumn.create("asked", 0.1, 0.2, 0.3, 0.4));
        var found = JudgeStudy.agreement(verdicts);
        assertEquals(1, found.rowCount());
        assertEquals("words", found.getString(0, "judge"));
        assertEquals("asked", found.getString(0, "other judge"));
        assertEquals(
                4 / Math.sqrt(4 * 5), found.doubleColumn("rank correlation").get(0), 1e-12);
        assertEquals(1, found.doubleColumn("AUC of the other").get(0), 1e-12);
    }
}
