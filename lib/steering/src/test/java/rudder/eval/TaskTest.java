package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.compare.Comparison;
import rudder.compare.ControllerFamily;
import rudder.compare.GridSearch;
import rudder.compare.Metric;
import rudder.compare.Objective;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.PromptSet;
import rudder.theory.control.Controller;

@Tag("model")
class TaskTest {
    private static final String ADDED = "added";

    private static LanguageModel model;
    private static ContrastSet rudeness;
    private static PromptSet neutral;
    private static Controller addition;
    private static Task task;
    private static Task small;

    @BeforeAll
    static void load() throws IOException {
        model = LanguageModel.load("SmolLM2-135M-Instruct");
        rudeness = ContrastSet.read("../../data/tasks/rudeness.csv");
        neutral = PromptSet.read("../../data/tasks/neutral.csv");
        var target = Features.contrast(model, rudeness).setpoint(0.5);
        addition = Controller.actAdd(target, 15).named(ADDED);
        task = task(
                neutral.prompts().subList(0, 2),
                neutral.prompts().subList(2, 44),
                Comparison.settings()
                        .tokens(2)
                        .measuring(target)
                        .sampling(Sampling.paper().withTopP(1)));
        small = task(task.tuning().prompts(), task.evaluation().prompts().subList(0, 4), task.settings());
    }

