package rudder.faults;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.store.LocalStore;
import rudder.faults.Mutator.Format;
import rudder.faults.Subject.Accepted;
import rudder.faults.Subject.Bomb;

/** What the store keeps and receives. */
final class StoreSubjects {

    private StoreSubjects() {}

    static List<Subject> all() {
        return List.of(
                cacheFile("SHA256SUMS", 0.5),
                cacheFile("refs main", 0.3),
                cacheFile("stamp", 0.4),
                half(),
                archive("jar", StoreSubjects::readJar),
                archive("wheel", StoreSubjects::readWheel),
                answers());
    }

    /** Of a client whose server may be silent, and of one whose server is not: a busy machine must not seem silent. */
    private static final Duration SILENCE = Duration.ofMillis(250);

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** A small repository, so that a fetch takes milliseconds. */
    private static LoopbackHub hub(Path scratch) throws IOException {
        var shape = new ModelShape("small", "llama", 1, 8, 1, 1, 8, 8, 20, true);
        return new LoopbackHub(RandomCheckpoint.write(scratch.resolve("hub"), shape, 1));
    }

    private static Path place(Path cache, String kind) throws IOException {
        Path home = cache.resolve("models/hub/tiny--model");
        switch (kind) {
            case "SHA256SUMS":
                return home.resolve(LoopbackHub.COMMIT).resolve("SHA256SUMS");
            case "refs main":
                return home.resolve("refs/main");
            default:
                try (var stamps = Files.list(cache.resolve("sha256"))) {
                    return stamps.sorted().findFirst().orElseThrow();
                }
        }
    }

    /** The cached checkpoint is damaged too in every other try: then it must be fetched again, or refused. */
    private static Subject cacheFile(String kind, double share) {
        return new Subject(
                        kind,
                        false,
                        Format.TEXT,
                        List.of(" ", "  ", "\n", "..", "/", "../../x", "0".repeat(64), "\u0000"),
                        share,
                        scratch -> {
                            Path cache = scratch.resolve("cache");
                            try (var hub = hub(scratch)) {
                                LocalStore.fetch(cache, hub.address(), null, PATIENCE, "tiny/model");
                            }
                            return List.of(Files.readAllBytes(place(cache, kind)));
                        },
                        scratch -> {
                            var hub = hub(scratch);
                            Path cache = scratch.resolve("cache " + kind);
                            String sha256 = LocalStore.fetch(cache, hub.address(), null, PATIENCE, "tiny/model")
                                    .sha256();
                            var tries = new Random(1);
                            return (original, file, loaded) -> {
                                LocalStore.fetch(cache, hub.address(), null, PATIENCE, "tiny/model");
                                Path place = place(cache, kind);
                                Path config = place(cache, "SHA256SUMS").resolveSibling(Checkpoint.CONFIG);
                                byte[] sound = Files.readAllBytes(place);
                                if (kind.equals("SHA256SUMS") && tries.nextBoolean()) {
                                    Files.write(config, "{\"model_type\": \"llama\"}".getBytes());
                                }
                                Files.write(place, file);
                                try {
                                    var found = LocalStore.fetch(cache, hub.address(), null, PATIENCE, "tiny/model");
                                    loaded.run();
                                    requireSame(hub, found.path());
                                    if (!found.sha256().equals(sha256)) {
                                        throw new Accepted("the checksum " + found.sha256() + ", wanted " + sha256);
                                    }
                                } finally {
                                    Files.createDirectories(place.getParent());
                                    Files.write(place, sound);
                                    Files.createDirectories(config.getParent());
                                    Files.write(config, hub.files.get(Checkpoint.CONFIG));
                                }
                            };
                        })
                .with(bomb("empty", ""), bomb("blank lines", "\n\n\n"), bomb("4 MB of zeros", "\0".repeat(4_000_000)));
    }

    /** What has arrived of a file, which the next fetch continues. */
    private static Subject half() {
        return new Subject(
                        "half file",
                        false,
                        Format.BYTES,
                        List.of(),
                        0.3,
                        scratch -> {
                            try (var hub = hub(scratch)) {
                                byte[] whole = hub.files.get(Safetensors.SINGLE);
                                return List.of(Arrays.copyOf(whole, whole.length / 2), whole);
                            }
                        },
                        scratch -> {
                            var hub = hub(scratch);
                            int[] count = {0};
                            return (original, file, loaded) -> {
                                Path cache = scratch.resolve("" + count[0]++);
                                Path half = cache.resolve("models/hub/tiny--model")
                                        .resolve(LoopbackHub.COMMIT)
                                        .resolve(Safetensors.SINGLE + ".half");
                                Files.createDirectories(half.getParent());
                                Files.write(half, file);
                                var found = LocalStore.fetch(cache, hub.address(), null, PATIENCE, "tiny/model");
                                loaded.run();
                                requireSame(hub, found.path());
                                if (Files.exists(half)) {
                                    throw new Accepted("a half file is left");
                                }
                                Processes.delete(cache);
                            };
                        })
                .with(bomb("4 MB of zeros", "\0".repeat(4_000_000)));
    }

