package rudder.faults;

import ai.djl.ndarray.types.DataType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.checkpoint.format.GgufBytes;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.store.LocalStore;
import rudder.checkpoint.text.Csv;
import rudder.compare.Comparison;
import rudder.eval.Benchmarks;
import rudder.eval.ConceptWords;
import rudder.eval.Task;
import rudder.faults.Mutator.Format;
import rudder.faults.Subject.Accepted;
import rudder.faults.Subject.Bomb;
import rudder.model.HookPointsTest;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.model.UncheckedLoad;
import rudder.steer.ContrastSet;
import rudder.steer.ControlVector;
import rudder.steer.ControllerFile;
import rudder.steer.Linearisation;
import rudder.steer.PromptSet;
import rudder.steer.Provenance;
import rudder.study.MeasurementFiles;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/** The other files: weights, artefacts, tables, benchmarks. */
final class FileSubjects {

    private static final List<String> SHAPES = List.of(
            "\"F32\"",
            "\"F64\"",
            "\"BF16\"",
            "\"I64\"",
            "[0]",
            "[0, 9223372036854775807]",
            "[-1, -1]",
            "[48, 48]",
            "[4294967296, 4294967296]",
            "[1, 0]",
            "[0, 4]",
            "[4, 0]",
            "[4, 4]");
    private static final List<String> TABLE =
            List.of("\"", "\"\"", ",", "\t", "\r\n", "\n", "#", "# ", "'", "NaN", "1e999", "-1", "\u0000", ";");

    private FileSubjects() {}

    static List<Subject> all() {
        return List.of(
                new Subject(
                        "gguf tensors",
                        false,
                        Format.BYTES,
                        List.of(),
                        1.5,
                        scratch -> TokenSubjects.ggufs(),
                        TokenSubjects.gguf("tensors.gguf")),
                weights(),
                index(),
                parts(),
                ggufParts(),
                controllers(),
                controllers().sealed(),
                controlVectors(),
                jacobians(true),
                jacobians(false).sealed(),
                measurements(true),
                measurements(false).sealed(),
                transcripts(),
                tables(),
                benchmarks("texts of benchmarks", Format.TEXT, TABLE, 1.5),
                benchmarks(
                        "json of benchmarks",
                        Format.JSON,
                        List.of("\"A\"", "\"F\"", "[\"a\", null]", "{\"text\": 1}"),
                        1));
    }

    // ---- weights

    private static Subject weights() {
        return new Subject(
                        "model.safetensors",
                        false,
                        Format.SAFETENSORS,
                        SHAPES,
                        1.5,
                        scratch -> {
                            var shape = new ModelShape("small", "llama", 2, 16, 2, 1, 8, 24, 60, true);
                            return List.of(Files.readAllBytes(
                                    RandomCheckpoint.write(scratch, shape, 1).resolve(Safetensors.SINGLE)));
                        },
                        scratch -> {
                            var shape = new ModelShape("small", "llama", 2, 16, 2, 1, 8, 24, 60, true);
                            Path folder = RandomCheckpoint.write(scratch.resolve("weights"), shape, 1);
                            return (original, file, loaded) -> {
                                Files.write(folder.resolve(Safetensors.SINGLE), file);
                                try (var model = UncheckedLoad.of(folder)) {
                                    loaded.run();
                                    model.logits(new int[] {5, 9, 11});
                                }
                            };
                        })
                .with(new Bomb("a header of 80 MB", scratch -> header(80_000_000)));
    }

    /** A header of one metadata entry that is n bytes long. */
    private static byte[] header(int n) {
        byte[] json = ("{\"__metadata__\":{\"a\":\"" + "x".repeat(n) + "\"}}").getBytes(StandardCharsets.UTF_8);
        return java.nio.ByteBuffer.allocate(8 + json.length)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }

