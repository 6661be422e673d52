package rudder.faults;

import com.google.gson.Gson;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Tries mutants in a process of its own, because native code can end one. The number of the mutant at hand lies in a
 * mapped file, so that {@link Campaign} knows which one ended the process, and goes on behind it.
 */
final class Worker {

    /** A failure, or the first of many of one kind. */
    record Failure(String subject, int number, String group, String what, String message, int bytes) {}

    /** The plan that Campaign writes down. */
    record Plan(long seed, int processes, Map<String, Integer> counts) {}

    static final int HANG_CPU_SECONDS = 5;
    private static final int HANG_SECONDS = 60;
    private static final long RESIDENT = 3L << 30;
    static final int FIELDS = 4; // of a subject in the mapped file: tried, loaded, refused, failed
    private static final String SOUND = "nothing changed";
    private static final Gson JSON = new Gson();
    private static final Pattern BARE =
            Pattern.compile("null|Input length = \\d+|For input string.*|Index -?\\d+ out of .*"
                    + "|Range \\[.*|.*cannot be cast to.*|Cannot (invoke|read|load|store|throw|enter|assign) .*"
                    + "|begin -?\\d+, end .*|/ by zero|Premature EOF|Unexpected end of .*stream|Not in GZIP format"
                    + "|[Ii]nvalid (block|stored|code|distance|bit).*|Java heap space|unable to parse.*"
                    + "|(newP|p)osition > limit.*"
                    + "|Array index out of range.*|capacity < 0.*|-\\d+|\\d+");

    private static volatile String now = "";
    private static volatile long started;
    private static volatile long cpu;
    private static volatile boolean loaded;

    private Worker() {}

    static List<Subject> subjects() {
        return Stream.of(TokenSubjects.all(), FileSubjects.all(), StoreSubjects.all(), JudgeSubjects.all())
                .flatMap(List::stream)
                .toList();
    }

    static byte[] original(Path home, String subject, int i) throws IOException {
        return Files.readAllBytes(home.resolve("sound").resolve(subject).resolve("" + i));
    }

    static int originals(Path home, String subject) throws IOException {
        try (var files = Files.list(home.resolve("sound").resolve(subject))) {
            return (int) files.count();
        }
    }

    /** Returns a mutant; the first numbers are the subject's bombs, the next its sound files. */
    static Mutator.Mutant mutant(Path home, Subject subject, long seed, int number) throws Exception {
        int bombs = subject.bombs().size();
        int sound = originals(home, subject.name());
        if (number < bombs) {
            var bomb = subject.bombs().get(number);
            return new Mutator.Mutant(bomb.make(), bomb.what());
        }
        byte[] original = original(home, subject.name(), (number - bombs) % sound);
        return number < bombs + sound
                ? new Mutator.Mutant(original, SOUND)
                : Mutator.of(
                        subject.format(),
                        original,
                        subject.words(),
                        31 * (31 * seed + number) + subject.name().hashCode());
    }

    public static void main(String[] args) throws Exception {
        Path home = Path.of(args[0]);
        var plan = JSON.fromJson(Files.readString(home.resolve("plan.json")), Plan.class);
        int worker = Integer.parseInt(args[1]);
        Path scratch = Files.createDirectories(
                home.resolve("scratch-" + worker + "-" + ProcessHandle.current().pid()));
        try (var channel =
                FileChannel.open(home.resolve("state-" + worker), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            var state = channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size());
            watch(home, worker);
            int i = 0;
            for (var subject : subjects()) {
                if (plan.counts.containsKey(subject.name())) {
                    run(home, plan, worker, subject, state.slice(8 * FIELDS * i, 8 * FIELDS), scratch);
                    i++;
                }
            }
        }
        Runtime.getRuntime().halt(0); // the engine's threads need not be waited for
    }

