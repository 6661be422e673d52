package rudder.checkpoint.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.store.FakeHub.Fault;

/** Fetches a checkpoint in parts from a local server, which answers properly or with faults. */
class HubTest {

    private static final String TOKEN = "hf_secret123";
    private static final String PART = "model-00002-of-00004.safetensors";
    private static final Hub.Patience IMPATIENT =
            new Hub.Patience(Duration.ofMillis(1), Duration.ofSeconds(5), Duration.ofSeconds(20));
    /** Of the tests in which the server is silent; the others must pass on a busy machine. */
    private static final Hub.Patience SHORT =
            new Hub.Patience(Duration.ofMillis(1), Duration.ofSeconds(5), Duration.ofSeconds(1));

    @TempDir
    private Path temp;

    private Path cache;
    private Path tiny;
    private FakeHub server;

    @BeforeEach
    void start() throws IOException, URISyntaxException {
        cache = temp.resolve("cache");
        tiny = Path.of(HubTest.class.getResource("/tiny/llama-3").toURI());
        server = new FakeHub(tiny);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
        if (Files.exists(cache)) {
            try (var all = Files.walk(cache)) { // the token is nowhere
                for (Path file : all.filter(Files::isRegularFile).toList()) {
                    assertFalse(
                            Files.readString(file, StandardCharsets.ISO_8859_1).contains(TOKEN), file.toString());
                }
            }
        }
    }

    private ModelStore store() {
        return store(null);
    }

    private ModelStore store(String token) {
        return store(token, IMPATIENT);
    }

    private ModelStore store(String token, Hub.Patience patience) {
        return new ModelStore(
                cache,
                new Catalog(List.of()),
                new Pip(List.of()),
                () -> new Hub(server.address(), token, Proxies.of(Map.of()), patience));
    }

    private Path folder(String commit) {
        return cache.resolve("models/hub/tiny--model").resolve(commit.repeat(40));
    }

    /** Asserts that the folder has exactly the files of the fake repository, byte for byte, and their checksums. */
    private void assertWhole(Path folder) throws IOException {
        var wanted = new java.util.TreeSet<>(server.files.keySet());
        for (String name : wanted) {
            assertArrayEquals(server.files.get(name), Files.readAllBytes(folder.resolve(name)), name);
        }
        wanted.add("SHA256SUMS");
        try (var found = Files.list(folder)) {
            assertEquals(
                    List.copyOf(wanted),
                    found.map(path -> path.getFileName().toString()).sorted().toList());
        }
    }

    private void failsWith(ModelStore store, String... parts) throws IOException {
        var error = assertThrows(IOException.class, () -> store.get("tiny/model"));
        for (String part : parts) {
            assertTrue(error.getMessage().contains(part), error.getMessage());
        }
        for (Throwable e = error; e != null; e = e.getCause()) {
            assertFalse(e.toString().contains(TOKEN), e.toString());
        }
        assertFalse(Files.exists(folder("a").resolve(PART))
                && !Arrays.equals(
                        server.files.get(PART), Files.readAllBytes(folder("a").resolve(PART))));
        assertFalse(Files.exists(folder("a").resolve("SHA256SUMS")));
    }

    private List<String> asked(String file) {
        return server.requests.stream()
                .filter(request -> request.contains(file))
                .toList();
    }

    @Test
    void aCheckpointArrivesWholeOnceAndIsTheFoldersEqual() throws IOException {
        var model = store().get("tiny/model");
        assertEquals(folder("a"), model.path());
        assertWhole(model.path());
        assertEquals(
                "a".repeat(40),
                Files.readString(cache.resolve("models/hub/tiny--model/refs/main"))
                        .strip());
        String sum = FakeHub.sum("SHA-256", server.files.get(PART));
        assertTrue(Files.readAllLines(model.path().resolve("SHA256SUMS")).contains(sum + "  " + PART));

        var local = store().get(tiny.toString());
        assertEquals(new ModelFile("tiny/model", folder("a"), local.sha256(), "unknown", "llama"), model);
        assertEquals("llama-3", local.name());
        int before = server.requests.size();
        server.commits.put("main", "b".repeat(40)); // the branch moves on; this cache stays where it was
        assertEquals(model, store().get("hf:tiny/model"));
        assertEquals(before, server.requests.size());
        try (var checkpoint = Checkpoint.open(model.path())) {
            assertEquals(48, checkpoint.config().dimension());
        }
    }

