package rudder.sweep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;
import static rudder.compare.SameComparison.assertSame;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.compare.Comparison;
import rudder.compare.ControllerFamily;
import rudder.compare.GridSearch;
import rudder.compare.Metric;
import rudder.compare.Objective;
import rudder.eval.Task;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.ControllerFile;
import rudder.steer.PromptSet;
import rudder.sweep.unit.Folder;
import rudder.sweep.unit.Rate;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;

class SweepTest {

    @TempDir
    private static Path models;

    private static SparkSession spark;
    private static LanguageModel model;
    private static Arm[] arms;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() throws IOException {
        spark = SweepSession.at("local[2]");
        model = TinyFile.load(Tiny.LLAMA, models);
        arms = TinyFile.arms(Tiny.LLAMA, model);
    }

    @AfterAll
    static void close() {
        spark.stop();
        model.close();
    }

    private Swept run(Sweep sweep) throws IOException {
        return sweep.run(spark, folder.toString());
    }

    private static Sweep small(Arm... arms) {
        return Sweep.of(model, TinyFile.PROMPTS, TinyFile.settings(), arms);
    }

    @Test
    void aSweepGivesTheComparisonOfOneMachineToTheLastBit() throws IOException {
        var settings = TinyFile.settings().withDivergence();
        var sweep = Sweep.of(model, TinyFile.PROMPTS, settings, arms);
        assertEquals(3, sweep.units());
        assertEquals(9L * 20, sweep.completions());
        var wanted = Comparison.of(model, TinyFile.PROMPTS, settings, arms);
        assertSame(wanted, run(sweep).comparison());
        assertSame(wanted, Sweep.read(folder.toString()).comparison());
    }

    @Test
    void drawnTextsAndAllSeedsAreThoseOfOneMachine() throws IOException {
        var settings = TinyFile.settings().sampling(Sampling.paper());
        var swept = run(
                Sweep.of(model, TinyFile.PROMPTS, settings, arms[0], arms[3]).withSeeds(5, 6));
        var one = new ArrayList<Comparison>();
        for (long seed : new long[] {5, 6}) {
            one.add(Comparison.of(
                    model, TinyFile.PROMPTS, settings.sampling(Sampling.paper().withSeed(seed)), arms[0], arms[3]));
        }
        assertSame(Comparison.joined(one), swept.comparison());
    }

    @Test
    void aFolderHoldsSweepsOfSeveralModelsAndEachIsReadAlone() throws IOException {
        try (var other = TinyFile.load(Tiny.QWEN2, models)) {
            var others = TinyFile.arms(Tiny.QWEN2, other);
            var both = small(arms).and(Sweep.of(other, TinyFile.PROMPTS, TinyFile.settings(), others));
            var swept = run(both);
            assertEquals(List.of("llama.gguf", "qwen2.gguf"), swept.models());
            assertSame(
                    Comparison.of(other, TinyFile.PROMPTS, TinyFile.settings(), others),
                    swept.comparison("qwen2.gguf"));
            assertSame(
                    Comparison.of(model, TinyFile.PROMPTS, TinyFile.settings(), arms), swept.comparison("llama.gguf"));
            assertRefused(swept::comparison, "llama.gguf", "qwen2.gguf", "name the model");
            assertRefused(() -> swept.comparison("gemma"), "'gemma'", "llama.gguf");
        }
    }

    @Test
    void aSecondRunComputesWhatIsMissingAndNothingElse() throws IOException {
        var sweep = small(arms);
        var wanted = run(sweep).comparison();
        var before = units();
        assertEquals(sweep.units(), before.size());
        var lost = List.copyOf(before.keySet()).get(2);
        Files.delete(lost);
        assertRefused(() -> Sweep.read(folder.toString()).comparison(), "lacks 1 of 3 units", "run the sweep again");
        assertSame(wanted, run(sweep).comparison());
        var after = units();
        assertEquals(before.keySet(), after.keySet());
        for (var file : before.keySet()) {
            assertEquals(!file.equals(lost), before.get(file).equals(after.get(file)), file.toString());
        }
    }

    @Test
    void moreControllersTakeOverWhatIsThere() throws IOException {
        run(small(arms[0], arms[1]));
        var first = units();
        run(Sweep.of(model, TinyFile.PROMPTS.subList(0, 16), TinyFile.settings(), arms[0], arms[1]));
        assertEquals(first, units()); // the first batch of prompts is the same unit
    }

    @Test
    void controllersOfOneNameAreNotMixedUp() throws IOException {
        var other = Controller.actAdd(Tiny.LLAMA.setpoint(3), 1).named(arms[1].name());
        var mine = small(arms[0], arms[1]);
        var theirs = small(arms[0], other);
        var wanted = run(mine).comparison();
        assertSame(
                Comparison.of(model, TinyFile.PROMPTS, TinyFile.settings(), arms[0], other),
                run(theirs).comparison());
        assertSame(wanted, run(mine).comparison());
        assertRefused(() -> Sweep.read(folder.toString()).comparison(), "different comparisons of 'llama.gguf'");
    }

