package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.store.ModelStore;

/** A machine whose language has digits of its own: the names in files keep theirs. */
class LocaleTest {

    private static final int[] IDS = IntStream.range(0, 20).map(i -> 9 * i + 1).toArray();

    @TempDir
    private Path temp;

    /** Checkpoints that together have every name: of parts, norms of heads, norms of outputs, biases. */
    private List<Path> checkpoints() throws IOException {
        var all = new ArrayList<Path>();
        for (int part = 3; part >= 1; part--) {
            var name = "parts-0000" + part + "-of-00003.gguf";
            try (var in = LocaleTest.class.getResourceAsStream("/gguf/" + name)) {
                Files.copy(in, temp.resolve(name));
            }
        }
        all.add(temp.resolve("parts-00001-of-00003.gguf"));
        for (var name : List.of("gemma-3", "qwen2.5")) {
            try {
                all.add(Path.of(LocaleTest.class.getResource("/tiny/" + name).toURI()));
            } catch (URISyntaxException e) {
                throw new IllegalStateException(e);
            }
        }
        return all;
    }

    private static List<float[]> logits(List<Path> checkpoints) throws IOException {
        var all = new ArrayList<float[]>();
        for (var file : checkpoints) {
            for (var type : List.of(DataType.FLOAT32, DataType.FLOAT64)) { // on the heap, and on the engine
                try (var model = new ModelLoader(type, null).load(ModelStore.fetch(file.toString()))) {
                    all.add(model.logits(IDS));
                }
            }
        }
        return all;
    }

    @Test
    void aModelIsTheSameInEveryLocale() throws IOException {
        var checkpoints = checkpoints();
        var wanted = logits(checkpoints);
        var before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
            var found = logits(checkpoints);
            for (int i = 0; i < wanted.size(); i++) {
                assertArrayEquals(wanted.get(i), found.get(i));
            }
        } finally {
            Locale.setDefault(before);
        }
    }
}
