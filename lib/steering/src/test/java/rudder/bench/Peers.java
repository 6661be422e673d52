package rudder.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import rudder.checkpoint.store.ModelStore;

/**
 * The other programs that the system properties name, with one model each: {@code peers.python} is a Python,
 * {@code peers.node} a folder with node-llama-cpp. {@code peers} alone stands for those that {@code install-peers}
 * made. One that is not named, or does not start, has no figures.
 */
final class Peers implements AutoCloseable {

    private static final Path INSTALLED = Path.of("../../target/peers");

    private final List<Peer> peers = new ArrayList<>();

    private interface Start {
        Peer of(Path model) throws IOException;
    }

    private Peers() {}

    /** Starts those of the names, and reports the time that each takes until it has loaded the model. */
    static Peers of(Arms arms, String model, String... names) throws IOException {
        var peers = new Peers();
        try {
            for (var name : names) {
                peers.start(arms, model, name);
            }
            return peers;
        } catch (IOException | RuntimeException e) {
            peers.close();
            throw e;
        }
    }

    private void start(Arms arms, String model, String name) throws IOException {
        var start = starting(name);
        if (start.isPresent()) {
            try {
                var peer = start.get().of(ModelStore.fetch(model).path());
                peers.add(peer);
                arms.report("start_" + model + "_" + name, peer.loaded().seconds(), "s");
            } catch (Peer.Absent e) {
                arms.absent("start_" + model + "_" + name, e);
            }
        }
    }

    private static Optional<Start> starting(String name) {
        return name.equals(Peer.LLAMA)
                ? place("peers.node", INSTALLED).map(folder -> model -> Peer.llama(Path.of(folder), model))
                : place("peers.python", INSTALLED.resolve("venv/bin/python"))
                        .map(python -> model -> Peer.transformers(python, model));
    }

    private static Optional<String> place(String property, Path installed) {
        var named = System.getProperty(property, "");
        if (!named.isBlank()) {
            return Optional.of(named);
        }
        if (System.getProperty("peers", "").isBlank()) {
            return Optional.empty();
        }
        if (!Files.exists(installed)) {
            throw new IllegalStateException(installed + " is not there, and " + property
                    + " names nothing else: run install-peers, see CONTRIBUTING.md, or leave -Dpeers out");
        }
        return Optional.of(installed.toString());
    }

    List<Peer> named(String... names) {
        return peers.stream()
                .filter(peer -> Arrays.asList(names).contains(peer.name()))
                .toList();
    }

    List<Peer> all() {
        return peers;
    }

    @Override
    public void close() {
        peers.forEach(Peer::close);
    }
}