    @Test
    void unitsOfAnOlderVersionAreNotTakenOver() throws IOException {
        var sweep = small(arms[0], arms[1]);
        var wanted = run(sweep).comparison();
        // the folder that an older version would have left: other ids, other texts
        var part = onePart(folder);
        var older = new Part(
                "0.0.9",
                part.model(),
                part.judge(),
                part.arms(),
                part.prompts(),
                part.tokens(),
                part.sampling(),
                part.positions(),
                part.chat(),
                part.divergence(),
                part.measured());
        var home = new Folder(folder.toString(), new Configuration());
        home.keep(older.id(), older.json());
        Files.delete(folder.resolve("_parts").resolve(part.id() + ".json"));
        for (var batch : part.batches()) {
            var mine = home.unit(part.folder(), part.unit(batch));
            var texts = UnitFile.read(mine, home.configuration, part.unit(batch)).stream()
                    .map(UnitFile.Row::scored)
                    .toList();
            int n = batch.end() - batch.first();
            var swapped = List.of(texts.subList(n, 2 * n), texts.subList(0, n)); // each arm has the other's texts
            home.commit(
                    home.unit(older.folder(), older.unit(batch)),
                    path -> UnitFile.write(path, home.configuration, older.unit(batch), older, batch, swapped, 1));
            home.remove(mine);
        }
        var before = units();
        assertEquals(2, before.size());
        assertFalse(Sweep.read(folder.toString())
                .comparison()
                .texts()
                .print()
                .equals(wanted.texts().print()));
        var swept = run(sweep);
        assertEquals(2, swept.done());
        assertSame(wanted, swept.comparison());
        var after = units();
        assertEquals(4, after.size());
        before.forEach((file, time) -> assertEquals(time, after.get(file), "the older version's files stay"));
        assertRefused(() -> Sweep.read(folder.toString()).comparison(), "version 0.0.9", "version 0.1.0");
    }

    private static Part onePart(Path folder) throws IOException {
        try (var files = Files.list(folder.resolve("_parts"))) {
            var file = files.sorted().findFirst().orElseThrow();
            return Part.read(file.getFileName().toString(), Files.readAllBytes(file));
        }
    }

    @Test
    void halfWrittenAndDamagedFilesAreNotRead() throws IOException {
        var sweep = small(arms);
        var wanted = run(sweep).comparison();
        var file = List.copyOf(units().keySet()).get(1);
        var whole = Files.readAllBytes(file);
        // a process that was killed while it wrote
        Files.delete(file);
        Files.createDirectories(folder.resolve("_temporary"));
        Files.write(folder.resolve("_temporary/half-" + file.getFileName()), Arrays.copyOf(whole, 900));
        var abandoned = folder.resolve("_temporary/half-" + file.getFileName());
        Files.setLastModifiedTime(abandoned, FileTime.from(Instant.now().minus(2, ChronoUnit.DAYS)));
        assertRefused(() -> Sweep.read(folder.toString()).comparison(), "lacks 1 of 3 units");
        assertSame(wanted, run(sweep).comparison());
        assertFalse(Files.exists(abandoned), "what a killed process left behind two days ago");
        UnitFiles.assertDamageIsRefused(
                file, () -> Sweep.read(folder.toString()).comparison());
        // another unit's file under this name
        Files.copy(List.copyOf(units().keySet()).get(0), file, StandardCopyOption.REPLACE_EXISTING);
        assertRefused(() -> Sweep.read(folder.toString()).comparison(), "holds the unit", "computes this unit alone");
    }

    @Test
    void aUnitThatFailsIsReportedAndTheOthersAreThere() throws IOException {
        var wild = Controller.actAdd(Tiny.LLAMA.setpoint(1), 1).times(1e38).named("wild");
        var swept = run(small(arms[0], wild));
        assertEquals(0, swept.done());
        assertEquals(2, swept.failures().size());
        var failure = swept.failures().get(0);
        assertEquals(List.of("none", "wild"), failure.controllers());
        assertEquals(16, failure.prompts());
        assertTrue(failure.error().contains("strength"), failure.error());
        assertRefused(swept::comparison, "lacks 2 of 2 units", failure.error());
    }

    @Test
    void anInterruptStopsASweepAndTheNextRunGoesOn() throws IOException {
        var sweep = small(arms);
        var here = Thread.currentThread();
        var tracker = spark.sparkContext().statusTracker();
        new Thread(() -> {
                    while (tracker.getActiveJobIds().length == 0) {
                        Thread.onSpinWait();
                    }
                    here.interrupt();
                })
                .start();
        var stopped = assertThrows(CancellationException.class, () -> run(sweep));
        assertTrue(stopped.getMessage().contains("of 3 units"), stopped.getMessage());
        assertFalse(Thread.interrupted(), "the exception carries the news");
        assertEquals(sweep.units(), run(sweep).done());
    }

