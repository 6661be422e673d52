package rudder.faults;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A process of {@link Programs}, which can be killed. */
final class Child implements AutoCloseable {

    private static final Path PRLIMIT = Path.of("/usr/bin/prlimit");
    private final Path temporary;
    private final Process process;
    private final List<String> lines = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch ready = new CountDownLatch(1);
    private final Thread reader;

    Child(Path cache, String... args) throws IOException {
        this(cache, List.of(), args);
    }

    /** @param under a command that runs the process, such as a tracer */
    Child(Path cache, List<String> under, String... args) throws IOException {
        this(cache, under, Map.of(), List.of("-Xmx512m"), args);
    }

    Child(Path cache, List<String> under, Map<String, String> environment, List<String> options, String... args)
            throws IOException {
        var all = new ArrayList<>(options);
        all.addAll(List.of(
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dai.djl.offline=true",
                "-Xshare:auto",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"));
        temporary = Files.createTempDirectory(
                Files.createDirectories(Path.of("target/faults").toAbsolutePath()), "child");
        var whole = new HashMap<>(environment);
        whole.put("RUDDER_CACHE", cache.toString());
        var builder = Processes.java(temporary, Programs.class, whole, all, List.of(args));
        builder.command().addAll(0, under);
        process = builder.redirectErrorStream(true).start();
        reader = new Thread(this::read, "output of " + args[0]);
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader in = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line; (line = in.readLine()) != null; ) {
                lines.add(line);
                if (line.equals("ready")) {
                    ready.countDown();
                }
            }
        } catch (IOException e) {
            lines.add("output ended: " + e.getMessage()); // by the kill
        } finally {
            ready.countDown();
        }
    }

    /** Lets the work begin. */
    Child go() throws IOException {
        process.getOutputStream().write('\n');
        process.getOutputStream().flush();
        return this;
    }

    /** Waits until the work can begin. */
    Child awaitReady() throws InterruptedException {
        if (!ready.await(180, TimeUnit.SECONDS)) {
            throw new AssertionError("not ready after 180 s: " + lines);
        }
        return this;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Ends the process as a power cut does, as far as its memory is concerned. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
        reader.join();
    }

    /** Waits for the end and returns all that was written. */
    String output() throws InterruptedException {
        if (!process.waitFor(300, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("still runs after 300 s: " + lines);
        }
        reader.join();
        return String.join("\n", lines);
    }

    /** Lets the work begin and waits for the end, which must be a good one. */
    void finish() throws InterruptedException, IOException {
        go();
        String output = output();
        if (!output.endsWith("done")) {
            throw new AssertionError(output);
        }
    }

    /**
     * Limits the size of the files that the process writes from now on: writes beyond fail as on a full disk. Needs no
     * right to mount.
     */
    Child limit(long bytes) throws IOException, InterruptedException {
        Assumptions.assumeTrue(Files.exists(PRLIMIT), "skipped, no " + PRLIMIT + " here");
        var limit = new ProcessBuilder(PRLIMIT.toString(), "--pid", "" + process.pid(), "--fsize=" + bytes)
                .inheritIO()
                .start();
        if (limit.waitFor() != 0) {
            throw new IOException("prlimit failed with " + limit.exitValue());
        }
        return this;
    }

    @Override
    public void close() throws IOException {
        try {
            kill();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Processes.delete(temporary);
    }
}
