package rudder.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.checkpoint.store.LocalStore;

/** A server that lies, stalls or leads astray: each fetch ends with a clear message, and the next one heals. */
@Tag("faults")
class HostileHubTest {

    private static final String TOKEN = "hf_secret123";
    /** Of a client whose server may be silent, and of one whose server is not: a busy machine must not seem silent. */
    private static final Duration SILENCE = Duration.ofMillis(250);

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final boolean LONG = Integer.getInteger("rudder.kills", 3) > 3;

    @TempDir
    private static Path shared;

    private static Path checkpoint;
    private static SSLContext encryption;

    @TempDir
    private Path temp;

    @BeforeAll
    static void makeWhatAllServersShow() throws Exception {
        var shape = new ModelShape("small", "llama", 1, 8, 1, 1, 8, 8, 20, true);
        checkpoint = RandomCheckpoint.write(shared.resolve("hub"), shape, 1);
        encryption = LoopbackCertificate.make(shared);
    }

    /** Writes a hostile answer; the other server is the one a token must not reach. */
    private interface Hostile {
        LoopbackHub.Answer of(LoopbackHub hub, LoopbackHub other);
    }

    private static Hostile raw(String text) {
        return (hub, other) -> (request, out) -> out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** A proper answer with a header replaced; an empty value removes it. */
    private static Hostile header(String name, String value) {
        return (hub, other) -> (request, out) -> {
            String head = hub.head(request).replaceAll("(?i)\r\n" + name + ":[^\r]*", "");
            if (!value.isEmpty()) {
                head = head.replaceFirst("\r\n", "\r\n" + name + ": " + value + "\r\n");
            }
            out.write(head.getBytes(StandardCharsets.ISO_8859_1));
            if (request.method().equals("GET")) {
                out.write(hub.body(request));
            }
        };
    }

    private interface Location {
        String of(LoopbackHub.Request request, LoopbackHub hub, LoopbackHub other);
    }

    private static Hostile redirect(Location location) {
        return (hub, other) -> (request, out) -> out.write(LoopbackHub.head(
                        "302 Found",
                        "x-repo-commit: " + LoopbackHub.COMMIT,
                        "location: " + location.of(request, hub, other),
                        "content-length: 0")
                .getBytes(StandardCharsets.ISO_8859_1));
    }

    private static Map<String, Hostile> cases() {
        var cases = new LinkedHashMap<String, Hostile>();
        cases.put("redirects to itself", redirect((request, hub, other) -> request.path()));
        cases.put("redirects further and further", redirect((request, hub, other) -> request.path() + "x"));
        cases.put("redirects elsewhere", redirect((request, hub, other) -> other.address() + request.path()));
        cases.put(
                "redirects elsewhere by another name",
                redirect((request, hub, other) -> other.address().replace("127.0.0.1", "localhost") + request.path()));
        cases.put(
                "redirects elsewhere behind a user that looks like it",
                redirect((request, hub, other) -> "http://" + hub.address().substring(7) + "@"
                        + other.address().substring(7) + request.path()));
        cases.put(
                "redirects elsewhere without a scheme",
                redirect((request, hub, other) -> "//" + other.address().substring(7) + request.path()));
        cases.put("redirects to a file", redirect((request, hub, other) -> "file:///etc/passwd"));
        cases.put("redirects to ftp", redirect((request, hub, other) -> "ftp://127.0.0.1/x"));
        cases.put("redirects to nothing", redirect((request, hub, other) -> ""));
        cases.put("redirects to what is no address", redirect((request, hub, other) -> "ht!tp://%zz^"));
        cases.put("redirects without a host", redirect((request, hub, other) -> "http:///x"));
        cases.put("redirects to a port beyond all", redirect((request, hub, other) -> "http://127.0.0.1:99999/x"));
        cases.put("announces more than it sends", header("content-length", "1000000"));
        cases.put("announces less than it sends", header("content-length", "3"));
        cases.put("announces less than nothing", header("content-length", "-1"));
        cases.put("announces what no number holds", header("content-length", "99999999999999999999999"));
        cases.put("announces words", header("content-length", "many"));
        cases.put("announces nothing", header("content-length", ""));
        cases.put("announces exabytes", header("x-linked-size", "9223372036854775807"));
        cases.put("announces two sizes", header("x-linked-size", "7"));
        cases.put("announces a size below zero", header("x-linked-size", "-7"));
        cases.put("has another sum", header("etag", "\"" + "0".repeat(64) + "\""));
        cases.put("has another git sum", header("etag", "\"" + "0".repeat(40) + "\""));
        cases.put("has no sum", header("etag", ""));
        cases.put("has an empty sum", header("etag", "\"\""));
        cases.put("names no commit", header("x-repo-commit", ""));
        cases.put("names a commit that leads out of the cache", header("x-repo-commit", "../../../../out"));
        cases.put("asks to wait for years", raw("HTTP/1.1 429 Slow\r\nretry-after: 999999999\r\n\r\n"));
        cases.put("asks to wait for words", raw("HTTP/1.1 503 Busy\r\nretry-after: a while\r\n\r\n"));
        cases.put("closes at once", raw(""));
        cases.put("speaks no HTTP", raw("SSH-2.0-OpenSSH_9.6\r\n"));
        cases.put("sends half a header", raw("HTTP/1.1 200 OK\r\ncontent-le"));
        cases.put("answers with a status of four digits", raw("HTTP/1.1 2000 OK\r\n\r\n"));
        cases.put("answers 200 for everything", raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK"));
        cases.put("is silent", (hub, other) -> (request, out) -> Thread.sleep(3_600_000));
        cases.put("is silent behind the head", (hub, other) -> (request, out) -> {
            out.write(hub.head(request).getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
            Thread.sleep(3_600_000);
        });
        cases.put("sends chunks without end", (hub, other) -> (request, out) -> {
            out.write(("HTTP/1.1 200 OK\r\nx-repo-commit: " + LoopbackHub.COMMIT + "\r\netag: \"" + "0".repeat(64)
                            + "\"\r\nx-linked-size: 50\r\ntransfer-encoding: chunked\r\n\r\n")
                    .getBytes(StandardCharsets.ISO_8859_1));
            while (!request.method().equals("HEAD")) {
                out.write("400\r\n".getBytes());
                out.write(new byte[1024]);
                out.write("\r\n".getBytes());
            }
        });
        if (LONG) {
            cases.put("sends headers without end", (hub, other) -> (request, out) -> {
                out.write("HTTP/1.1 200 OK\r\n".getBytes());
                while (true) {
                    out.write(("x: " + "y".repeat(1000) + "\r\n").getBytes());
                }
            });
            cases.put("sends a byte at a time", (hub, other) -> (request, out) -> {
                out.write(hub.head(request).getBytes(StandardCharsets.ISO_8859_1));
                for (byte b : hub.body(request)) {
                    out.write(b);
                    out.flush();
                    Thread.sleep(200);
                }
            });
        }
        return cases;
    }

    private static LoopbackHub hub() throws IOException {
        return new LoopbackHub(checkpoint);
    }

    @TestFactory
    Stream<DynamicTest> everyFetchEndsWithAClearMessageAndTheNextHeals() {
        return cases().entrySet().stream()
                .map(entry -> DynamicTest.dynamicTest(entry.getKey(), () -> {
                    for (String from : new String[] {"config.json", "model.safetensors"}) {
                        ends(entry.getValue(), from);
                    }
                }));
    }

    private void ends(Hostile hostile, String from) throws Exception {
        Path cache = Files.createTempDirectory(temp, "cache");
        try (var hub = hub();
                var other = hub()) {
            var answer = hostile.of(hub, other);
            hub.answer = (request, out) -> {
                if (request.path().contains(from) || request.method().equals("HEAD") && from.equals("config.json")) {
                    answer.write(request, out);
                } else {
                    hub.proper(request, out);
                }
            };
            // a hang is far beyond any machine's load: every wait of the client is under a second
            Throwable thrown = assertTimeoutPreemptively(Duration.ofSeconds(240), () -> {
                try {
                    LocalStore.fetch(cache, hub.address(), TOKEN, SILENCE, "tiny/model");
                    return null;
                } catch (Throwable e) {
                    return e;
                }
            });
            if (thrown != null) {
                assertNull(
                        Worker.fault(thrown, false, Set.of("tiny/model", "127.0.0.1", "localhost", "HF_ENDPOINT")),
                        () -> "" + thrown);
                for (Throwable e = thrown; e != null; e = e.getCause()) {
                    assertFalse(String.valueOf(e.getMessage()).contains(TOKEN), e.toString());
                }
            }
            for (var request : other.requests) {
                assertFalse(request.headers().toString().contains(TOKEN), "the token went elsewhere: " + request);
            }
            hub.answer = hub::proper;
            var healed = LocalStore.fetch(cache, hub.address(), TOKEN, PATIENCE, "tiny/model");
            assertTrue(healed.path().startsWith(cache), healed.path().toString());
            for (var file : hub.files.entrySet()) {
                assertEquals(
                        LoopbackHub.sha256(file.getValue()),
                        LoopbackHub.sha256(Files.readAllBytes(healed.path().resolve(file.getKey()))),
                        file.getKey());
            }
            try (var all = Files.walk(cache)) {
                for (Path file : all.filter(Files::isRegularFile).toList()) {
                    assertFalse(
                            Files.readString(file, StandardCharsets.ISO_8859_1).contains(TOKEN), file.toString());
                }
            }
        }
    }

    /** The plain server must not even be asked. The encrypted one shows that the token would have been sent. */
    @Test
    void noRedirectionLeadsFromAnEncryptedHubToAPlainServer() throws Exception {
        var usual = SSLContext.getDefault();
        SSLContext.setDefault(encryption);
        try (var plain = hub();
                var hub = new LoopbackHub(checkpoint, encryption)) {
            var downgrades = Map.<String, Location>of(
                    "to another server", (request, ours, other) -> other.address() + request.path(),
                    "to its own port",
                            (request, ours, other) -> "http" + ours.address().substring(5) + request.path(),
                    "in capitals",
                            (request, ours, other) -> "HTTP" + other.address().substring(4) + request.path(),
                    "behind another step",
                            (request, ours, other) -> request.path().endsWith("/step")
                                    ? other.address() + request.path()
                                    : request.path() + "/step");
            for (var downgrade : downgrades.entrySet()) {
                for (String from : new String[] {"config.json", "model.safetensors"}) {
                    String what = downgrade.getKey() + " from " + from;
                    var hostile = redirect(downgrade.getValue()).of(hub, plain);
                    hub.answer = (request, out) -> {
                        if (request.path().contains(from)) {
                            hostile.write(request, out);
                        } else {
                            hub.proper(request, out);
                        }
                    };
                    hub.requests.clear();
                    Path cache = Files.createTempDirectory(temp, "cache");
                    var e = assertThrows(
                            IOException.class,
                            () -> LocalStore.fetch(cache, hub.address(), TOKEN, PATIENCE, "tiny/model"),
                            what);
                    assertTrue(e.getMessage().contains("redirects away from https"), what + ": " + e);
                    assertFalse(e.toString().contains(TOKEN), what);
                    assertEquals(List.of(), plain.requests, what);
                    assertTrue(hub.requests.toString().contains(TOKEN), what);
                }
            }
            hub.answer = hub::proper;
            LocalStore.fetch(temp.resolve("healed"), hub.address(), TOKEN, PATIENCE, "tiny/model");
        } finally {
            SSLContext.setDefault(usual);
        }
    }

    @Test
    void aHubWithACertificateThatNobodyTrustsIsRefused() throws Exception {
        try (var hub = new LoopbackHub(checkpoint, encryption)) {
            var e = assertThrows(
                    IOException.class,
                    () -> LocalStore.fetch(temp.resolve("cache"), hub.address(), TOKEN, PATIENCE, "tiny/model"));
            assertTrue(e.getMessage().contains(hub.address()), e.toString());
            assertEquals(List.of(), hub.requests);
        }
    }

    @TestFactory
    Stream<DynamicTest> theTokenGoesUnencryptedToThisMachineOnly() {
        return Stream.of(
                        "http://127.evil.example",
                        "http://127.0.0.1.evil.example",
                        "http://localhost.evil.example",
                        "http://127.1.2",
                        "http://127.0.0.256",
                        "http://10.0.0.1",
                        "http://[::2]",
                        "http://[::ffff:10.0.0.1]",
                        "http://0.0.0.0")
                .map(endpoint -> DynamicTest.dynamicTest(endpoint, () -> {
                    var e = assertThrows(
                            IllegalArgumentException.class,
                            () -> LocalStore.fetch(temp, endpoint, TOKEN, PATIENCE, "tiny/model"));
                    assertTrue(e.getMessage().contains("HF_ENDPOINT"), e.getMessage());
                    assertFalse(e.getMessage().contains(TOKEN), e.getMessage());
                }));
    }

    @Test
    void noMessageShowsThePasswordOfAMalformedEndpoint() {
        for (String endpoint : new String[] {
            "http://user:passw0rd@[bad",
            "https://user:passw0rd@hub.example",
            "https://user:passw0rd@",
            "user:passw0rd@hub.example",
            "https://us er:passw0rd@hub.example"
        }) {
            var e = assertThrows(
                    IllegalArgumentException.class,
                    () -> LocalStore.fetch(temp, endpoint, TOKEN, PATIENCE, "tiny/model"),
                    endpoint);
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                assertFalse(String.valueOf(cause.getMessage()).contains("passw0rd"), cause.toString());
            }
        }
    }

    /** A reader of messages must not think that a network is needed where a disk is full. */
    @Test
    void aFetchOntoAFullDiskSaysSoAndGoesOnWhenThereIsRoom() throws Exception {
        try (var disk = SmallDisk.mount(Files.createDirectories(temp.resolve("disk")), "300k");
                var hub = new LoopbackHub(TokenSubjects.resource("/tiny/llama-3"))) {
            Assumptions.assumeTrue(disk.isMounted(), disk.reason());
            Path cache = disk.folder().resolve("cache");
            var e = assertThrows(
                    IOException.class, () -> LocalStore.fetch(cache, hub.address(), null, PATIENCE, "tiny/model"));
            assertTrue(e.getMessage().contains("RUDDER_CACHE"), e.toString());
            disk.resize("4m");
            LocalStore.fetch(cache, hub.address(), null, PATIENCE, "tiny/model");
        }
    }
}