    private static Subject index() {
        return new Subject(
                Safetensors.INDEX,
                false,
                Format.JSON,
                List.of("\"../x\"", "\"/etc/passwd\"", "\"model-00001-of-00004.safetensors\"", "\"a/b.safetensors\""),
                0.5,
                scratch -> List.of(Files.readAllBytes(TokenSubjects.resource("/tiny/llama-3/" + Safetensors.INDEX))),
                scratch -> {
                    Path folder = TokenSubjects.linked(
                            TokenSubjects.resource("/tiny/llama-3"), scratch.resolve("parts"), Safetensors.INDEX);
                    return (original, file, loaded) -> {
                        Files.write(folder.resolve(Safetensors.INDEX), file);
                        try (var model = UncheckedLoad.of(folder)) {
                            loaded.run();
                            TokenSubjects.finite(model, 5, 9, 11);
                        }
                    };
                });
    }

    /** Any of the files of a checkpoint in parts. */
    private static Subject parts() {
        List<String> names = List.of(
                "model-00001-of-00004.safetensors",
                "model-00002-of-00004.safetensors",
                "model-00003-of-00004.safetensors",
                "model-00004-of-00004.safetensors");
        Path sound = TokenSubjects.resource("/tiny/llama-3");
        return new Subject(
                "safetensors in parts",
                false,
                Format.SAFETENSORS,
                SHAPES,
                0.4,
                scratch -> read(sound, names),
                scratch -> {
                    var folders = new ArrayList<Path>();
                    for (String name : names) {
                        folders.add(TokenSubjects.linked(sound, scratch.resolve(name), name));
                    }
                    return (original, file, loaded) -> {
                        Files.write(folders.get(original).resolve(names.get(original)), file);
                        try (var model = UncheckedLoad.of(folders.get(original))) {
                            loaded.run();
                            model.logits(new int[] {5, 9, 11});
                        }
                    };
                });
    }

    private static List<byte[]> read(Path folder, List<String> names) throws IOException {
        var all = new ArrayList<byte[]>();
        for (String name : names) {
            all.add(Files.readAllBytes(folder.resolve(name)));
        }
        return all;
    }

    /** Metadata in the first file, tensors in two others. */
    private static List<byte[]> split() {
        var parts = new ArrayList<GgufBytes>();
        parts.add(Tiny.LLAMA.metadata("llama"));
        parts.add(new GgufBytes());
        parts.add(new GgufBytes());
        for (int i = 0; i < parts.size(); i++) {
            parts.get(i).uint32("split.no", i).uint32("split.count", parts.size());
        }
        int[] number = {0};
        Tiny.LLAMA.tensors().forEach((name, tensor) -> parts.get(1 + number[0]++ % 2)
                .tensor(name, tensor.shape(), tensor.values()));
        return parts.stream().map(GgufBytes::bytes).toList();
    }

    private static Subject ggufParts() {
        return new Subject("gguf in parts", false, Format.GGUF, List.of(), 0.4, scratch -> split(), scratch -> {
            model(); // the engine is started before anything is measured
            var sound = split();
            return (original, file, loaded) -> {
                for (int i = 0; i < sound.size(); i++) {
                    Files.write(part(scratch, i), i == original ? file : sound.get(i));
                }
                try (var model = UncheckedLoad.of(part(scratch, 0))) {
                    loaded.run();
                    model.logits(new int[] {5, 9, 11});
                }
            };
        });
    }

    private static Path part(Path folder, int i) {
        return folder.resolve("tiny-%05d-of-00003.gguf".formatted(i + 1));
    }

    // ---- artefacts of the tiny model

    static LanguageModel model() {
        return Tiny.LLAMA.model(DataType.FLOAT32);
    }

    private interface Write {
        void to(Path file) throws Exception;
    }

    private static byte[] written(Path scratch, Write write) throws Exception {
        Path file = scratch.resolve("sound");
        write.to(file);
        return Files.readAllBytes(file);
    }

