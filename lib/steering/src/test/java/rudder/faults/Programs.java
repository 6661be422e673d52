package rudder.faults;

import ai.djl.engine.Engine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.checkpoint.store.LocalStore;
import rudder.compare.Comparison;
import rudder.eval.Task;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFile;
import rudder.steer.Linearisation;
import rudder.steer.PromptSet;
import rudder.theory.control.Controller;

/**
 * What the killed processes do. Each prints "ready" before its work, which begins with a line of input, and "done"
 * behind it.
 */
final class Programs {

    static final int PROMPTS = 96;

    private Programs() {}

    public static void main(String[] args) throws Exception {
        try {
            run(args);
        } catch (IOException | IllegalArgumentException | IllegalStateException e) {
            System.out.println("refused " + e.getMessage());
            System.out.flush();
            Runtime.getRuntime().halt(2);
        }
        say("done");
        Runtime.getRuntime().halt(0); // the engine's threads need not be waited for
    }

    private static void run(String[] args) throws IOException {
        Path folder = Path.of(args[1]);
        switch (args[0]) {
            case "fetch" -> {
                go();
                LocalStore.fetch(folder, args[2], "hf_secret", Duration.ofSeconds(10), "tiny/model");
            }
            case "task" -> {
                var model = FileSubjects.model();
                go();
                longTask().run(model, folder, Controller.none());
            }
            case "save" -> save(folder, Integer.parseInt(args[2]));
            case "load" -> {
                Engine.getInstance(); // takes longer than the rest
                go();
                try (var model = LanguageModel.load(folder.toString())) {
                    model.logits(new int[] {1, 2, 3});
                }
            }
            case "loads" -> loads(folder);
            case "tokens" -> tokens();
            default -> throw new IllegalArgumentException("no program " + args[0]);
        }
    }

    /** Begins only when it is told to, so that two processes begin together. */
    private static void go() throws IOException {
        say("ready");
        System.in.read();
    }

    static void say(String word) {
        System.out.println(word);
        System.out.flush();
    }

    /** Long prompts, so that a transcript takes a while to write. */
    static Task longTask() {
        var prompts = new ArrayList<String>();
        for (int i = 0; i < PROMPTS; i++) {
            prompts.add("prompt " + i + ": " + "the tide turns ".repeat(8));
        }
        return new Task(
                "faults",
                new ContrastSet("c", List.of("wet"), List.of("dry")),
                new PromptSet("t", List.of("tuning")),
                new PromptSet("e", prompts),
                List.of(),
                Comparison.settings().tokens(2).sampling(Sampling.greedy()));
    }

    /** Saves a controller under one name again and again, and keeps Jacobians of other prompts each time. */
    private static void save(Path folder, int times) throws IOException {
        var model = FileSubjects.model();
        var controller = FileSubjects.feedback();
        go();
        for (int i = 0; i < times; i++) {
            ControllerFile.save(folder.resolve("controller.safetensors"), controller.times(1 + i), model);
            Linearisation.kept(model, List.of("the sea " + i % 8));
        }
    }

    /** Loads and closes a model of 34 MB. */
    private static void loads(Path folder) throws IOException {
        var shape = new ModelShape("some", "llama", 8, 256, 4, 2, 64, 768, 8000, true);
        RandomCheckpoint.write(folder, shape, 1);
        for (int i = 0; i < 20; i++) {
            try (var model = LanguageModel.load(folder.toString())) {
                model.logits(new int[] {1, 2, 3});
            }
            say("resident " + resident());
        }
    }

    /** Writes 10,000 tokens over changing prompts. */
    private static void tokens() throws IOException {
        var model = Tiny.LLAMA.model(ai.djl.ndarray.types.DataType.FLOAT32);
        var steered = model.steered(FileSubjects.feedback());
        for (int i = 0; i < 100; i++) {
            steered.generate("prompt " + i + " of the sea" + " and".repeat(i % 7), 100, Sampling.greedy());
            if (i % 10 == 9) {
                say("resident " + resident());
            }
        }
    }

    static long resident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
            }
        }
        throw new IOException("/proc/self/status has no VmRSS");
    }
}