    /** Makes the sound files, which all processes damage. */
    static void makeOriginals(Path home, List<Subject> subjects) throws Exception {
        for (var subject : subjects) {
            Path folder = Files.createDirectories(home.resolve("sound").resolve(subject.name()));
            Path scratch = Files.createDirectories(home.resolve("making").resolve(subject.name()));
            int i = 0;
            for (byte[] bytes : subject.originals().make(scratch)) {
                Files.write(folder.resolve("" + i++), bytes);
            }
        }
    }

    private static void run(Path home, Plan plan, int worker, Subject subject, ByteBuffer state, Path scratch)
            throws Exception {
        int count = plan.counts.get(subject.name());
        int sound = originals(home, subject.name());
        int first = (int) state.getLong(0); // numbers below are done
        if (first >= count) {
            return;
        }
        var keys = new ArrayList<Set<String>>();
        for (int i = 0; i < sound; i++) {
            keys.add(keys(original(home, subject.name(), i)));
        }
        var reader = subject.reader().in(Files.createDirectories(scratch.resolve(subject.name())));
        var smallest = new HashMap<String, Integer>();
        for (int number = first; number < count; number++) {
            state.putLong(0, number + 1L);
            if (number % plan.processes != worker) {
                continue;
            }
            int bombs = subject.bombs().size();
            int original = number < bombs ? 0 : (number - bombs) % sound;
            var mutant = mutant(home, subject, plan.seed, number);
            now = subject.name() + " " + number;
            loaded = false;
            cpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            started = System.nanoTime();
            Throwable thrown = null;
            try {
                reader.read(original, mutant.bytes(), () -> loaded = true);
            } catch (Throwable e) { // a try must not end the others
                thrown = e;
            }
            started = 0;
            boolean read = loaded;
            String fault = thrown == null ? null : fault(thrown, read, keys.get(original));
            if (fault == null && !read && mutant.what().equals(SOUND)) {
                fault = "a sound file is refused";
            }
            int field = fault != null ? 3 : thrown == null ? 1 : 2;
            state.putLong(8 * field, state.getLong(8 * field) + 1);
            if (fault != null) {
                String group = fault + at(thrown);
                report(home, worker, subject, number, group, mutant, message(thrown), smallest);
            }
        }
    }

    private static String message(Throwable e) {
        String text = e == null ? "" : String.valueOf(e.getMessage());
        return text.length() > 300 ? text.substring(0, 300) + "..." : text;
    }

    /** Returns why an exception is not one that the documentation promises, or null. */
    static String fault(Throwable e, boolean read, Set<String> keys) {
        var type = e.getClass();
        if (e instanceof Subject.Accepted) {
            return "accepted: " + e.getMessage().replaceAll("-?\\d[\\d.E]*", "N");
        }
        if (!(e instanceof IOException)
                && type != IllegalArgumentException.class
                && type != IllegalStateException.class) {
            return type.getName();
        }
        String message = e.getMessage();
        if (message == null || message.isBlank() || BARE.matcher(message).matches()) {
            return "bare " + type.getSimpleName() + " '" + (message == null ? null : message.replaceAll("\\d+", "N"))
                    + "'";
        }
        return read || keys.stream().anyMatch(message::contains)
                ? null
                : type.getSimpleName() + " names no file or field";
    }

    /** The names that a message may give: of files and folders, and the keys of the sound file. */
    private static Set<String> keys(byte[] original) {
        var keys = new HashSet<>(List.of(
                "tokenizer",
                "config.json",
                "chat template",
                "small",
                "hub",
                "model",
                "safetensors",
                "gguf",
                "HF_ENDPOINT",
                ".csv",
                ".jinja",
                "the contrast set ",
                "the prompts ",
                "in prompts",
                ".tsv",
                ".json",
                ".txt",
                ".prompt",
                "jsonl",
                "SHA256SUMS",
                ".onnx",
                ".noun",
                ".verb",
                ".adj",
                ".adv",
                "main",
                "sha256",
                "artefacts",
                "cache",
                "controller",
                "vector",
                "jacobians",
                "Safetensors[",
                "GgufFile[",
                "llama-3",
                "mistral",
                "gemma-",
                "qwen2.5",
                "qwen3"));
        var names = Pattern.compile("\"([A-Za-z_.0-9]{4,})\"\\s*:|([a-z_]+(?:\\.[a-z_0-9]+)+)")
                .matcher(new String(original, java.nio.charset.StandardCharsets.ISO_8859_1));
        while (names.find()) {
            keys.add(names.group(1) == null ? names.group(2) : names.group(1));
        }
        return keys;
    }