    private static final String INSIDE = "folder/file.txt";
    private static final byte[] CONTENT = "the tide turns\n".repeat(40).getBytes(StandardCharsets.UTF_8);

    private interface Archive {
        Path read(Path cache, String sha256, byte[] file) throws IOException;
    }

    private static byte[] zip() throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(bytes)) {
            var entry = new ZipEntry(INSIDE);
            entry.setTime(0);
            zip.putNextEntry(entry);
            zip.write(CONTENT);
        }
        return bytes.toByteArray();
    }

    /** A damaged archive has another checksum: nothing in it is read. */
    private static Subject archive(String kind, Archive archive) {
        return new Subject(
                kind + " of a dataset", false, Format.BYTES, List.of(), 0.3, scratch -> List.of(zip()), scratch -> {
                    String sha256 = LoopbackHub.sha256(zip());
                    int[] count = {0};
                    return (original, file, loaded) -> {
                        Path cache = Files.createDirectories(scratch.resolve("" + count[0]++)); // no stamp is known
                        Path found = archive.read(cache, sha256, file);
                        loaded.run();
                        if (!Arrays.equals(CONTENT, Files.readAllBytes(found))) {
                            throw new Accepted("a file other than was packed");
                        }
                    };
                });
    }

    private static Path readJar(Path cache, String sha256, byte[] file) throws IOException {
        return LocalStore.inJar(cache, Files.write(cache.resolve("a.jar"), file), sha256, INSIDE);
    }

    private static Path readWheel(Path cache, String sha256, byte[] file) throws IOException {
        Files.createDirectories(LocalStore.wheel(cache).getParent());
        Files.write(LocalStore.wheel(cache), file);
        return LocalStore.inWheel(cache, sha256, INSIDE);
    }

    private static void requireSame(LoopbackHub hub, Path folder) throws IOException {
        for (var file : hub.files.entrySet()) {
            if (!Arrays.equals(file.getValue(), Files.readAllBytes(folder.resolve(file.getKey())))) {
                throw new Accepted(file.getKey() + " other than the hub's");
            }
        }
    }

    /** The original is one answer: its head, then its content. Every third request gets the damaged one. */
    private static Subject answers() {
        return new Subject(
                "answer of a hub",
                false,
                Format.TEXT,
                List.of(
                        "content-length: -1\r\n",
                        "content-length: 99999999999999999999\r\n",
                        "content-length: x\r\n",
                        "transfer-encoding: chunked\r\n",
                        "location: ht!tp://%zz\r\n",
                        "location: //\r\n",
                        "x-linked-size: -5\r\n",
                        "x-linked-etag: \"\"\r\n",
                        "x-repo-commit: ../../x\r\n",
                        "retry-after: -1\r\n",
                        "content-range: bytes 9-1/0\r\n",
                        "HTTP/1.1 302 Found\r\n",
                        "HTTP/1.1 503 Busy\r\n",
                        "HTTP/9 abc\r\n",
                        "\r\n",
                        "\"",
                        "-",
                        "9"),
                0.4,
                scratch -> {
                    try (var hub = hub(scratch)) {
                        var request = new LoopbackHub.Request("GET", "/" + Checkpoint.CONFIG, Map.of());
                        String head = hub.head(request);
                        String content = new String(hub.body(request), StandardCharsets.UTF_8);
                        UnaryOperator<String> redirected = status -> LoopbackHub.head(
                                status,
                                "x-repo-commit: " + LoopbackHub.COMMIT,
                                "x-linked-size: " + content.length(),
                                "location: /tiny/model/resolve/main/config.json",
                                "content-length: 0");
                        return List.of(
                                (head + content).getBytes(),
                                redirected.apply("302 Found").getBytes());
                    }
                },
                scratch -> {
                    var hub = hub(scratch);
                    Path home = scratch.resolve("fetched");
                    int[] count = {0};
                    return (original, file, loaded) -> {
                        Path cache = home.resolve("" + count[0]++);
                        int[] requests = {0};
                        int damaged = count[0] % 3;
                        hub.answer = (request, out) -> {
                            if (requests[0]++ == damaged) {
                                out.write(file);
                            } else {
                                hub.proper(request, out);
                            }
                        };
                        var found = LocalStore.fetch(cache, hub.address(), "hf_secret", SILENCE, "tiny/model");
                        loaded.run();
                        requireSame(hub, found.path());
                    };
                });
    }

    private static Bomb bomb(String what, String text) {
        return new Bomb(what, scratch -> text.getBytes(StandardCharsets.UTF_8));
    }
}