    @Test
    void aBrokenConnectionGoesOnWhereItBroke() throws IOException {
        server.fail("store " + PART, Fault.breakingAfter(50_000), Fault.status(503), Fault.breakingAfter(20_000));
        assertWhole(store().get("tiny/model").path());
        assertEquals(
                List.of(
                        "store GET " + PART,
                        "store GET " + PART + " bytes=50000-",
                        "store GET " + PART + " bytes=50000-",
                        "store GET " + PART + " bytes=70000-"),
                asked("store GET " + PART));
    }

    @Test
    void anotherDayGoesOnWhereThisOneGaveUp() throws IOException {
        server.fail(
                "store " + PART,
                Fault.breakingAfter(40_000),
                Fault.status(500),
                Fault.status(500),
                Fault.status(500),
                Fault.status(500));
        failsWith(store(), "500", "What has arrived is kept", "HTTPS_PROXY");
        assertEquals(40_000, Files.size(folder("a").resolve(PART + ".half")));
        server.requests.clear();
        assertWhole(store().get("tiny/model").path());
        assertEquals(List.of("store GET " + PART + " bytes=40000-"), asked("store GET " + PART));
        assertEquals(List.of(), asked("model-00001")); // was whole already
    }

    @Test
    void aServerThatIgnoresRangesIsTakenFromTheStart() throws IOException {
        server.fail("store " + PART, Fault.breakingAfter(50_000), (exchange, content) -> exchange.getResponseBody()
                .write(FakeHub.rest(exchange, content, false)));
        assertWhole(store().get("tiny/model").path());
    }

    @Test
    void aServerThatGivesAnotherRangeIsNotBelieved() throws IOException {
        server.fail("store " + PART, Fault.breakingAfter(50_000), (exchange, content) -> {
            exchange.getResponseHeaders()
                    .set("content-range", "bytes 49999-" + (content.length - 1) + "/" + content.length);
            exchange.sendResponseHeaders(206, content.length - 49_999);
            exchange.getResponseBody().write(content, 49_999, content.length - 49_999);
        });
        assertWhole(store().get("tiny/model").path());
    }

    @Test
    void aHalfFileWithOtherBytesIsFoundOutAndReplaced() throws IOException {
        Files.createDirectories(folder("a"));
        for (int length : new int[] {1000, server.files.get(PART).length, server.files.get(PART).length + 5}) {
            Files.write(folder("a").resolve(PART + ".half"), new byte[length]);
            assertWhole(store().get("tiny/model").path());
            Files.delete(folder("a").resolve(PART));
        }
    }

    @Test
    void aFinishedHalfOnlyWantsItsName() throws IOException {
        Files.createDirectories(folder("a"));
        Files.write(folder("a").resolve(PART + ".half"), server.files.get(PART));
        assertWhole(store().get("tiny/model").path());
        assertEquals(1, asked("store GET " + PART).size());
    }

    @Test
    void aFileThatChangedOnDiskIsFetchedAgain() throws IOException {
        Path part = store().get("tiny/model").path().resolve(PART);
        Files.write(part, new byte[7]);
        server.commits.put("main", "b".repeat(40)); // it is fetched from the commit that was pinned
        server.commits.put("old", "a".repeat(40));
        server.requests.clear();
        assertWhole(store().get("tiny/model").path());
        assertEquals(List.of("hub GET " + PART, "store GET " + PART), asked("safetensors"));
    }

