package rudder.faults;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * Tries many mutants of many kinds of files in two processes. Prints how many were loaded and refused, and the first of
 * each kind of failure; the smallest input of each kind is kept under {@code target/faults}.
 */
final class Campaign {

    private static final int PROCESSES = 2;
    private static final int MOST_ENDS = 25; // of one subject and process; each costs a new process
    private static final Gson JSON = new Gson();

    private final Path home;
    private final Worker.Plan plan;
    private final List<Subject> subjects;

    private Campaign(Path home, Worker.Plan plan, List<Subject> subjects) {
        this.home = home;
        this.plan = plan;
        this.subjects = subjects;
    }

    /** The table of a campaign and its failures, grouped. */
    record Result(String table, int mutants, List<String> failures) {}

    /**
     * Runs a campaign.
     *
     * @param mutants of a kind with the share 1
     */
    static Result run(String name, Predicate<Subject> which, long seed, int mutants) throws Exception {
        Path home = Path.of("target/faults", name).toAbsolutePath();
        Processes.delete(home);
        Files.createDirectories(home);
        var subjects = Worker.subjects().stream().filter(which).toList();
        var counts = new LinkedHashMap<String, Integer>();
        for (var subject : subjects) {
            counts.put(
                    subject.name(),
                    Math.max(8, (int) Math.ceil(subject.share() * mutants))
                            + subject.bombs().size());
        }
        var plan = new Worker.Plan(seed, PROCESSES, counts);
        Files.writeString(home.resolve("plan.json"), JSON.toJson(plan));
        return new Campaign(home, plan, subjects).run();
    }

    private Result run() throws Exception {
        Worker.makeOriginals(home, subjects);
        var pool = Executors.newFixedThreadPool(PROCESSES);
        try {
            var done = new ArrayList<Future<Void>>();
            for (int i = 0; i < PROCESSES; i++) {
                int worker = i;
                Callable<Void> job = () -> {
                    work(worker);
                    return null;
                };
                done.add(pool.submit(job));
            }
            for (var one : done) {
                one.get();
            }
        } finally {
            pool.shutdownNow();
        }
        return result();
    }

