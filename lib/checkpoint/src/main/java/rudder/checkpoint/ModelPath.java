package rudder.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.text.LfsPointer;
import rudder.checkpoint.text.TextFile;

/** Looks at the path of a model before anything large is read, and refuses what Rudder cannot load by name. */
public final class ModelPath {

    /** The configuration of an adapter, which PEFT writes; transformers applies the adapter to the model beside it. */
    public static final String ADAPTER = "adapter_config.json";

    private static final String CONVERT = ", wanted a GGUF file, or a folder with safetensors files: convert it with"
            + " transformers (save_pretrained with safe_serialization=True)";

    private ModelPath() {}

    /**
     * Requires that a path may be a model: a GGUF file, or a folder in Hugging Face's layout.
     *
     * @throws IllegalArgumentException if it is something else that Rudder knows; the message says what to give instead
     * @throws IOException if it cannot be read
     */
    public static void require(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(
                    path.toString(),
                    null,
                    "there is no such file or folder; a relative path starts at "
                            + Path.of("").toAbsolutePath());
        }
        if (Files.isDirectory(path)) {
            folder(path);
        } else {
            file(path);
        }
    }

    private static void file(Path path) throws IOException {
        byte[] start;
        try (var in = Files.newInputStream(path)) {
            start = in.readNBytes(LfsPointer.BYTES);
        } catch (FileSystemException e) {
            throw new IOException("cannot read " + path + ": " + TextFile.reason(e), e);
        }
        LfsPointer.refuse(path, ByteBuffer.wrap(start));
        var text = new String(start, StandardCharsets.ISO_8859_1);
        if (text.startsWith("GGUF")) {
            return;
        }
        // a safetensors file has the length of its JSON in front of it
        if (text.startsWith("{") || text.startsWith("{", 8)) {
            var folder = path.toAbsolutePath().getParent();
            throw new IllegalArgumentException(path + " is a " + (text.startsWith("{") ? "JSON" : "safetensors")
                    + " file, wanted a GGUF file or a folder in Hugging Face's layout: give the folder, "
                    + (Files.exists(folder.resolve(Checkpoint.CONFIG))
                            ? folder
                            : "with " + Checkpoint.CONFIG + " and the other files of the model"));
        }
        if (text.startsWith("PK\3\4") || text.startsWith("\u0080")) {
            throw new IllegalArgumentException(path + " begins like weights that PyTorch saved" + CONVERT);
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
            refuseOthers(folder, folder + " is a folder without " + Checkpoint.CONFIG);
            throw new IllegalArgumentException(folder + " is a folder without " + Checkpoint.CONFIG
                    + ": wanted a GGUF file, or a checkpoint's folder in Hugging Face's layout");
        }
        if (!Files.exists(folder.resolve(Safetensors.SINGLE)) && !Files.exists(folder.resolve(Safetensors.INDEX))) {
            refuseOthers(folder, folder + " is a folder without " + Safetensors.SINGLE);
        }
    }

    /** Refuses a folder that holds a model in another form. */
    private static void refuseOthers(Path folder, String found) throws IOException {
        var commits = inside(folder.resolve("snapshots"), "*");
        if (!commits.isEmpty()) {
            throw new IllegalArgumentException(
                    found + ", the hub's cache of a model: give a folder of its snapshots, " + commits);
        }
        var gguf = inside(folder, "*.gguf");
        if (!gguf.isEmpty()) {
            throw new IllegalArgumentException(
                    found + ": give one of its GGUF files, of a model in parts the first, " + gguf);
        }
        var torch = inside(folder, "*.{bin,pt,pth}");
        if (!torch.isEmpty()) {
            throw new IllegalArgumentException(found + ", and holds " + torch + CONVERT);
        }
    }

    /** Returns at most three paths in a folder whose names match a pattern. */
    private static List<Path> inside(Path folder, String pattern) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (var found = Files.newDirectoryStream(folder, pattern)) {
            return StreamSupport.stream(found.spliterator(), false)
                    .sorted()
                    .limit(3)
                    .toList();
        }
    }
}