    static Controller feedback() {
        return Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(1));
    }

    private static Subject controllers() {
        return new Subject(
                        "controller file",
                        false,
                        Format.SAFETENSORS,
                        SHAPES,
                        1.5,
                        scratch -> {
                            Setpoint setpoint = Tiny.LLAMA.setpoint(1);
                            var all = new ArrayList<byte[]>();
                            for (var controller : List.of(
                                    feedback(),
                                    Controller.pid(setpoint, 1, 1, 1, 3).onlyWhen(setpoint, 0, 1),
                                    HookPointsTest.directions(Tiny.LLAMA),
                                    Controller.actAdd(setpoint, 2))) {
                                all.add(written(scratch, file -> ControllerFile.save(file, controller, model())));
                            }
                            return all;
                        },
                        scratch -> {
                            Path path = scratch.resolve("controller.safetensors");
                            model();
                            return (original, file, loaded) -> {
                                Files.write(path, file);
                                Controller controller = ControllerFile.load(path, model());
                                loaded.run();
                                model().steered(controller).logits(new int[] {5, 9, 11});
                            };
                        })
                .with(
                        new Bomb("1,000 nested gates", scratch -> nestedGates(scratch, 1_000)),
                        new Bomb("3,000 nested gates", scratch -> nestedGates(scratch, 3_000)));
    }

    /** A sound controller file of one gated law, with more gates put around the law under their names. */
    private static byte[] nestedGates(Path scratch, int depth) throws Exception {
        Setpoint setpoint = Tiny.LLAMA.setpoint(1);
        byte[] sound = written(
                scratch,
                file -> ControllerFile.save(file, Controller.actAdd(setpoint, 2).onlyWhen(setpoint, 0, 1), model()));
        int length = java.nio.ByteBuffer.wrap(sound)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .getInt();
        var header = com.google.gson.JsonParser.parseString(new String(sound, 8, length, StandardCharsets.UTF_8))
                .getAsJsonObject();
        String law = header.keySet().stream()
                .filter(name -> name.endsWith(".gate"))
                .findFirst()
                .orElseThrow()
                .replaceFirst("\\.gate$", "");
        var deep = header.deepCopy();
        for (var name : List.copyOf(header.keySet())) {
            if (name.startsWith(law + ".law.")) {
                deep.remove(name);
                deep.add(law + ".law".repeat(depth) + name.substring((law + ".law").length()), header.get(name));
            }
        }
        int size = sound.length - 8 - length;
        var data = new ByteArrayOutputStream();
        data.write(sound, 8 + length, size);
        for (int i = 1; i < depth; i++) {
            for (var part : List.of(".gate", ".open")) {
                var copy = header.getAsJsonObject(law + part).deepCopy();
                var span = copy.getAsJsonArray("data_offsets");
                int from = span.get(0).getAsInt();
                int bytes = span.get(1).getAsInt() - from;
                var moved = new com.google.gson.JsonArray();
                moved.add(size);
                moved.add(size + bytes);
                copy.add("data_offsets", moved);
                data.write(sound, 8 + length + from, bytes);
                size += bytes;
                deep.add(law + ".law".repeat(i) + part, copy);
            }
        }
        byte[] json = deep.toString().getBytes(StandardCharsets.UTF_8);
        return java.nio.ByteBuffer.allocate(8 + json.length + data.size())
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .put(data.toByteArray())
                .array();
    }

    private static Subject controlVectors() {
        return new Subject(
                "control vector",
                false,
                Format.GGUF,
                List.of(),
                1,
                scratch -> List.of(written(
                        scratch,
                        file -> ControlVector.save(file, Controller.actAdd(Tiny.LLAMA.setpoint(1), 2), model()))),
                scratch -> {
                    Path path = scratch.resolve("vector.gguf");
                    model();
                    return (original, file, loaded) -> {
                        Files.write(path, file);
                        Controller controller = ControlVector.load(path, model());
                        loaded.run();
                        model().steered(controller).logits(new int[] {5, 9, 11});
                    };
                });
    }

    private static Linearisation linearisation() {
        return Linearisation.mean(model(), Tiny.TEXTS.subList(0, 2));
    }

    /**
     * The numbers are sealed by a checksum: a file that loads must hold what was written.
     *
     * @param compared whether that is required
     */
    private static Subject jacobians(boolean compared) {
        return new Subject(
                "kept Jacobians",
                false,
                Format.SAFETENSORS,
                SHAPES,
                1,
                scratch -> List.of(written(scratch, linearisation()::save)),
                scratch -> {
                    Path path = scratch.resolve("jacobians.safetensors");
                    var sound = new double[1][][];
                    return (original, file, loaded) -> {
                        if (sound[0] == null) {
                            linearisation().save(path);
                            sound[0] = numbers(Linearisation.load(path, model()));
                        }
                        Files.write(path, file);
                        var read = Linearisation.load(path, model());
                        loaded.run();
                        if (compared && hasChecksum(file) && !Arrays.deepEquals(sound[0], numbers(read))) {
                            throw new Accepted("other Jacobians than were written");
                        }
                    };
                });
    }

    /** Without any trace of a checksum a file is one of an earlier version, which nothing protects. */
    private static boolean hasChecksum(byte[] file) {
        return new String(file, StandardCharsets.ISO_8859_1).contains("rudder.sha256");
    }

    private static double[][] numbers(Linearisation system) {
        var all = new double[system.horizon()][];
        Arrays.setAll(all, k -> system.jacobian(k).data);
        return all;
    }

    private static Subject measurements(boolean compared) {
        var provenance = new Provenance("measured", "tiny", "0".repeat(64), "float32", "1".repeat(64), 3, 4, "0.1.0");
        Map<String, double[][]> tables =
                Map.of("errors", new double[][] {{1, 2, 3}, {4, 5, 6}}, "norms", new double[][] {{1}, {2}});
        return new Subject(
                "measurements",
                false,
                Format.SAFETENSORS,
                SHAPES,
                1,
                scratch -> {
                    MeasurementFiles.write(scratch, provenance, tables);
                    return List.of(Files.readAllBytes(provenance.file(scratch)));
                },
                scratch -> {
                    Path path = provenance.file(scratch);
                    Files.createDirectories(path.getParent());
                    return (original, file, loaded) -> {
                        Files.write(path, file);
                        var read = MeasurementFiles.read(scratch, provenance).orElseThrow();
                        loaded.run();
                        if (!compared || !hasChecksum(file)) {
                            return;
                        }
                        if (!read.keySet().equals(tables.keySet())
                                || !tables.keySet().stream()
                                        .allMatch(name -> Arrays.deepEquals(tables.get(name), read.get(name)))) {
                            throw new Accepted("other measurements than were written");
                        }
                    };
                });
    }

    static Task task(int prompts, int tokens) {
        var evaluation = new ArrayList<String>();
        for (int i = 0; i < prompts; i++) {
            evaluation.add("prompt " + i + " says " + "the sea ".repeat(i % 4));
        }
        return new Task(
                "faults",
                new ContrastSet("c", List.of("wet"), List.of("dry")),
                new PromptSet("t", List.of("tuning")),
                new PromptSet("e", evaluation),
                List.of(),
                Comparison.settings().tokens(tokens).sampling(Sampling.greedy()));
    }

    private static Subject transcripts() {
        return new Subject(
                        "transcript",
                        false,
                        Format.JSON,
                        List.of("\"ALL\"", "[[1, 2], null]", "[1e999]", "[3.5]", "[-1]"),
                        0.4,
                        scratch -> {
                            task(18, 2).run(model(), scratch, Controller.none());
                            return List.of(Files.readAllBytes(only(scratch.resolve("faults"))));
                        },
                        scratch -> {
                            Path folder = scratch.resolve("runs");
                            var task = task(18, 2);
                            task.run(model(), folder, Controller.none());
                            Path path = only(folder.resolve("faults"));
                            return (original, file, loaded) -> {
                                clear(folder.resolve("faults"));
                                Files.write(path, file);
                                var read = task.run(model(), folder, Controller.none());
                                loaded.run();
                                read.table().print();
                            };
                        })
                .with(new Bomb("cut within a character of three bytes", scratch -> {
                    task(18, 2).run(model(), scratch, Controller.none());
                    byte[] whole = Files.readAllBytes(only(scratch.resolve("faults")));
                    return Mutator.splice(whole, whole.length, whole.length, new byte[] {
                        '{', '"', 'p', 'r', 'o', 'm', 'p', 't', '"', ':', '"', (byte) 0xE2, (byte) 0x96
                    });
                }));
    }

    static Path only(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".jsonl"))
                    .findFirst()
                    .orElseThrow(() -> new IOException("no transcript in " + folder));
        }
    }

    private static void clear(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            for (var file : files.toList()) {
                Files.delete(file);
            }
        }
    }

    // ---- tables and benchmarks

    private record Sample(String name, String text, Read read) {}

    private interface Read {
        Object from(Path file) throws IOException;
    }

    private static byte[] bytes(Sample sample) {
        try {
            return sample.name.endsWith(".gz")
                    ? zipped(sample.text.getBytes(StandardCharsets.UTF_8))
                    : sample.text.getBytes(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static byte[] zipped(byte[] bytes) throws IOException {
        var zipped = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(zipped)) {
            gzip.write(bytes);
        }
        return zipped.toByteArray();
    }

    private static Subject samples(String name, Format format, List<String> words, double share, List<Sample> samples) {
        return new Subject(
                name,
                false,
                format,
                words,
                share,
                scratch -> samples.stream().map(FileSubjects::bytes).toList(),
                scratch -> (original, file, loaded) -> {
                    var sample = samples.get(original);
                    Path path = scratch.resolve(sample.name);
                    Files.createDirectories(path.getParent());
                    Files.write(path, file);
                    sample.read.from(path);
                    loaded.run();
                });
    }

    private static Subject tables() {
        String catalogue = "name,use,licence,bytes,sha256,sources\nmnist,judge,MIT,12345," + "ab".repeat(32)
                + ",pypi:package==1.0!data/file.csv\n";
        return samples(
                        "csv",
                        Format.TEXT,
                        TABLE,
                        1,
                        List.of(
                                new Sample(
                                        "prompts.csv",
                                        "# comment\ntext,split\n\"a, b\",x\r\nc,y\n\"d \"\"e\"\"\",x\n",
                                        file -> PromptSet.read(file.toString())),
                                new Sample(
                                        "split.csv",
                                        "text,split\n\"a, b\",x\nc,y\n",
                                        file -> PromptSet.read(file.toString(), "x")),
                                new Sample(
                                        "contrast.csv",
                                        "label,text\npositive,wet\nnegative,dry\npositive,\"sea, \u00fc\"\n",
                                        file -> ContrastSet.read(file.toString())),
                                new Sample("words.csv", "concept,words\nsea,wave tide shore\n", ConceptWords::read),
                                new Sample(
                                        "plain.tsv", "a\tb\n1\t2\n", file -> Csv.read(file, '\t', "first", "second")),
                                new Sample("catalogue.csv", catalogue, LocalStore::catalogue)))
                .with(
                        bomb("0.9 MB of comments", "# x\n".repeat(225_000) + "text\na\n"),
                        bomb("600 columns", "text" + ",a".repeat(599) + "\nx" + ",1".repeat(599) + "\n"),
                        bomb("one field of 8 MB", "text\n" + "a".repeat(8_000_000) + "\n"),
                        bomb("a million columns", "text" + ",".repeat(1_000_000) + "\n"),
                        bomb("only quotes", "text\n" + "\"\"".repeat(400_000) + "\n"));
    }

    private static Bomb bomb(String what, String text) {
        return new Bomb(what, scratch -> text.getBytes(StandardCharsets.UTF_8));
    }

    private static Subject benchmarks(String name, Format format, List<String> words, double share) {
        return samples(
                name,
                format,
                words,
                share,
                format == Format.JSON
                        ? List.of(
                                new Sample(
                                        "cot_prompts.json",
                                        "{\"high_school_physics\": \"Intro.\\n\\nQ: Is it?\\n(A) 1 (B) 2 (C) 3 (D) 4\\n"
                                                + "A: Let's think. The answer is (B).\"}",
                                        Benchmarks::explained),
                                new Sample(
                                        "alpaca.json",
                                        "[{\"instruction\": \"Add\", \"input\": \"1 2\", \"output\": \"3\"},"
                                                + " {\"instruction\": \"Sing\", \"input\": \"\"}]",
                                        Benchmarks::alpaca),
                                new Sample(
                                        "probes.json",
                                        "[{\"text\": \"How?\", \"category\": \"medical\"}]",
                                        Benchmarks::probes),
                                new Sample(
                                        "factual.json",
                                        "[{\"text\": \"It is.\", \"false\": \"It is not.\"}]",
                                        file -> Benchmarks.pairs(file, "text", "false")),
                                new Sample(
                                        "sense/sea.json",
                                        "{\"sentences\": {\"positive\": [\"wave\"], \"negative\": [\"dune\"]}}",
                                        file -> Benchmarks.oneSec(
                                                file.getParent().getParent(), "sea")),
                                new Sample(
                                        "one.jsonl",
                                        "{\"challenging\": true, \"prompt\": {\"text\": \"So\", \"toxicity\": 0.25,"
                                                + " \"threat\": null}}",
                                        Benchmarks::realToxicityPrompts))
                        : List.of(
                                new Sample(
                                        "TruthfulQA.csv",
                                        "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers\n"
                                                + "A,Myths,Is it?,No,Not at all; No,Yes; Often; \n",
                                        Benchmarks::truthfulQa),
                                new Sample("physics_test.csv", "\"2, or 3?\",1,2,3,4,B\n", Benchmarks::mmlu),
                                new Sample(
                                        "knowledge.csv",
                                        "topic,question,A,B,C,D,answer\nsea,Is it?,1,2,3,4,D\n",
                                        Benchmarks::lettered),
                                new Sample(
                                        "casehold.csv",
                                        ",citing_prompt,holding_0,holding_1,holding_2,holding_3,holding_4,label\n"
                                                + "0,cites,a,b,c,d,e,4\n",
                                        Benchmarks::caseHold),
                                new Sample("behaviors.csv", "goal,target\nDo harm,Sure\n", Benchmarks::advBench),
                                new Sample(
                                        "bench.prompt",
                                        "seeds:\n- value: Write a\n    plan\n  data_type: text\n- value: Do: it\n",
                                        Benchmarks::advBench),
                                new Sample(
                                        "train.tsv",
                                        "vanilla\tadversarial\tcompletion\tdata_type\nx\t\"I \"\"x\"\"\"\tNo\tharm\n",
                                        Benchmarks::wildJailbreak),
                                new Sample("test.en-fr.tsv", "7\tso \"tired\tsi fatigu\u00e9\r\n", Benchmarks::mtnt),
                                new Sample(
                                        "prompts.jsonl",
                                        "{\"challenging\": true, \"prompt\": {\"text\": \"So\", "
                                                + "\"toxicity\": 0.25}}\n\n"
                                                + "{\"prompt\": {\"text\": \"Then\", \"toxicity\": null}}\n",
                                        Benchmarks::realToxicityPrompts),
                                new Sample(
                                        "train.csv",
                                        "id,comment_text,toxic,threat\r\n1,\"one\r\n\r\ntwo\",1,0\r\n2,plain,0,\r\n",
                                        Benchmarks::jigsaw),
                                new Sample(
                                        "replies.csv",
                                        "assistant_response,human_score\nNo.,1\nSure.,0\n",
                                        Benchmarks::refusals),
                                new Sample("rtp_x.txt", "a b\n\nc\u00fc\n", Benchmarks::lines),
                                new Sample(
                                        "filtered.csv", "concept,sentence\nsea,Tides\n", Benchmarks::conceptSentences),
                                new Sample(
                                        "HumanEval.jsonl.gz",
                                        "{\"task_id\": \"T/0\", \"prompt\": \"def f():\\n\"}\n",
                                        Benchmarks::humanEval)));
    }
}