    /** A short campaign ends before the optimising compiler pays off. */
    private List<String> options() {
        int most = plan.counts().values().stream().mapToInt(n -> n).max().orElse(0);
        return List.of(
                "-XX:TieredStopAtLevel=" + (most < 500 ? 1 : 4),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + home.resolve("crash-%p.log"),
                "-Dai.djl.offline=true",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error");
    }

    private void work(int worker) throws Exception {
        try (var file = new RandomAccessFile(home.resolve("state-" + worker).toFile(), "rw")) {
            file.setLength(8L * Worker.FIELDS * subjects.size());
        }
        var ends = new TreeMap<String, Integer>();
        while (true) {
            Path log = home.resolve("worker-" + worker + ".log");
            Files.deleteIfExists(home.resolve("end-" + worker));
            var process = Processes.java(
                            home.resolve("tmp"),
                            Worker.class,
                            Map.of("RUDDER_CACHE", home.resolve("cache") + ""),
                            options(),
                            List.of(home.toString(), "" + worker))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            try {
                awaitOrEnd(process, worker);
            } finally {
                process.destroyForcibly().waitFor();
            }
            if (process.exitValue() == 0) {
                return;
            }
            noteEnd(worker, process, log, ends);
        }
    }

    /** Ends a process that stands at one mutant for long, which its own watchdog could not end. */
    private void awaitOrEnd(Process process, int worker) throws Exception {
        long since = System.nanoTime();
        String last = "";
        while (!process.waitFor(250, TimeUnit.MILLISECONDS)) {
            String now = java.util.Arrays.toString(state(worker));
            if (!now.equals(last)) {
                last = now;
                since = System.nanoTime();
            } else if (System.nanoTime() - since > 150_000_000_000L) {
                Files.writeString(home.resolve("end-" + worker), "hang that stops the whole process");
                return;
            }
        }
    }

    private long[] state(int worker) throws IOException {
        var all = ByteBuffer.wrap(Files.readAllBytes(home.resolve("state-" + worker)));
        long[] state = new long[all.capacity() / 8];
        all.asLongBuffer().get(state);
        return state;
    }

    private void noteEnd(int worker, Process process, Path log, Map<String, Integer> ends) throws Exception {
        long[] state = state(worker);
        int at = 0;
        while (at + 1 < subjects.size() && state[Worker.FIELDS * (at + 1)] > 0) {
            at++;
        }
        var subject = subjects.get(at);
        int number = (int) state[Worker.FIELDS * at] - 1;
        Path end = home.resolve("end-" + worker);
        String output = Files.readString(log, StandardCharsets.ISO_8859_1);
        if (number < 0 || process.exitValue() == 1) {
            throw new IOException("a worker failed at " + subject.name() + " " + number + ":\n" + output);
        }
        String group = Files.exists(end)
                ? Files.readString(end)
                : "abort (" + process.exitValue() + "): "
                        + output.lines()
                                .filter(line -> line.contains("panicked at")
                                        || line.startsWith("# Problematic")
                                        || line.contains("SIGSEGV")
                                        || line.contains("OutOfMemory"))
                                .findFirst()
                                .orElse("without a word")
                                .replaceAll("0x[0-9a-f]+|pid=\\d+|tid=\\d+", "N");
        var mutant = Worker.mutant(home, subject, plan.seed(), number);
        String message = output.length() > 300 ? output.substring(output.length() - 300) : output;
        Worker.append(
                home,
                worker,
                new Worker.Failure(subject.name(), number, group, mutant.what(), message, mutant.bytes().length));
        Worker.keep(home, subject, group, mutant.bytes());
        int count = ends.merge(subject.name(), 1, Integer::sum);
        try (var file = new RandomAccessFile(home.resolve("state-" + worker).toFile(), "rw")) {
            file.seek(8L * (Worker.FIELDS * at + 3));
            file.writeLong(state[Worker.FIELDS * at + 3] + 1);
            if (count >= MOST_ENDS) {
                int left = plan.counts().get(subject.name());
                Worker.append(
                        home,
                        worker,
                        new Worker.Failure(
                                subject.name(),
                                number,
                                "given up after " + MOST_ENDS + " ended processes",
                                "",
                                (left - number) / PROCESSES + " mutants were not tried",
                                0));
                file.seek(8L * Worker.FIELDS * at);
                file.writeLong(left);
            }
        }
    }

    private Result result() throws IOException {
        var table = new StringBuilder(String.format(
                Locale.ROOT, "%-26s %9s %9s %9s %9s%n", "kind", "mutants", "loaded", "refused", "failed"));
        long[] sum = new long[Worker.FIELDS];
        var states = new ArrayList<long[]>();
        for (int worker = 0; worker < PROCESSES; worker++) {
            states.add(state(worker));
        }
        for (int i = 0; i <= subjects.size(); i++) {
            long[] row = new long[Worker.FIELDS];
            if (i == subjects.size()) {
                row = sum;
            } else {
                for (var state : states) {
                    for (int field = 1; field < Worker.FIELDS; field++) {
                        row[field] += state[Worker.FIELDS * i + field];
                        sum[field] += state[Worker.FIELDS * i + field];
                    }
                }
            }
            table.append(String.format(
                    Locale.ROOT,
                    "%-26s %9d %9d %9d %9d%n",
                    i == subjects.size() ? "all" : subjects.get(i).name(),
                    row[1] + row[2] + row[3],
                    row[1],
                    row[2],
                    row[3]));
        }
        return new Result(table.toString(), (int) (sum[1] + sum[2] + sum[3]), failures());
    }

    private List<String> failures() throws IOException {
        var groups = new TreeMap<String, List<Worker.Failure>>();
        for (int worker = 0; worker < PROCESSES; worker++) {
            Path file = home.resolve("failures-" + worker);
            if (Files.exists(file)) {
                for (String line : Files.readAllLines(file)) {
                    var failure = JSON.fromJson(line, Worker.Failure.class);
                    groups.computeIfAbsent(failure.subject() + ": " + failure.group(), key -> new ArrayList<>())
                            .add(failure);
                }
            }
        }
        return groups.entrySet().stream()
                .map(group -> {
                    var least = group.getValue().stream()
                            .min(Comparator.comparingInt(Worker.Failure::bytes))
                            .orElseThrow();
                    return group.getValue().size() + " x " + group.getKey() + "\n        seed " + plan.seed()
                            + ", number " + least.number() + ": " + least.what() + " (" + least.bytes()
                            + " bytes, inputs/" + least.subject() + "/"
                            + "%08x".formatted(least.group().hashCode()) + ")\n        "
                            + least.message().replace("\n", "\n        ");
                })
                .toList();
    }
}
