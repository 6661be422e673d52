package rudder.checkpoint;

import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.store.LocalStore;

/** Gives paths that are no model, to the store and to the reader: both must say what to give instead. */
class ModelPathTest {

    @TempDir
    private Path temp;

    @Test
    void anAdapterIsRefusedByNameAloneAndBesideItsModel() throws IOException, URISyntaxException {
        var folder = Files.createDirectory(temp.resolve("tuned"));
        Files.writeString(
                folder.resolve("adapter_config.json"),
                "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"meta-llama/Llama-3.2-1B\"}");
        Files.writeString(folder.resolve("adapter_model.safetensors"), "");
        refused(folder, "an adapter (LORA) of meta-llama/Llama-3.2-1B", "merge_and_unload", "save_pretrained");

        var tiny = Path.of(ModelPathTest.class.getResource("/tiny/qwen3").toURI());
        for (var name : List.of("config.json", "model.safetensors")) {
            Files.copy(tiny.resolve(name), folder.resolve(name));
        }
        refused(folder, "an adapter (LORA) of meta-llama/Llama-3.2-1B", "move adapter_config.json away");
    }

    /** The store must refuse a path before it reads all bytes, for which it keeps a stamp. */
    private void refused(Path path, String... words) {
        assertRefused(() -> LocalStore.local(temp.resolve("cache"), path), words);
        assertRefused(() -> Checkpoint.open(path), words);
        assertRefused(() -> Checkpoint.config(path), words);
    }
}