    private static Task task(List<String> tuning, List<String> evaluation, Comparison.Settings settings) {
        return new Task(
                "rude",
                rudeness,
                new PromptSet("t", tuning),
                new PromptSet("e", evaluation),
                List.of(Metric.of("length", c -> c.text().length())),
                settings);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static Path only(Path folder) throws IOException {
        try (var files = Files.list(folder.resolve("rude"))) {
            var all = files.toList();
            assertEquals(1, all.size());
            return all.get(0);
        }
    }

    @Test
    void aKilledRunGoesOnWhereItWasAndLeavesTheFileOfAnUninterruptedOne(@TempDir Path folder) throws IOException {
        var asked = new ArrayList<String>();
        var added = new ControllerFactory(ADDED, (m, prompt) -> {
            asked.add(prompt);
            return addition;
        });
        var first = task.run(model, folder, added);
        var file = only(folder);
        var whole = Files.readString(file);
        var lines = whole.lines().toList();
        assertEquals(43, lines.size());
        assertEquals(
                first.table().print(),
                task.run(model, folder, ControllerFactory.of(addition)).table().print(),
                "nothing was left to write");

        for (int kept : new int[] {0, 8, 32, 41}) { // a header alone; in a batch; at its end; in the next
            var head = String.join("\n", lines.subList(0, 1 + kept)) + "\n";
            Files.writeString(file, head + lines.get(1 + kept).substring(0, 40));
            assertRefused(() -> task.judge(model, folder, ADDED), "after " + kept + " of 42", "go on");
            asked.clear();
            task.run(model, folder, added);
            assertEquals(
                    task.evaluation().prompts().subList(kept / 16 * 16, 42),
                    asked.subList(1, asked.size()),
                    "the first is asked to know the controller");
            assertEquals(whole, Files.readString(file));
        }
    }

    @Test
    void aTranscriptCutInsideACharacterGoesOn(@TempDir Path folder) throws IOException {
        small.run(model, folder, addition);
        var file = only(folder);
        byte[] whole = Files.readAllBytes(file);
        byte[] torn = Arrays.copyOf(whole, whole.length + 12);
        System.arraycopy(
                new byte[] {'{', '"', 'p', 'r', 'o', 'm', 'p', 't', '"', ':', '"', (byte) 0xC3},
                0,
                torn,
                whole.length,
                12);
        Files.write(file, torn);
        small.judge(model, folder, ADDED);
        small.run(model, folder, addition);
        assertArrayEquals(whole, Files.readAllBytes(file));
    }

    @Test
    void aFolderHasOneWriterAtATime(@TempDir Path folder) throws IOException {
        try (var other = Transcript.lock(folder.resolve("rude"))) {
            assertRefused(
                    () -> small.run(model, folder, addition),
                    folder.resolve("rude").toString(),
                    "one writer");
            assertFalse(Files.exists(folder.resolve("rude")), "nothing was written under " + other);
        }
        small.run(model, folder, addition);
    }

    @Test
    void aFlippedLetterIsNoticedAndALineWithoutAChecksumIsRead(@TempDir Path folder) throws IOException {
        var table = small.run(model, folder, addition).table().print();
        var file = only(folder);
        var lines = Files.readAllLines(file);
        var text = lines.get(2);
        int at = text.indexOf("\"text\":\"") + 9;
        lines.set(2, text.substring(0, at) + (char) (text.charAt(at) ^ 1) + text.substring(at + 1));
        Files.write(file, lines);
        assertRefused(() -> small.run(model, folder, addition), "line 3", "checksum", "damaged");
        lines.set(2, text);
        Files.write(
                file,
                lines.stream()
                        .map(line -> line.replaceFirst(",\"crc32\":\".*", "}"))
                        .toList());
        assertEquals(table, small.judge(model, folder, ADDED).table().print());
    }

    @Test
    void aPartOfAListAloneDrawsWhatTheWholeDrawsUnderSeveralControllers() {
        var prompts = task.evaluation().prompts().subList(0, 3);
        var added = ControllerFactory.of(addition);
        var whole = task.settings()
                .write(model, List.of(ControllerFactory.of(Controller.none()), added), prompts, 0)
                .get(1);
        assertEquals(
                List.of(ADDED, ADDED, ADDED),
                whole.stream().map(Completion::controller).toList());
        assertEquals(prompts, whole.stream().map(Completion::prompt).toList());
        assertEquals(whole.get(2).text(), alone(added, prompts.get(2), 2));
        assertNotEquals(whole.get(2).text(), alone(added, prompts.get(2), 7));
    }

    private static String alone(ControllerFactory factory, String prompt, int row) {
        return task.settings()
                .write(model, List.of(factory), List.of(prompt), row)
                .get(0)
                .get(0)
                .text();
    }

    @Test
    void storedCompletionsAreJudgedAgainToTheSameTable(@TempDir Path folder) throws IOException {
        var ran = small.run(model, folder, ControllerFactory.of(Controller.none()), ControllerFactory.of(addition));
        assertEquals(
                ran.table().print(),
                small.judge(model, folder, "none", ADDED).table().print());
        var direct = Comparison.of(model, small.evaluation().prompts(), small.settings(), Controller.none(), addition)
                .with(small.metrics().get(0));
        assertEquals(direct.table().print(), ran.table().print(), "a run is a comparison that is kept");
    }

    @Test
    void whatTuningWroteIsKeptToo(@TempDir Path folder) throws IOException {
        var family = ControllerFamily.of("ActAdd", new double[] {0, 1}, x -> addition.times(x));
        var objective = Objective.most("length");
        var tuning = small.tune(model, folder, objective, family);
        assertEquals(
                GridSearch.search(model, small.tuning().prompts(), small.settings(), small.metrics(), objective, family)
                        .table()
                        .print(),
                tuning.table().print());
        assertEquals(
                tuning.table().print(),
                small.tune(model, folder, objective, family).table().print());
        try (var files = Files.list(folder.resolve("rude, tuning"))) {
            assertEquals(3, files.count(), "the unsteered model's beside the candidates'");
        }
    }

    @Test
    void anotherControllerOfTheNameHasAFileOfItsOwn(@TempDir Path folder) throws IOException {
        small.run(model, folder, ControllerFactory.of(addition));
        small.run(model, folder, ControllerFactory.of(addition.times(2).named(ADDED)));
        assertRefused(() -> small.judge(model, folder, ADDED), "2 runs of 'added'");
        assertRefused(() -> small.judge(model, folder, "other"), "0 runs of 'other'", "first");
    }

    @Test
    void aDamagedLineIsNamed(@TempDir Path folder) throws IOException {
        small.run(model, folder, ControllerFactory.of(addition));
        var file = only(folder);
        var lines = Files.readAllLines(file);
        var number = lines.get(3).replaceFirst("\"energies\":\\[\\[[^,\\]]*", "\"energies\":[[\"x\"");
        var rows = lines.get(3)
                .replaceFirst("\"energies\":\\[\\[", "\"energies\":[null,[")
                .replaceFirst(",\"crc32.*", "}");
        for (var damage : List.of(
                "{\"prompt\": \"", "{}", "", lines.get(4), number, rows, number.replaceFirst(",\"crc32.*", "}"))) {
            var some = new ArrayList<>(lines);
            some.set(3, damage);
            Files.write(file, some);
            assertRefused(
                    () -> small.run(model, folder, ControllerFactory.of(addition)),
                    file.getFileName().toString(),
                    "line 4");
        }
        lines.set(0, "{\"task\": \"other\"}");
        Files.write(file, lines);
        assertRefused(() -> small.run(model, folder, ControllerFactory.of(addition)), "line 1");
    }

    @Test
    void whatWasSeenBeforeJudgesNothing() {
        var settings = Comparison.settings();
        var prompts = neutral.prompts();
        assertRefused(
                () -> task(prompts.subList(0, 3), prompts.subList(2, 5), settings),
                prompts.get(2),
                "tuning",
                "evaluation");
        assertRefused(
                () -> task(
                        prompts.subList(0, 1),
                        List.of(rudeness.negative().get(0).toUpperCase() + " "),
                        settings),
                "steering",
                "evaluation");
        assertRefused(() -> task(prompts.subList(0, 1), prompts.subList(1, 2), settings.withDivergence()), "KL");
    }
}