    @Test
    void everyFileThatChangedOnDiskIsFetchedAgainHoweverTheSumsWereDamaged() throws IOException {
        Path folder = store().get("tiny/model").path();
        byte[] sums = Files.readAllBytes(folder.resolve("SHA256SUMS"));
        var lines = new String(sums, StandardCharsets.UTF_8);
        for (var damaged : List.of(
                lines,
                "",
                "\n",
                lines.substring(0, 100),
                lines.substring(lines.indexOf('\n') + 1),
                lines.replace("\n", "\n\n"),
                "x".repeat(70) + "\n" + lines,
                "\u00ff".repeat(99))) {
            Files.writeString(folder.resolve("SHA256SUMS"), damaged, StandardCharsets.ISO_8859_1);
            for (var name : List.of("config.json", PART)) {
                byte[] bytes = server.files.get(name).clone();
                bytes[1] ^= 1;
                Files.write(folder.resolve(name), bytes);
            }
            assertWhole(store().get("tiny/model").path());
            assertArrayEquals(sums, Files.readAllBytes(folder.resolve("SHA256SUMS")));
        }
        Files.writeString(folder.resolve("notes.txt"), "a user's own file");
        server.requests.clear();
        store().get("tiny/model");
        assertEquals(List.of(), server.requests);
    }

    @Test
    void aUsersFileInAFetchedFolderStaysAndIsRefusedByName() throws IOException {
        server.files.put("generation_config.json", "{}".getBytes(StandardCharsets.UTF_8));
        Path folder = store().get("tiny/model").path();
        Path template = Files.writeString(folder.resolve("chat_template.jinja"), "{{ messages }}");
        for (var silent : List.of(false, true)) {
            if (silent) {
                var fault = Fault.status(500);
                server.fail("hub chat_template.jinja", fault, fault, fault, fault, fault);
            }
            var error = assertThrows(IOException.class, () -> store().get("tiny/model"));
            for (String part :
                    List.of(template.toString(), "tiny/model", "copy of its folder", "by its path", "away")) {
                assertTrue(error.getMessage().contains(part), error.getMessage());
            }
            assertEquals(silent, error.getMessage().contains("500"), error.getMessage());
            assertEquals("{{ messages }}", Files.readString(template));
        }
        Files.delete(template);
        assertWhole(store().get("tiny/model").path());

        Path sums = folder.resolve("SHA256SUMS"); // a file of the hub whose line was lost is none of the user's
        String all = Files.readString(sums);
        Files.writeString(sums, all.replaceAll(".*generation_config.json\n", ""));
        Files.writeString(folder.resolve("generation_config.json"), "damaged, too");
        assertWhole(store().get("tiny/model").path());
        assertEquals(all, Files.readString(sums));
    }

    @Test
    void aDamagedRefHealsAndAnInterruptedFetchKeepsItsCommit() throws IOException {
        Path ref = cache.resolve("models/hub/tiny--model/refs/main");
        Files.createDirectories(ref.getParent());
        for (var damaged : List.of("", "a".repeat(39), "../../elsewhere", "\u00ff")) {
            Files.writeString(ref, damaged, StandardCharsets.ISO_8859_1);
            assertWhole(store().get("tiny/model").path());
            assertEquals("a".repeat(40), Files.readString(ref).strip());
            Files.delete(folder("a").resolve("SHA256SUMS"));
        }
        Files.delete(ref);
        Files.delete(folder("a").resolve(PART));
        server.fail("store " + PART, Fault.status(404));
        assertThrows(IOException.class, () -> store().get("tiny/model"));
        server.commits.put("main", "b".repeat(40));
        server.commits.put("old", "a".repeat(40));
        assertEquals(folder("a"), store().get("tiny/model").path());
    }

