package rudder.checkpoint.store;

import java.io.IOException;
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

    /** Returns the number of entries of a catalogue. */
    public static int catalogue(Path csv) throws IOException {
        return Catalog.of(Csv.read(csv)).entries().size();
    }
}
