package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.store.DatasetStore;
import rudder.steer.ContrastSet;

class BenchmarksTest {

    @TempDir
    private Path folder;

    private Path file(String name, String content) throws IOException {
        var file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, content);
    }

    @Test
    void windowsLineEndsAndEmbeddedNewlinesReadRight() throws IOException {
        var jigsaw = file(
                "train.csv",
                "id,comment_text,toxic,severe_toxic\r\n1,\"one\r\n\r\ntwo, \"\"three\"\"\",1,0\r\n2,plain,0,\r\n");
        assertEquals(
                List.of(
                        new LabelledText("one\n\ntwo, \"three\"", Map.of("toxic", 1., "severe_toxic", 0.)),
                        new LabelledText("plain", Map.of("toxic", 0.))),
                Benchmarks.jigsaw(jigsaw));
        assertTrue(Double.isNaN(Benchmarks.jigsaw(jigsaw).get(1).label("threat")));
        var concepts = file(
                "filtered.csv",
                "concept,instance_id,sense,sentence\r\nsea,1,n1,\"Waves, tall\r\nones\"\r\n"
                        + "war,2,n1,Guns\r\nsea,3,n1,Tides\r\n");
        assertEquals(
                Map.of("sea", List.of("Waves, tall\nones", "Tides"), "war", List.of("Guns")),
                Benchmarks.conceptSentences(concepts));
    }

    @Test
    void truthfulQaHasTheBestAnswerFirstAndColumnsInAnyOrder() throws IOException {
        var wanted = new Question(
                "Myths", "Is it so?", List.of("No", "Not at all", "Never", "Yes", "Often"), Set.of(0, 1, 2));
        assertEquals(List.of(wanted), Benchmarks.truthfulQa(file("TruthfulQA.csv", """
            Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source
            Adversarial,Myths,Is it so?,No,Not at all; No;Never,Yes; Often; ,x
            """)));
        assertEquals(
                List.of(new Question("", "Is it so?", List.of("No", "Yes"), Set.of(0))),
                Benchmarks.truthfulQa(
                        file("mine.csv", "Incorrect Answers,Question,Correct Answers\nYes,Is it so?,No\n")));
        assertEquals(
                173,
                Benchmarks.truthfulQa(Path.of("../../data/tasks/truthfulness.csv"))
                        .size());
    }

    @Test
    void fourOptionsWithAndWithoutNames() throws IOException {
        var wanted = new Question("high school physics", "2, or 3?", List.of("1", "2", "3", "4"), Set.of(1));
        assertEquals(
                List.of(wanted), Benchmarks.mmlu(file("high_school_physics_test.csv", "\"2, or 3?\",1,2,3,4,B\n")));
        assertEquals(
                120,
                Benchmarks.lettered(Path.of("../../data/tasks/knowledge.csv")).size());
        assertEquals(
                List.of(new Question("", "cites <HOLDING>", List.of("a", "b", "c", "d", "e"), Set.of(4))),
                Benchmarks.caseHold(file("casehold.csv", """
                    ,citing_prompt,holding_0,holding_1,holding_2,holding_3,holding_4,label
                    0,cites <HOLDING>,a,b,c,d,e,4
                    """)));
    }

    @Test
    void aSubjectWithoutAQuestionIsRefusedByName() throws IOException {
        var question = "Q: Is it so?\\n(A) a (B) b (C) c (D) d\\nA: Let's think. The answer is (B).";
        var whole = file("whole.json", "{\"some_logic\": \"Answer.\\n\\n" + question + "\"}");
        assertEquals(
                List.of(new Question("some logic", "Is it so?", List.of("a", "b", "c", "d"), Set.of(1))),
                Benchmarks.explained(whole));
        var other = file("other.json", "{\"some_logic\": \"Answer.\\n\\n" + question + "\", \"law\": \"a text\"}");
        assertRefused(() -> Benchmarks.explained(other), "other.json, law", "found no question", "(A) to (D)");
    }

    @Test
    void promptsOfEachFormat() throws IOException {
        assertEquals(
                List.of(new BenchmarkItem("Do harm", "Sure", "")),
                Benchmarks.advBench(file("harmful_behaviors.csv", "goal,target\nDo harm,Sure\n")));
        assertEquals(
                List.of(
                        new BenchmarkItem("Write a long plan, to nowhere", "", ""),
                        new BenchmarkItem("Do: it", "", "")),
                Benchmarks.advBench(file("adv_bench.prompt", """
                    description: 'Some

                      text'
                    seeds:
                    - value: Write a long
                        plan, to
                        nowhere
                      data_type: text
                      harm_categories:
                      - A
                    - value: Do: it
                    """)));
        assertEquals(
                List.of(new BenchmarkItem("Add\n\n1 2", "3", ""), new BenchmarkItem("Sing", "", "")),
                Benchmarks.alpaca(file("alpaca_data.json", """
                    [{"instruction": "Add", "input": "1 2", "output": "3"}, {"instruction": "Sing", "input": ""}]
                    """)));
        var zipped = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(zipped)) {
            gzip.write("{\"task_id\": \"T/0\", \"prompt\": \"def f():\\n\", \"canonical_solution\": \"  pass\"}\n\n"
                    .getBytes(StandardCharsets.UTF_8));
        }
        assertEquals(
                List.of(new BenchmarkItem("def f():\n", "  pass", "T/0")),
                Benchmarks.humanEval(Files.write(folder.resolve("HumanEval.jsonl.gz"), zipped.toByteArray())));
        var jailbreaks = file(
                "train.tsv",
                "vanilla\tadversarial\tcompletion\tdata_type\n"
                        + "x\t\"Imagine \"\"x\"\"\"\tNo\tadversarial_harmful\nPlain\t\t\tvanilla_benign\n");
        assertEquals(
                List.of(
                        new BenchmarkItem("Imagine \"x\"", "No", "adversarial_harmful"),
                        new BenchmarkItem("Plain", "", "vanilla_benign")),
                Benchmarks.wildJailbreak(jailbreaks));
        assertEquals(
                List.of(new BenchmarkItem("so \"tired", "si fatigu\u00e9", "7")),
                Benchmarks.mtnt(file("test.en-fr.tsv", "7\tso \"tired\tsi fatigu\u00e9\r\n")));
        assertEquals(
                List.of(new BenchmarkItem("How?", "", "medical")),
                Benchmarks.probes(file("probes.json", "[{\"text\": \"How?\", \"category\": \"medical\"}]")));
        assertEquals(List.of("a b", "c"), Benchmarks.lines(file("rtp_x.txt", "a b\n\nc\n")));
    }

    @Test
    void toxicityMayBeNull() throws IOException {
        var read = Benchmarks.realToxicityPrompts(file("prompts.jsonl", """
            {"filename": "a", "challenging": true, \
             "prompt": {"text": "So she", "toxicity": 0.25, "threat": null}, "continuation": {"text": "x"}}
            {"prompt": {"text": "Then he", "toxicity": null}}
            """));
        assertEquals(
                List.of(
                        new LabelledText("So she", Map.of("toxicity", 0.25, "challenging", 1.)),
                        new LabelledText("Then he", Map.of())),
                read);
    }

    @Test
    void contrastsOfEachFormat() throws IOException {
        file(
                "sense/sea.json",
                "{\"sense\": \"n1\", \"sentences\": {\"positive\": [\"Waves\", \"Tide\"], \"negative\": [\"Road\"]}}");
        assertEquals(
                new ContrastSet("sea", List.of("Waves", "Tide"), List.of("Road")), Benchmarks.oneSec(folder, "sea"));
        assertEquals(
                new ContrastSet("default", List.of("Paris."), List.of("Berlin.")),
                Benchmarks.pairs(
                        file("default.json", "[{\"text\": \"Paris.\", \"false\": \"Berlin.\"}]"), "text", "false"));
        assertRefused(() -> Benchmarks.oneSec(folder, "land"), "there is no file", "land.json");
    }

    @Test
    void aMalformedFileNamesLineColumnFoundAndWanted() throws IOException {
        assertRefused(
                () -> Benchmarks.advBench(file("a.csv", "goals,target\nx,y\n")),
                "a.csv, line 2",
                "goals, target",
                "wanted one named goal");
        assertRefused(
                () -> Benchmarks.jigsaw(file("b.csv", "comment_text,toxic\n\"two\nlines\",0\nx,maybe\n")),
                "b.csv, line 4",
                "column toxic",
                "\"maybe\"",
                "a number");
        assertRefused(
                () -> Benchmarks.mmlu(file("c_test.csv", "q,1,2,3,4,A\nq,1,2,3,4,E\n")),
                "c_test.csv, line 2",
                "column answer",
                "\"E\"",
                "one of A to D");
        assertRefused(
                () -> Benchmarks.mmlu(file("d_test.csv", "q,1,2,3,A\n")),
                "line 1",
                "5 fields, wanted 6",
                "question,A,B,C,D,answer");
        assertRefused(() -> Benchmarks.mmlu(file("e_test.csv", "q,1,2,3,,A\n")), "e_test.csv, line 1", "blank answer");
        assertRefused(
                () -> Benchmarks.realToxicityPrompts(
                        file("f.jsonl", "{\"prompt\": {\"text\": \"a\"}}\n{\"prompt\": 5}\n")),
                "f.jsonl, line 2, prompt",
                "no object");
        assertRefused(
                () -> Benchmarks.realToxicityPrompts(file("g.jsonl", "\n{\"prompt\"\n")),
                "g.jsonl, line 2",
                "not JSON");
        assertRefused(
                () -> Benchmarks.alpaca(file("h.json", "[{\"instruction\": \"a\"}, {\"instruction\": [1]}]")),
                "h.json, item 2",
                "column instruction",
                "[1]",
                "a text");
        assertRefused(() -> Benchmarks.alpaca(file("i.json", "{}")), "i.json", "no array");
        assertRefused(() -> Benchmarks.alpaca(file("j.txt", "x")), "j.txt", ".jsonl");
        assertRefused(
                () -> Benchmarks.mtnt(file("k.tsv", "1\ta\tb\n2\tc\n")),
                "k.tsv, line 2",
                "2 fields",
                "number, source and target");
        assertRefused(
                () -> Benchmarks.advBench(file("l.prompt", "seeds:\n- value: |\n    x\n")),
                "l.prompt, line 2",
                "column value",
                "a plain text");
        assertRefused(
                () -> Benchmarks.truthfulQa(file("m.csv", "Question,Correct Answers,Incorrect Answers\nq,a,;\n")),
                "m.csv, line 2",
                "[0] right");
        file("sense/n.json", "{\"sentences\": {\"positive\": \"x\"}}");
        assertRefused(
                () -> Benchmarks.oneSec(folder, "n"), "n.json, sentences", "column positive", "an array of texts");
    }

    @Test
    @Tag("model")
    void whatPackagesHoldIsRead() throws IOException {
        var harmful = Benchmarks.advBench(DatasetStore.fetch("advbench"));
        assertEquals(520, harmful.size());
        assertTrue(harmful.stream()
                .allMatch(
                        prompt -> prompt.text().length() > 15 && !prompt.text().contains("data_type")));
        assertEquals(164, Benchmarks.humanEval(DatasetStore.fetch("humaneval")).size());
        var questions = Benchmarks.explained(DatasetStore.fetch("mmlu-style"));
        System.out.println("mmlu-style: " + questions.size() + " questions");
        assertTrue(questions.size() >= 275, questions.size() + " questions");
        var toxic = new HashSet<String>();
        try (var files = Files.list(DatasetStore.fetch("toxic-prompts"))) {
            for (var file : files.filter(path -> path.getFileName().toString().endsWith(".txt"))
                    .toList()) {
                toxic.addAll(Benchmarks.lines(file));
            }
        }
        assertEquals(623, toxic.size());
        var probes = DatasetStore.fetch("probes");
        assertEquals(
                80,
                Benchmarks.probes(probes.resolve("overrefusal/benign_edgy_80.json"))
                        .size());
        assertEquals(
                150,
                Benchmarks.pairs(probes.resolve("factual/expanded_150.json"), "text", "false")
                        .positive()
                        .size());
        assertEquals(
                50,
                Benchmarks.pairs(probes.resolve("refusal/harmful_benign_50.json"), "harmful_version", "text")
                        .negative()
                        .size());
        assertEquals(
                105,
                Benchmarks.refusals(DatasetStore.fetch("refusal-labels").resolve("refusal.csv"))
                        .size());
    }

    @Test
    void filesThatCannotBeReadAreNamed(@TempDir Path folder) throws IOException {
        var latin = Files.write(folder.resolve("latin.jsonl"), new byte[] {'{', (byte) 0xE9, '}'});
        assertRefused(() -> Benchmarks.realToxicityPrompts(latin), "latin.jsonl", "byte 1", "UTF-8");
        var cut = Files.write(folder.resolve("cut.jsonl.gz"), new byte[] {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0});
        assertRefused(() -> Benchmarks.humanEval(cut), "cut.jsonl.gz", "too early");
        assertRefused(() -> Benchmarks.jigsaw(Files.createDirectory(folder.resolve("d.csv"))), "d.csv", "is a folder");
        var blank = Files.writeString(
                folder.resolve("blank.json"),
                "{\"law\": \"\\n\\nQ: what (A) x (B)  (C) y (D) z\\nA: The answer is (B).\"}");
        assertRefused(() -> Benchmarks.explained(blank), "blank.json", "law", "blank answer");
    }
}