    @Test
    void malformedHeadersAreNamed() throws IOException {
        server.fail("hub " + PART, Fault.status(302, "location", "http://a b/secret-signature"));
        failsWith(store(), "redirects to what is no address", "HF_ENDPOINT");
        server.fail("hub " + PART, Fault.status(302, "location", "http://127.0.0.1:99999/x"));
        failsWith(store(), "malformed", "HF_ENDPOINT");
        for (var size : List.of("many", "-1", "9".repeat(30))) {
            server.fail("hub " + PART, Fault.status(302, "x-linked-size", size, "location", server.storeAddress()));
            failsWith(store(), "x-linked-size", size, "a number of bytes");
        }
        Fault range = Fault.status(206, "content-range", "bytes " + "9".repeat(30) + "-2/3");
        server.fail("store " + PART, range, range, range, range, range);
        failsWith(store(), "206 without a range");
        try (var raw = new ServerSocket(0, 9, InetAddress.getLoopbackAddress())) {
            var answering = new Thread(() -> answer(raw, "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"));
            answering.setDaemon(true);
            answering.start();
            var hub = new Hub("http://127.0.0.1:" + raw.getLocalPort(), null, Proxies.of(Map.of()), IMPATIENT);
            var error = assertThrows(IOException.class, () -> hub.commit("tiny/model", "main"));
            assertTrue(error.getMessage().contains("http://127.0.0.1"), error.getMessage());
        }
    }

