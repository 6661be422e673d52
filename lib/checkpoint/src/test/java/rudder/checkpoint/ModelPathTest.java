package rudder.checkpoint;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.store.LocalStore;

/** Gives paths that are no model, to the store and to the reader: both must say what to give instead. */
class ModelPathTest {

    @TempDir
    private Path temp;

    @Test
    void anAdapterIsRefusedByNameAloneAndBesideItsModel() throws IOException, URISyntaxException {
        var folder = Files.createDirectory(temp.resolve("adapter"));
        Files.writeString(
                folder.resolve("adapter_config.json"),
                "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"meta-llama/Llama-3.2-1B\"}");
        Files.writeString(folder.resolve("adapter_model.safetensors"), "");
        refused(folder, "an adapter (LORA) of meta-llama/Llama-3.2-1B", "merge_and_unload", "save_pretrained");

        var both = tiny("both");
        Files.copy(folder.resolve("adapter_config.json"), both.resolve("adapter_config.json"));
        refused(both, "an adapter (LORA) of meta-llama/Llama-3.2-1B", "move adapter_config.json away");
    }

    @Test
    void aPointerOfGitLfsIsNamedWhereverItStandsForAFile() throws IOException, URISyntaxException {
        var pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0".repeat(64) + "\nsize 1234567\n";
        refused(Files.writeString(temp.resolve("model.gguf"), pointer), "model.gguf", "git lfs pull");
        for (var name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            var folder = tiny(name);
            Files.writeString(folder.resolve(name), pointer);
            assertRefused(() -> Checkpoint.open(folder), name, "git lfs pull");
        }
        assertRefused(() -> Safetensors.open(temp.resolve("model.safetensors/model.safetensors")), "git lfs pull");
        assertRefused(() -> GgufFile.open(temp.resolve("model.gguf")), "git lfs pull");
    }

    @Test
    void aFileOfAFolderIsAnsweredWithTheFolder() throws IOException, URISyntaxException {
        var folder = tiny("whole");
        refused(folder.resolve("model.safetensors"), "is a safetensors file", "give the folder, " + folder);
        refused(folder.resolve("config.json"), "is a JSON file", "give the folder, " + folder);
        var alone = Files.copy(folder.resolve("model.safetensors"), temp.resolve("alone.safetensors"));
        refused(alone, "is a safetensors file", "give the folder, with config.json");
        refused(
                Files.writeString(temp.resolve("model.safetensors.index.json"), "{\"weight_map\": {}}"),
                "is a JSON file",
                "with config.json");
    }

    @Test
    void weightsOfPyTorchAreAnsweredWithTheirConversion() throws IOException, URISyntaxException {
        var zip = Files.write(temp.resolve("pytorch_model.bin"), new byte[] {'P', 'K', 3, 4, 0, 0});
        refused(zip, "PyTorch", "safe_serialization=True");
        refused(Files.write(temp.resolve("old.pth"), new byte[] {(byte) 0x80, 2, 'c'}), "safe_serialization=True");
        var folder = tiny("torch");
        Files.delete(folder.resolve("model.safetensors"));
        Files.copy(zip, folder.resolve("pytorch_model.bin"));
        refused(folder, "without model.safetensors", "pytorch_model.bin", "safe_serialization=True");
    }

    @Test
    void aFolderAroundTheModelIsAnsweredWithTheModel() throws IOException, URISyntaxException {
        var gguf = Files.createDirectory(temp.resolve("gguf"));
        Files.writeString(gguf.resolve("tiny-Q8_0.gguf"), "GGUF");
        refused(gguf, "without config.json", "give one of its GGUF files", gguf + "/tiny-Q8_0.gguf");
        Files.writeString(gguf.resolve("config.json"), "{}");
        refused(gguf, "without model.safetensors", gguf + "/tiny-Q8_0.gguf");
        var root = Files.createDirectories(temp.resolve("models--X--Y"));
        Files.createDirectories(root.resolve("snapshots/0123abc"));
        refused(root, "the hub's cache", root + "/snapshots/0123abc");
    }

    @Test
    void aPathThatIsNotThereIsSaidInWords() {
        var missing = temp.resolve("missing");
        assertRefused(() -> Checkpoint.open(missing), missing.toString(), "no such file or folder");
        assertRefused(() -> Checkpoint.config(missing), missing.toString(), "no such file or folder");
    }

    private Path tiny(String name) throws IOException, URISyntaxException {
        var from = Path.of(ModelPathTest.class.getResource("/tiny/qwen3").toURI());
        var folder = Files.createDirectory(temp.resolve(name));
        for (var file : List.of("config.json", "model.safetensors")) {
            Files.copy(from.resolve(file), folder.resolve(file));
        }
        return folder;
    }

    /** The store must refuse a path before it reads all bytes, for which it keeps a stamp. */
    private void refused(Path path, String... words) {
        assertRefused(() -> LocalStore.local(temp.resolve("cache"), path), words);
        assertFalse(Files.exists(temp.resolve("cache").resolve("sha256")));
        assertRefused(() -> Checkpoint.open(path), words);
        assertRefused(() -> Checkpoint.config(path), words);
    }
}
