package rudder.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Looks at the path of a model before anything large is read, and refuses what Rudder cannot load by name. */
public final class ModelPath {

    /** The configuration of an adapter, which PEFT writes; transformers applies the adapter to the model beside it. */
    static final String ADAPTER = "adapter_config.json";

    private ModelPath() {}

    /**
     * Requires that a path may be a model: a GGUF file, or a folder in Hugging Face's layout.
     *
     * @throws IllegalArgumentException if it is something else that Rudder knows; the message says what to give instead
     * @throws IOException if it cannot be read
     */
    public static void require(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            folder(path);
        }
    }

    private static void folder(Path folder) throws IOException {
        boolean whole = Files.exists(folder.resolve(Checkpoint.CONFIG));
        if (Files.exists(folder.resolve(ADAPTER))) {
            var adapter = Checkpoint.json(folder.resolve(ADAPTER));
            throw new IllegalArgumentException(folder + " holds " + ADAPTER + ", an adapter ("
                    + adapter.get("peft_type")
                    + ") of " + adapter.get("base_model_name_or_path") + ", and Rudder applies none: merge it with PEFT"
                    + " (merge_and_unload, then save_pretrained) and load the merged model"
                    + (whole ? "; if the weights here are merged already, move " + ADAPTER + " away" : ""));
        }
        if (!whole) {
            throw new IllegalArgumentException(folder + " is a folder without " + Checkpoint.CONFIG
                    + ": wanted a GGUF file, or a checkpoint's folder in Hugging Face's layout");
        }
    }
}