    /** With one message a factory's controller looks as if it served all. */
    @Test
    void inAChatTheMessagesControllerIsSent() {
        var factory = ControllerFactory.frozen(Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(1)));
        var messages = List.of("the sea");
        try (var chatting = Tiny.LLAMA.chatting()) {
            byte[] sent = SentArm.of(factory, chatting, messages, true).controller();
            var wanted = factory.controllersInChat(chatting, messages).toList().get(0);
            assertArrayEquals(ControllerFile.bytes(wanted, chatting), sent);
            assertFalse(Arrays.equals(
                    sent, SentArm.of(factory, chatting, messages, false).controller()));
        }
    }

    @Test
    void whatCannotBeSentIsRefusedByName() {
        var frozen = ControllerFactory.frozen(Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(1)));
        assertRefused(() -> small(frozen), frozen.name(), "for each prompt", "Comparison.of");
        var prompted = ControllerFactory.prompted("about the sea", prompt -> "The sea. " + prompt);
        assertRefused(() -> small(prompted), "'about the sea'", "text that the model reads", "Comparison.of");
        var even = Positions.where("even", token -> token.index() % 2 == 0);
        assertRefused(
                () -> Sweep.of(model, TinyFile.PROMPTS, TinyFile.settings().atPositions(even), arms),
                "'even'",
                "predicate");
        assertRefused(
                () -> Sweep.of(Tiny.LLAMA.model(), TinyFile.PROMPTS, TinyFile.settings(), Controller.none()),
                "made in memory",
                "load it by its path");
        assertRefused(() -> small(arms).and(small(arms)), "twice");
        assertRefused(() -> Sweep.read(folder.toString()), "holds no sweep");
    }

    @Test
    void aJudgeReadsOnTheExecutors() throws IOException {
        try (var judge = TinyFile.load(Tiny.QWEN2, models)) {
            var settings = TinyFile.settings().judge(judge);
            assertSame(
                    Comparison.of(model, TinyFile.PROMPTS, settings, arms[0], arms[1]),
                    run(Sweep.of(model, TinyFile.PROMPTS, settings, arms[0], arms[1]))
                            .comparison());
        }
    }

    @Test
    void aTaskIsSweptAndTunedAsOneMachineRunsIt() throws IOException {
        var words = Metric.of("words", completion -> completion.text().length());
        var task = new Task(
                "sea",
                new ContrastSet("sea", List.of("the sea"), List.of("a road")),
                new PromptSet("tuning", TinyFile.PROMPTS.subList(0, 4)),
                new PromptSet("evaluation", TinyFile.PROMPTS.subList(4, 10)),
                List.of(words),
                TinyFile.settings());
        var runs = models.resolve("runs");
        assertSame(
                task.run(model, runs, arms[0], arms[3]),
                run(Sweep.of(task, model, arms[0], arms[3])).comparison().with(task.metrics()));
        var family = ControllerFamily.of(
                "ActAdd", new double[] {.5, 1, 2}, strength -> Controller.actAdd(Tiny.LLAMA.setpoint(strength), 1));
        var objective = Objective.most("words").withinTimes("perplexity", 2);
        var one = task.tune(model, runs, objective, family);
        var tried = run(Sweep.tuning(task, model, family)).comparison().with(task.metrics());
        var swept = GridSearch.of(tried, objective, family);
        assertSame(one.tried(), tried);
        assertEquals(one.table().print(), swept.table().print());
        assertEquals(one.best("ActAdd").name(), swept.best("ActAdd").name());
    }

    @Test
    void aPlanSaysWhatItCostsAndWhereTheHoursComeFrom() throws IOException {
        var sweep = small(arms[0], arms[1]).withSeeds(1, 2);
        assertTrue(sweep.toString().contains("4 units, 80 completions, 320 tokens at most"), sweep.toString());
        assertTrue(sweep.toString().contains("hours unknown before timed()"), sweep.toString());
        var timed = sweep.timed().toString();
        assertTrue(timed.contains("hours of one core, as the first unit took"), timed);
        assertTrue(timed.contains("cores here"), timed);
        assertTrue(small(arms[0]).and(sweep.timed()).toString().contains("hours unknown"), "a part is not timed");
        assertEquals(3.0, new Rate(10, 540, 2).hours(100), 1e-12);
    }

    @Test
    void theFolderIsAnOrdinaryDataSetOfSpark() throws IOException {
        run(small(arms));
        var rows = spark.read().parquet(folder.toString());
        assertEquals(9 * 20, rows.count());
        assertTrue(List.of(rows.columns()).containsAll(List.of("model", "arm", "strengths")));
    }

    /** The committed units with the time of their last change. */
    private Map<Path, FileTime> units() throws IOException {
        return UnitFiles.in(folder);
    }
}
