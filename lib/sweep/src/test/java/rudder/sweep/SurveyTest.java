package rudder.sweep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.ReadAt;
import rudder.steer.rival.HeadProbes;
import rudder.study.Jacobians;
import rudder.study.LinearityStudy;

/** Measurements that a cluster shares are those of one machine, to the last bit. */
class SurveyTest {

    private static final ContrastSet SET = new ContrastSet("sea", texts("the sea ", 70), texts("a road ", 20));
    private static final List<String> PROMPTS = texts("then it ", 20);

    @TempDir
    private static Path models;

    private static SparkSession spark;
    private static LanguageModel model;

    @TempDir
    private Path folder;

    private static List<String> texts(String begin, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> begin + Tiny.TEXTS.get(i % Tiny.TEXTS.size()) + i)
                .toList();
    }

    @BeforeAll
    static void open() throws IOException {
        spark = SweepSession.at("local[2]");
        model = TinyFile.load(Tiny.LLAMA, models);
    }

    @AfterAll
    static void close() {
        spark.stop();
        model.close();
    }

    private <R> R result(Survey<R> survey) throws IOException {
        var surveyed = survey.run(spark, folder.toString());
        assertEquals(survey.units(), surveyed.done());
        return surveyed.result();
    }

    @Test
    void featuresAreThoseOfOneMachine() throws IOException {
        var survey = Survey.features(model, SET, ReadAt.meanFrom(1));
        assertEquals(2 * (2 + 1), survey.units());
        assertSame(Features.contrast(model, SET, ReadAt.meanFrom(1)), result(survey));
    }

    @Test
    void featuresOfMessagesAreThoseOfOneMachine() throws IOException {
        var file = models.resolve("chat.gguf");
        Tiny.LLAMA
                .gguf()
                .string("tokenizer.chat_template", "{% for message in messages %}[{{ message.content }}]{% endfor %}")
                .write(file);
        try (var chat = LanguageModel.load(file.toString())) {
            var wanted = Features.contrastInChat(chat, SET, ReadAt.LAST);
            assertNotEquals(Features.contrast(chat, SET).gap(1), wanted.gap(1));
            assertSame(wanted, result(Survey.featuresInChat(chat, SET, ReadAt.LAST)));
        }
    }

    private static void assertSame(Features wanted, Features found) {
        assertEquals(wanted.toString(), found.toString());
        assertEquals(wanted.plant(), found.plant());
        for (int k = 0; k <= wanted.horizon(); k++) {
            assertArrayEquals(wanted.direction(k), found.direction(k));
            assertEquals(wanted.gap(k), found.gap(k));
        }
        assertSide(wanted.positive(), found.positive());
        assertSide(wanted.negative(), found.negative());
        assertEquals(wanted.setpoint(1).toString(), found.setpoint(1).toString());
    }

    private static void assertSide(Features.Side wanted, Features.Side found) {
        assertEquals(wanted.count(), found.count());
        assertArrayEquals(wanted.states(), found.states());
        assertArrayEquals(wanted.strengths(), found.strengths());
        assertArrayEquals(wanted.deviations(), found.deviations());
    }

    @Test
    void meanJacobiansAreThoseOfOneMachine() throws IOException {
        var prompts = texts(UUID.randomUUID() + " ", 40); // no earlier run has kept their means
        var survey = Survey.meanJacobians(model, prompts);
        assertEquals(2, survey.units());
        var means = result(survey);
        var wanted = model.meanJacobians(prompts);
        for (int k = 0; k < model.horizon(); k++) {
            assertArrayEquals(wanted.get(k).data, means.jacobian(k).data);
        }
    }

    @Test
    void probesOfHeadsAreThoseOfOneMachine() throws IOException {
        var wanted = HeadProbes.of(model, SET, ReadAt.LAST).probes();
        var found = result(Survey.headProbes(model, SET, ReadAt.LAST)).probes();
        assertEquals(wanted.size(), found.size());
        for (int i = 0; i < wanted.size(); i++) {
            assertEquals(wanted.get(i).toString(), found.get(i).toString());
            assertArrayEquals(wanted.get(i).direction(), found.get(i).direction());
            assertEquals(wanted.get(i).deviation(), found.get(i).deviation());
        }
    }

    @Test
    void surprisalsAreThoseOfOneMachine() throws IOException {
        var texts = texts("a tide ", 150);
        var survey = Survey.surprisals(model, texts);
        assertEquals(2, survey.units());
        var tokens = texts.stream().map(model::encode).toList();
        int[] from = tokens.stream().mapToInt(text -> 1).toArray();
        assertArrayEquals(model.surprisals(tokens, from), result(survey));
    }

    @Test
    void linearityOfSeveralModelsIsThatOfOneMachine() throws IOException {
        var prompts = PROMPTS.subList(0, 3);
        var population = PROMPTS.subList(3, 9);
        var contrast = new ContrastSet(
                "sea", SET.positive().subList(0, 3), SET.negative().subList(0, 3));
        try (var other = TinyFile.load(Tiny.QWEN2, models)) {
            var both = List.of(model, other);
            var survey = Survey.all(both.stream()
                    .map(one -> Survey.linearity(one, prompts, population, contrast))
                    .toList());
            assertEquals(8, survey.units());
            var found = result(survey);
            for (int i = 0; i < both.size(); i++) {
                var one = both.get(i);
                var each = LinearityStudy.eachBlock(one, prompts, population, contrast);
                var wanted = LinearityStudy.ofBlocks(
                        one.name(),
                        prompts,
                        IntStream.range(0, one.horizon()).mapToObj(each).toList());
                assertEquals(wanted.toString(), found.get(i).toString());
                for (int k = 0; k < one.horizon(); k++) {
                    assertArrayEquals(wanted.alignment(k), found.get(i).alignment(k));
                    assertArrayEquals(wanted.control(k), found.get(i).control(k));
                }
                for (var with : Jacobians.values()) {
                    assertEquals(
                            wanted.error(LinearityStudy.Along.FEATURE, with, 0.1)
                                    .toString(),
                            found.get(i)
                                    .error(LinearityStudy.Along.FEATURE, with, 0.1)
                                    .toString());
                }
            }
        }
    }

    @Test
    void whatIsThereIsNotComputedAgain() throws IOException {
        var few = new ContrastSet("few", texts("the sea ", 66), texts("a road ", 5));
        var brief = new ContrastSet("short", PROMPTS.subList(0, 4), few.negative());
        // side by side, and with a chunk in common in the first pass
        var survey = Survey.all(List.of(Survey.features(model, few), Survey.features(model, brief)));
        assertEquals(2 * (3 + 2), survey.units());
        assertRefused(() -> survey.read(folder.toString()).result(), "lacks 10 of 10 units", "run the survey again");
        var found = result(survey);
        assertEquals(Features.contrast(model, few).gap(2), found.get(0).gap(2));
        assertEquals(Features.contrast(model, brief).gap(2), found.get(1).gap(2));
        var before = units();
        assertEquals(4 + 5, before.size());
        var lost = List.copyOf(before.keySet()).get(4);
        Files.delete(lost);
        assertRefused(() -> survey.read(folder.toString()).result(), "of 10 units");
        result(survey);
        var after = units();
        assertEquals(before.keySet(), after.keySet());
        before.forEach((file, time) -> assertEquals(!file.equals(lost), time.equals(after.get(file)), file.toString()));
    }

    @Test
    void damagedFilesAreNotRead() throws IOException {
        var survey = Survey.surprisals(model, PROMPTS);
        result(survey);
        var file = List.copyOf(units().keySet()).get(0);
        UnitFiles.assertDamageIsRefused(
                file, () -> survey.read(folder.toString()).result());
    }

    /** A measurement that no model can take. */
    private record Failing(int first) implements Measurement {
        @Override
        public String kind() {
            return "failing";
        }

        @Override
        public List<String> inputs() {
            return List.of("text " + first);
        }

        @Override
        public List<int[]> texts() {
            return List.of(new int[10], new int[10], new int[10]);
        }

        @Override
        public Map<String, double[][]> of(LanguageModel model) {
            if (first == 3) {
                throw new OutOfMemoryError("thirty tokens are too many");
            }
            return Map.of("sum", new double[][] {{1, Double.NaN}, {}});
        }
    }

    @Test
    void aUnitThatFailsIsARowWithItsError() throws IOException {
        var survey = Survey.of(
                Stream.of(0, 3)
                        .map(first -> Survey.Planned.of(model, new Failing(first), 16))
                        .toList(),
                0,
                tables -> Survey.Step.done(() -> tables.of(0)));
        var surveyed = survey.run(spark, folder.toString());
        assertEquals(1, surveyed.done());
        assertEquals(1, surveyed.failures().size());
        var failure = surveyed.failures().get(0);
        assertEquals(List.of("llama.gguf", 3, 3), List.of(failure.model(), failure.firstPrompt(), failure.prompts()));
        assertTrue(failure.error().contains("thirty tokens are too many"), failure.error());
        assertRefused(surveyed::result, "lacks 1 of 2 units", failure.error());
    }

    @Test
    void aPlanSaysWhatItCosts() throws IOException {
        var survey = Survey.features(model, SET);
        assertTrue(survey.toString().contains("6 units"), survey.toString());
        assertTrue(survey.toString().contains("hours unknown before timed()"), survey.toString());
        var timed = survey.timed().toString();
        assertTrue(timed.contains("hours of one core, as the first unit took"), timed);
        assertFalse(timed.contains("NaN"), timed);
    }

    @Test
    void whatCannotBeSentIsRefused() {
        assertRefused(() -> Survey.features(Tiny.LLAMA.model(), SET), "made in memory", "load it by its path");
        assertRefused(() -> Survey.meanJacobians(model, List.of()), "no prompts");
        assertRefused(() -> Survey.surprisals(model, List.of()), "no texts");
        assertRefused(() -> Survey.linearity(model, PROMPTS.subList(0, 2), PROMPTS, SET), "at least three");
    }

    /** The committed units with the time of their last change. */
    private Map<Path, FileTime> units() throws IOException {
        return UnitFiles.in(folder);
    }
}