    private static String at(Throwable e) {
        if (e == null || e instanceof StackOverflowError || e instanceof Subject.Accepted) {
            return "";
        }
        return Arrays.stream(e.getStackTrace())
                .filter(frame -> frame.getClassName().startsWith("rudder.")
                        && !frame.getClassName().startsWith("rudder.faults."))
                .findFirst()
                .or(() -> Arrays.stream(e.getStackTrace()).findFirst())
                .map(frame -> " at " + frame.getClassName() + "." + frame.getMethodName() + ":" + frame.getLineNumber())
                .orElse("");
    }

    /** Notes a failure, and keeps the input if it is the smallest of its kind in this process. */
    private static void report(
            Path home,
            int worker,
            Subject subject,
            int number,
            String group,
            Mutator.Mutant mutant,
            String message,
            Map<String, Integer> smallest)
            throws IOException {
        append(home, worker, new Failure(subject.name(), number, group, mutant.what(), message, mutant.bytes().length));
        Integer known = smallest.get(group);
        if (known == null || mutant.bytes().length < known) {
            smallest.put(group, mutant.bytes().length);
            keep(home, subject, group, mutant.bytes());
        }
    }

    static void keep(Path home, Subject subject, String group, byte[] bytes) throws IOException {
        Path folder = Files.createDirectories(home.resolve("inputs").resolve(subject.name()));
        Files.write(folder.resolve("%08x".formatted(group.hashCode())), bytes);
    }

    static void append(Path home, int worker, Failure failure) throws IOException {
        Files.writeString(
                home.resolve("failures-" + worker),
                JSON.toJson(failure) + "\n",
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }

    /** Ends the process where a try computes for ever or fills the memory; Campaign starts another. */
    private static void watch(Path home, int worker) {
        long thread = Thread.currentThread().getId();
        Thread tries = Thread.currentThread();
        var watchdog = new Thread(
                () -> {
                    while (true) {
                        try {
                            Thread.sleep(200);
                            long since = started;
                            if (since == 0) {
                                continue;
                            }
                            long spent = ManagementFactory.getThreadMXBean().getThreadCpuTime(thread) - cpu;
                            boolean hangs = spent > HANG_CPU_SECONDS * 1_000_000_000L
                                    || System.nanoTime() - since > HANG_SECONDS * 1_000_000_000L;
                            boolean full = resident() > RESIDENT;
                            if ((hangs || full) && started == since) {
                                String place = Arrays.stream(tries.getStackTrace())
                                        .filter(frame -> frame.getClassName().startsWith("rudder.")
                                                && !frame.getClassName().startsWith("rudder.faults."))
                                        .limit(1)
                                        .map(frame -> " in " + frame.getClassName() + "." + frame.getMethodName())
                                        .collect(Collectors.joining());
                                Files.writeString(
                                        home.resolve("end-" + worker), (full ? "over 3 GB of memory" : "hang") + place);
                                Runtime.getRuntime().halt(70);
                            }
                        } catch (InterruptedException | IOException e) {
                            throw new IllegalStateException(now, e);
                        }
                    }
                },
                "watchdog");
        watchdog.setDaemon(true);
        watchdog.start();
    }

    private static long resident() throws IOException {
        Path status = Path.of("/proc/self/statm");
        return Files.exists(status)
                ? 4096 * Long.parseLong(Files.readString(status).split(" ")[1])
                : 0;
    }
}
