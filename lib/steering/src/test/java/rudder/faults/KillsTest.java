package rudder.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.SteeredModel;
import rudder.model.Tiny;
import rudder.steer.ControllerFile;
import rudder.steer.Linearisation;

/**
 * Processes are killed at random moments, and at their first write. The next run goes on: no completed unit is lost,
 * and nothing unfinished is left. {@code mvn -Pfaults verify} kills 60 times.
 */
@Tag("faults")
class KillsTest {

    private static final int KILLS = Math.max(1, Integer.getInteger("rudder.kills", 3) / 3); // of each program
    private static final Path STRACE = Path.of("/usr/bin/strace");
    private static final boolean LONG = KILLS > 1;

    /** The task's folder as an undisturbed process leaves it. */
    @TempDir
    private static Path sound;

    private static long soundMillis;
    private final Random random = new Random(Long.getLong("rudder.seed", 18));

    @TempDir
    private Path temp;

    @BeforeAll
    static void runTheTaskUndisturbed() throws Exception {
        try (var child = new Child(sound.resolve("cache"), "task", task().toString()).awaitReady()) {
            long start = System.nanoTime();
            child.finish();
            soundMillis = (System.nanoTime() - start) / 1_000_000;
        }
    }

    private static Path task() {
        return sound.resolve("task");
    }

    /** Starts processes with the same arguments ahead: one gets ready while another works. */
    private static final class Ahead implements AutoCloseable {
        private final Path cache;
        private final String[] args;
        private Child next;

        Ahead(Path cache, String... args) throws IOException {
            this.cache = cache;
            this.args = args;
            next = new Child(cache, args);
        }

        Child take() throws IOException {
            Child now = next;
            next = new Child(cache, args);
            return now;
        }

        Child last() {
            Child now = next;
            next = null;
            return now;
        }

        @Override
        public void close() throws IOException {
            if (next != null) {
                next.close();
            }
        }
    }

    /** Kills after a random part of the time, or, one time in three, as soon as something below the folder changes. */
    private void killIn(Child child, long millis, Path folder) throws Exception {
        child.awaitReady();
        var before = stamps(folder);
        child.go();
        if (random.nextInt(3) == 0) {
            while (child.isAlive() && before.equals(stamps(folder))) {
                Thread.onSpinWait();
            }
        } else {
            LockSupport.parkNanos((long) (random.nextDouble() * millis * 1_000_000));
        }
        child.kill();
    }

    private static List<String> stamps(Path folder) throws IOException {
        var stamps = new ArrayList<String>();
        for (Path file : files(folder)) {
            try {
                stamps.add(file + " " + Files.size(file) + " " + Files.getLastModifiedTime(file));
            } catch (IOException e) {
                stamps.add(file + " gone"); // renamed meanwhile
            }
        }
        return stamps;
    }

