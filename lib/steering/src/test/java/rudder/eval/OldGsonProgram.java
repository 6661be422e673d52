package rudder.eval;

import ai.djl.ndarray.types.DataType;
import com.google.gson.Gson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFile;
import rudder.steer.PromptSet;
import rudder.theory.control.Controller;

/** Reads and writes JSON of every kind; OldGsonTest runs it with an old Gson first on the class path. */
final class OldGsonProgram {
    private OldGsonProgram() {}

    public static void main(String[] args) throws IOException {
        var source = Gson.class.getProtectionDomain().getCodeSource().getLocation();
        System.out.println("gson of " + Path.of(source.getPath()).getFileName());
        var folder = Path.of(args[0]);
        checkpoint(folder.resolve("checkpoint"));
        rows(folder);
        var model = Tiny.LLAMA.model(DataType.FLOAT32);
        var task = new Task(
                "old",
                new ContrastSet("c", List.of("wet"), List.of("dry")),
                new PromptSet("t", List.of("tuning")),
                new PromptSet("e", List.of("the sea", "the shore")),
                List.of(),
                Comparison.settings().tokens(3).sampling(Sampling.greedy()));
        var written = task.run(model, folder.resolve("runs"), Controller.none())
                .table()
                .print();
        var read = task.judge(model, folder.resolve("runs"), Controller.none().name())
                .table()
                .print();
        require(written.equals(read), "found " + read + ", wanted " + written);
        var controller = Controller.none().named("nothing");
        ControllerFile.save(folder.resolve("controller.safetensors"), controller, model);
        var loaded = ControllerFile.load(folder.resolve("controller.safetensors"), model);
        require(loaded.name().equals("nothing"), "found the controller " + loaded.name());
        Runtime.getRuntime().halt(0); // the engine's threads need not be waited for
    }

    private static void checkpoint(Path folder) throws IOException {
        var shape = new ModelShape("some", "llama", 2, 64, 2, 1, 32, 96, 300, true);
        RandomCheckpoint.write(folder, shape, 1);
        try (var model = LanguageModel.load(folder.toString())) {
            require(model.logits(new int[] {1, 2, 3}).length == 300, "wrong logits");
        }
    }

    private static void rows(Path folder) throws IOException {
        var file = Files.writeString(folder.resolve("rows.jsonl"), "{\"words\": [\"a\", \"b\"], \"text\": \"c\"}\n");
        var words = BenchmarkRow.read(file, row -> row.texts("words"));
        require(words.equals(List.of(List.of("a", "b"))), "found " + words);
        Files.writeString(file, "{\"text\": TRUE}\n");
        try {
            BenchmarkRow.read(file, row -> row.text("text"));
        } catch (IOException e) {
            require(e.getMessage().contains("line 1"), e.getMessage());
            return;
        }
        throw new IllegalStateException("TRUE was accepted");
    }

    private static void require(boolean holds, String found) {
        if (!holds) {
            throw new IllegalStateException(found);
        }
    }
}