    private static void answer(ServerSocket server, String text) {
        while (!server.isClosed()) {
            try (var socket = server.accept()) {
                socket.getInputStream().read(new byte[1 << 12]);
                socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    @Test
    void aServerThatSendsByteByByteIsGivenUpAndItsBytesAreKept() throws IOException {
        Fault trickle = (exchange, content) -> {
            byte[] rest = FakeHub.rest(exchange, content, true);
            for (int i = 0; i < rest.length; i++) {
                exchange.getResponseBody().write(rest[i]);
                exchange.getResponseBody().flush();
                try {
                    Thread.sleep(20);
                } catch (InterruptedException e) {
                    return;
                }
            }
        };
        server.fail("store " + PART, trickle, trickle);
        failsWith(
                store(null, SHORT),
                "only",
                "bytes of " + PART,
                "wanted at least 16384",
                "2 tries",
                "What has arrived is kept");
        assertTrue(Files.size(folder("a").resolve(PART + ".half")) > 0);
        assertEquals(2, asked("store GET " + PART).size());
        assertWhole(store().get("tiny/model").path());
    }

    @Test
    void aServerThatStaysSilentIsGivenUpAfterTwoTries() throws IOException {
        Fault silent = (exchange, content) -> {
            try {
                Thread.sleep(4000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        server.fail("hub " + PART, silent, silent, silent, silent, silent);
        failsWith(store(null, SHORT), "did not answer", "2 tries", "try again");
        assertEquals(2, asked("hub GET " + PART).size());
    }

    @Test
    void theTokenGoesUnencryptedToLiteralLoopbackAddressesOnly() {
        for (var host :
                List.of("127.evil.example", "127.0.0.1.evil.example", "localhost.evil", "localhost", "10.0.0.1")) {
            var error = assertThrows(
                    IllegalArgumentException.class,
                    () -> new Hub("http://" + host, TOKEN, Proxies.of(Map.of()), IMPATIENT));
            assertTrue(error.getMessage().contains("unencrypted"), error.getMessage());
        }
        for (var host : List.of("http://127.0.0.1:81", "http://127.9.9.9", "http://[::1]:81", "https://x.test")) {
            new Hub(host, TOKEN, Proxies.of(Map.of()), IMPATIENT);
        }
    }

    @Test
    void anEndpointsPasswordIsNotShown() {
        for (var endpoint : List.of(
                "https://user:pass-word@x.test",
                "https://user:pass-word@x.test:port/",
                "https://user:pass-word @x.test",
                "user:pass-word@x.test",
                "https://x.test/?token=pass-word",
                "https://x.test/#pass-word",
                "ftp://pass-word.test")) {
            var error = assertThrows(
                    IllegalArgumentException.class, () -> new Hub(endpoint, null, Proxies.of(Map.of()), IMPATIENT));
            for (Throwable e = error; e != null; e = e.getCause()) {
                assertFalse(e.toString().contains("pass-word"), e.toString());
            }
            assertTrue(error.getMessage().contains("HF_ENDPOINT"), error.getMessage());
        }
    }

    @Test
    void liesAboutTheSizeAreRefused() throws IOException {
        byte[] content = server.files.get(PART);
        String sum = FakeHub.sum("SHA-256", content);
        server.fail(
                "hub " + PART,
                Fault.status(
                        302,
                        "x-linked-size",
                        "99",
                        "x-linked-etag",
                        sum,
                        "location",
                        server.storeAddress() + "/" + PART));
        failsWith(store(), "announces 99 bytes and sends " + content.length);

        server.fail(
                "store " + PART,
                (exchange, all) -> { // longer than announced: chunked, so that it has no length of its own
                    exchange.sendResponseHeaders(200, 0);
                    exchange.getResponseBody().write(all);
                    exchange.getResponseBody().write(all);
                });
        failsWith(store(), "sends more than the " + content.length + " bytes");
        assertFalse(Files.exists(folder("a").resolve(PART + ".half")));

        Fault shorter = (exchange, all) -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(all, 0, 1234);
        };
        server.fail("store " + PART, shorter, shorter, shorter, shorter, shorter, shorter, shorter);
        failsWith(store(), "ended after 1234 of " + content.length + " bytes", "5 tries");
        assertWhole(store().get("tiny/model").path());
    }

    @Test
    void otherBytesThanTheChecksumSaysAreRemoved() throws IOException {
        Fault wrong = (exchange, content) -> {
            byte[] other = FakeHub.rest(exchange, content, false).clone();
            other[1000] ^= 1;
            exchange.getResponseBody().write(other);
        };
        server.fail("store " + PART, wrong, wrong);
        failsWith(store(), "checksum", FakeHub.sum("SHA-256", server.files.get(PART)), "removed twice");
        assertFalse(Files.exists(folder("a").resolve(PART + ".half")));
        server.fail("store " + PART, wrong); // once may be chance
        assertWhole(store().get("tiny/model").path());
    }

    @Test
    void smallFilesAreCheckedByGitsSum() throws IOException {
        assertEquals(
                "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0",
                FakeHub.gitSum("hello".getBytes(StandardCharsets.US_ASCII)));
        Fault wrong = (exchange, content) -> {
            exchange.getResponseHeaders().set("etag", "W/\"" + FakeHub.gitSum(content) + '"');
            byte[] other = content.clone();
            other[10] = ' ';
            exchange.sendResponseHeaders(200, other.length);
            exchange.getResponseBody().write(other);
        };
        server.fail("hub config.json", wrong, wrong);
        failsWith(store(), FakeHub.gitSum(server.files.get("config.json")), "removed twice");
        server.fail("hub config.json", (exchange, content) -> {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content);
        });
        failsWith(store(), "gives no checksum");
    }

    @Test
    void whoMayNotReadIsToldWhatToDo() throws IOException {
        server.fail(
                "HEAD",
                Fault.status(401),
                Fault.status(401),
                Fault.status(403, "x-error-code", "GatedRepo"),
                Fault.status(404));
        failsWith(store(), "tiny/model", "set HF_TOKEN", "licence", "~/.cache/huggingface/token", "does not read");
        failsWith(store(TOKEN), "does not accept HF_TOKEN");
        failsWith(store(TOKEN), "Accept the model's licence at " + server.address() + "/tiny/model");
        failsWith(store(), "neither a path here nor a model on", "Check the name");
        assertTrue(assertThrows(IOException.class, () -> store().get("tiny/model@v9"))
                .getMessage()
                .contains("no revision 'v9'"));
        server.fail("hub " + PART, Fault.status(403));
        failsWith(store(TOKEN), "licence");
        server.files.remove("config.json");
        cache = temp.resolve("another");
        failsWith(store(), "it has no config.json", "GGUF files, download one by hand");
        assertTrue(assertThrows(IllegalArgumentException.class, () -> store().get("a/b/c"))
                .getMessage()
                .contains("OWNER/NAME"));
    }

    @Test
    void aModelIsNamedByTheAddressOfItsPage() throws IOException {
        for (String address : List.of("tiny/model", "tiny/model/", "tiny/model/tree/main")) {
            var model = store().get("https://huggingface.co/" + address);
            assertEquals("tiny/model" + (address.contains("tree") ? "@main" : ""), model.name());
            assertWhole(model.path());
        }
        assertEquals(
                Optional.of("tiny/model@a/branch"),
                HubModels.atAddress("https://mirror.test/hub/tiny/model/tree/a/branch", "https://mirror.test/hub"));
        assertEquals(Optional.empty(), HubModels.atAddress("https://other.test/tiny/model", "https://mirror.test"));
        for (String address : List.of("tiny/model/blob/main/a-Q8_0.gguf", "datasets/tiny/model", "tiny")) {
            assertRefused(
                    () -> store().get("https://huggingface.co/" + address),
                    address,
                    "wanted https://huggingface.co/OWNER/NAME",
                    "hf download");
        }
    }

    @Test
    void aFileOfARepositoryIsToBeDownloadedByHand() {
        for (String name : List.of("tiny/model/a-Q8_0.gguf", "tiny/model/part/a-Q8_0.gguf")) {
            assertRefused(() -> store().get(name), name, "no file in", "hf download", "give its path");
        }
        assertEquals(List.of(), server.requests);
    }

    @Test
    void anAdapterBesideAModelIsRefusedBeforeTheWeightsAreFetched() {
        server.files.put(
                "adapter_config.json",
                "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"tiny/base\"}"
                        .getBytes(StandardCharsets.UTF_8));
        for (int i = 0; i < 2; i++) {
            assertRefused(() -> store().get("tiny/model"), "an adapter (LORA) of tiny/base", "merge_and_unload");
        }
        assertEquals(List.of(), asked(PART));
    }

    @Test
    void aBusyServerIsWaitedForAsItAsks() throws IOException {
        String now = DateTimeFormatter.RFC_1123_DATE_TIME.format(
                ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(1));
        server.fail(
                "hub config.json",
                Fault.status(429, "retry-after", "1"),
                Fault.status(429, "retry-after", now),
                Fault.status(429));
        long start = System.nanoTime();
        assertWhole(store().get("tiny/model").path());
        assertTrue(System.nanoTime() - start >= 1_000_000_000L, "it waited less than a second");

        cache = temp.resolve("another");
        server.fail("hub config.json", Fault.status(429, "retry-after", "3600"));
        failsWith(store(), "429", "asks to wait 3600 s");
    }

    @Test
    void aSilentServerIsGivenUp() throws IOException {
        server.fail("store " + PART, (exchange, content) -> {
            exchange.getResponseBody().write(FakeHub.rest(exchange, content, true), 0, 100);
            exchange.getResponseBody().flush();
            try {
                Thread.sleep(4000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        assertWhole(store(null, SHORT).get("tiny/model").path());
        assertEquals(List.of("store GET " + PART, "store GET " + PART + " bytes=100-"), asked("store GET " + PART));
    }

    @Test
    void theTokenGoesToTheEndpointOnly() throws IOException {
        store(TOKEN).get("tiny/model");
        for (String request : server.requests) {
            assertEquals(request.startsWith("hub"), request.endsWith("Bearer " + TOKEN), request);
        }
        assertFalse(new Hub(server.address(), TOKEN, Proxies.of(Map.of()), IMPATIENT)
                .toString()
                .contains(TOKEN));
        for (String token : List.of("two\nlines", "späti")) {
            var error = assertThrows(
                    IllegalArgumentException.class,
                    () -> new Hub(server.address(), token, Proxies.of(Map.of()), IMPATIENT));
            assertFalse(error.toString().contains(token));
        }
        assertThrows(
                IllegalArgumentException.class,
                () -> new Hub("http://hub.invalid", TOKEN, Proxies.of(Map.of()), IMPATIENT));
    }

    @Test
    void redirectionsInARingEnd() throws IOException {
        Fault ring = Fault.status(307, "location", "/tiny/model/resolve/main/" + PART);
        server.fail("hub " + PART, java.util.Collections.nCopies(20, ring).toArray(Fault[]::new));
        failsWith(store(), "redirects more than 10 times");
    }

    @Test
    void aRevisionIsAFolderOfItsOwn() throws IOException {
        server.commits.put("v1.0", "b".repeat(40));
        var old = store().get("tiny/model@v1.0");
        assertWhole(folder("b"));
        assertEquals("tiny/model@v1.0", old.name());
        assertWhole(store().get("tiny/model").path());
        assertWhole(store().get("tiny/model@" + "a".repeat(40)).path());
    }

    @Test
    void whatCannotBeLoadedIsRefusedBeforeItsWeightsAreFetched() throws IOException {
        server.files.put(
                "config.json",
                new String(server.files.get("config.json"), StandardCharsets.UTF_8)
                        .replace("\"silu\"", "\"relu\"")
                        .getBytes(StandardCharsets.UTF_8));
        var error = assertThrows(IllegalArgumentException.class, () -> store().get("tiny/model"));
        assertTrue(
                error.getMessage().contains("tiny/model/config.json: field 'hidden_act' is relu"), error.getMessage());
        assertEquals(List.of(), asked("safetensors"));
    }

    @Test
    void anIndexCannotReachOutOfTheFolder() throws IOException {
        server.files.put(
                "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"../../evil.safetensors\"}}".getBytes(StandardCharsets.UTF_8));
        failsWith(store(), "../../evil.safetensors");
        assertEquals(List.of(), asked("evil"));
    }

    @Test
    void aRepositoryWithoutSafetensorsIsRefusedByName() throws IOException {
        server.files.keySet().removeIf(name -> name.contains("safetensors"));
        failsWith(store(), "tiny/model", "no model.safetensors");
    }

    @Test
    void twoThreadsFetchOnce() throws Exception {
        var pool = Executors.newFixedThreadPool(2);
        Callable<ModelFile> fetch = () -> store().get("tiny/model");
        for (var model : pool.invokeAll(List.of(fetch, fetch))) {
            assertWhole(model.get().path());
        }
        pool.shutdown();
        assertEquals(1, asked("store GET " + PART).size());
    }

    @Test
    void proxiesOfTheEnvironmentAreUsedAndTheirPasswordsNotShown() throws IOException {
        var proxies = Proxies.of(Map.of(
                "https_proxy",
                "http://user:pass@proxy.test:3128",
                "HTTP_PROXY",
                "other.test:81",
                "NO_PROXY",
                "a.test, .b.test"));
        assertEquals(
                List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress("proxy.test", 3128))),
                proxies.select(URI.create("https://x.test/")));
        assertEquals(
                List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress("other.test", 81))),
                proxies.select(URI.create("http://x.test/")));
        for (String direct : List.of("a.test", "sub.a.test", "x.b.test")) {
            assertEquals(List.of(Proxy.NO_PROXY), proxies.select(URI.create("https://" + direct + "/")), direct);
        }
        assertEquals(List.of(Proxy.NO_PROXY), Proxies.of(Map.of()).select(URI.create("https://x.test/")));
        var error = assertThrows(
                IllegalArgumentException.class, () -> Proxies.of(Map.of("HTTPS_PROXY", "socks5://user:pass@x.test:1")));
        assertFalse(error.toString().contains("pass"), error.toString());

        String proxy = server.address()
                .replace("//", "//user:pass@"); // asked for another server's address, it answers in its name
        var store = new ModelStore(
                cache,
                new Catalog(List.of()),
                new Pip(List.of()),
                () -> new Hub(
                        "http://hub.invalid",
                        null,
                        Proxies.of(Map.of("http_proxy", proxy, "no_proxy", "127.0.0.1")),
                        IMPATIENT));
        assertWhole(store.get("tiny/model").path());
        assertEquals(
                List.of("hub GET config.json proxy Basic dXNlcjpwYXNz"), asked("hub GET config.json")); // user:pass
        assertTrue(
                server.requests.stream().noneMatch(request -> request.startsWith("store") && request.contains("proxy")),
                "sent past the proxy");
    }
}