    private static List<Path> files(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return List.of();
        }
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile).sorted().toList();
        } catch (java.io.UncheckedIOException e) {
            return List.of(); // a file was renamed under the walk
        }
    }

    private static List<String> names(Path folder) throws IOException {
        return files(folder).stream()
                .map(file -> folder.relativize(file).toString())
                .toList();
    }

    @Test
    void aTaskLosesNoBatchAndEndsAsIfNobodyHadKilledIt() throws Exception {
        Path folder = temp.resolve("killed");
        try (var ahead = new Ahead(temp.resolve("cache"), "task", folder.toString())) {
            int kept = 0;
            for (int round = 0; round < KILLS; round++) {
                try (var child = ahead.take()) {
                    killIn(child, soundMillis, folder);
                }
                int now = completions(folder).size();
                assertTrue(
                        now >= kept / SteeredModel.BATCH * SteeredModel.BATCH,
                        "after kill " + round + " there are " + now + " completions, there were " + kept);
                kept = now;
            }
            try (var child = ahead.last()) {
                child.finish();
            }
        }
        assertEquals(names(task()), names(folder), "nothing unfinished is left");
        assertEquals(completions(task()), completions(folder));
    }

    /** A tracer kills at the very first write into the file, when a file that is written anew is empty. */
    @Test
    void aRunKilledAtItsFirstWriteLosesNothing() throws Exception {
        Assumptions.assumeTrue(Files.exists(STRACE), "skipped, no " + STRACE + " here");
        Path cache = temp.resolve("cache");
        Path folder = temp.resolve("killed");
        try (var last = new Child(cache, "task", folder.toString())) {
            killAtTheFirstWrite(cache, folder);
            last.finish();
        }
        assertEquals(Programs.PROMPTS, completions(folder).size());
    }

    private static void killAtTheFirstWrite(Path cache, Path folder) throws Exception {
        Path written = FileSubjects.only(task().resolve("faults"));
        Path file = folder.resolve(task().relativize(written));
        Files.createDirectories(file.getParent());
        byte[] whole = Files.readAllBytes(written);
        int part = whole.length * 3 / 5;
        for (int length : LONG ? new int[] {whole.length, part, 0} : new int[] {part}) {
            Files.write(file, Arrays.copyOf(whole, length));
            int kept = completions(folder).size() / SteeredModel.BATCH * SteeredModel.BATCH;
            var under = List.of(
                    STRACE.toString(),
                    "-f",
                    "-qq",
                    "-o",
                    "/dev/null",
                    "-P",
                    file.toString(),
                    "-e",
                    "trace=write,pwrite64,writev",
                    "-e",
                    "inject=write,pwrite64,writev:signal=KILL:when=1");
            try (var child = new Child(cache, under, "task", folder + "")) {
                String output = child.go().output();
                assertEquals(length == whole.length, output.endsWith("done"), "only a whole file is not written to");
            }
            int left = completions(folder).size();
            assertTrue(left >= kept, "of " + kept + " completions " + left + " were left");
        }
    }

    /** The whole lines with a completion, whatever files hold them. */
    static List<String> completions(Path folder) throws IOException {
        var completions = new ArrayList<String>();
        for (Path file : files(folder)) {
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
            for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n")) {
                try {
                    var json = JsonParser.parseString(line);
                    if (json.isJsonObject() && json.getAsJsonObject().has("promptTokens")) {
                        completions.add(line);
                    }
                } catch (JsonParseException e) {
                    continue; // a torn line
                }
            }
        }
        Collections.sort(completions);
        return completions;
    }

    @Test
    void aFetchFetchesNoCompleteFileAgainAndLeavesTheRepositoryAlone() throws Exception {
        Path cache = temp.resolve("cache");
        try (var hub = new LoopbackHub(TokenSubjects.resource("/tiny/llama-3"))) {
            hub.answer = (request, out) -> {
                out.write(hub.head(request).getBytes(StandardCharsets.ISO_8859_1));
                if (request.method().equals("GET")) {
                    byte[] body = hub.body(request);
                    for (int i = 0; i < body.length; i += 4096) {
                        out.write(body, i, Math.min(4096, body.length - i));
                        out.flush();
                        Thread.sleep(8);
                    }
                }
            };
            Path home = cache.resolve("models/hub/tiny--model").resolve(LoopbackHub.COMMIT);
            for (int round = 0; round < KILLS; round++) {
                var complete = whole(home, hub);
                hub.requests.clear();
                try (var child = new Child(cache, "fetch", cache.toString(), hub.address())) {
                    killIn(child, 1200, home);
                }
                assertTrue(whole(home, hub).containsAll(complete), "a complete file is gone");
                assertEquals(List.of(), again(hub, complete));
            }
            var complete = whole(home, hub);
            hub.requests.clear();
            try (var child = new Child(cache, "fetch", cache.toString(), hub.address())) {
                child.finish();
            }
            assertEquals(List.of(), again(hub, complete));
            var wanted = new TreeSet<>(hub.files.keySet());
            wanted.add("SHA256SUMS");
            assertEquals(List.copyOf(wanted), names(home));
            assertEquals(hub.files.keySet(), whole(home, hub));
            assertEquals(List.of(), unfinished(cache));
        }
    }

    private static List<String> again(LoopbackHub hub, TreeSet<String> complete) {
        return hub.requests.stream()
                .filter(request -> request.method().equals("GET") && complete.contains(request.file()))
                .map(LoopbackHub.Request::file)
                .toList();
    }

    private static TreeSet<String> whole(Path home, LoopbackHub hub) throws IOException {
        var whole = new TreeSet<String>();
        for (Path file : files(home)) {
            byte[] wanted = hub.files.get(file.getFileName().toString());
            if (wanted != null) {
                assertEquals(LoopbackHub.sha256(wanted), LoopbackHub.sha256(Files.readAllBytes(file)), file.toString());
                whole.add(file.getFileName().toString());
            }
        }
        return whole;
    }

    private static List<String> unfinished(Path folder) throws IOException {
        return names(folder).stream()
                .filter(name -> name.matches(".*\\.(half|part|tmp)(\\..*)?"))
                .toList();
    }

    @Test
    void savedControllersAndKeptJacobiansAreWholeOrAbsent() throws Exception {
        Path cache = temp.resolve("cache");
        Path folder = Files.createDirectories(temp.resolve("saved"));
        var model = Tiny.LLAMA.model(DataType.FLOAT32);
        try (var last = new Child(cache, "save", folder.toString(), "8")) {
            for (int round = 0; round < KILLS; round++) {
                try (var child = new Child(cache, "save", folder.toString(), "1000000")) {
                    killIn(child, 1500, temp);
                }
                for (Path file : files(temp)) {
                    if (file.endsWith("controller.safetensors")) {
                        ControllerFile.load(file, model);
                    } else if (file.toString().contains("artefacts")
                            && file.toString().endsWith(".safetensors")) {
                        Linearisation.load(file, model);
                    }
                }
            }
            last.finish();
        }
        assertEquals(List.of("controller.safetensors"), names(folder));
        assertEquals(8, files(cache.resolve("artefacts")).size(), "one file for each prompt: " + names(cache));
        assertEquals(List.of(), unfinished(temp));
    }

    @Test
    void twoProcessesOnOneTaskFolderWriteEveryCompletionOnce() throws Exception {
        Path cache = temp.resolve("cache");
        Path folder = temp.resolve("shared");
        try (var one = new Child(cache, "task", folder.toString());
                var two = new Child(cache, "task", folder.toString())) {
            one.awaitReady();
            two.awaitReady();
            one.go();
            two.go();
            var outputs = List.of(one.output(), two.output());
            assertTrue(outputs.stream().anyMatch(output -> output.endsWith("done")), outputs.toString());
            for (String output : outputs) {
                assertTrue(output.endsWith("done") || output.matches("(?s).*refused .*process.*"), output);
            }
        }
        try (var again = new Child(cache, "task", folder.toString())) {
            again.finish();
        }
        assertEquals(completions(task()), completions(folder));
        assertEquals(names(task()), names(folder));
    }

    @Test
    void twoProcessesOnOneCacheFetchEveryFileOnce() throws Exception {
        Path cache = temp.resolve("cache");
        try (var hub = new LoopbackHub(TokenSubjects.resource("/tiny/llama-3"))) {
            hub.answer = (request, out) -> {
                Thread.sleep(60);
                hub.proper(request, out);
            };
            try (var one = new Child(cache, "fetch", cache.toString(), hub.address());
                    var two = new Child(cache, "fetch", cache.toString(), hub.address())) {
                one.awaitReady();
                two.awaitReady();
                one.go();
                two.finish();
                assertTrue(one.output().endsWith("done"), one.output());
            }
            for (String file : hub.files.keySet()) {
                assertEquals(
                        1,
                        hub.requests.stream()
                                .filter(request -> request.method().equals("GET")
                                        && request.file().equals(file))
                                .count(),
                        file);
            }
        }
    }
}
