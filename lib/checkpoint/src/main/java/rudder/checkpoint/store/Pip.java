package rudder.checkpoint.store;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Fetches wheels with {@code python -m pip download} and the user's own pip settings. Pip installs nothing, and no code
 * of a package runs.
 *
 * @param pythons commands to try, in this order
 * @param silence time after which pip is stopped if fewer than {@link Hub#LEAST} bytes came
 */
record Pip(List<String> pythons, Duration silence) {

    private static final int LINES_SHOWN = 3;
    private static final int CHARACTERS_SHOWN = 300;
    /** Of the announced size, room for pip's own copy of the wheel and for files beside the wanted one. */
    private static final int TIMES = 3;

    private static final long BESIDE = 1 << 24;
    /** User and password in an address. */
    private static final Pattern USER = Pattern.compile("://[^/\\s@]*@");

    Pip(List<String> pythons) {
        this(pythons, Duration.ofSeconds(60));
    }

    /** Uses the Python of RUDDER_PYTHON, or else the first of python3 and python that has pip. */
    static Pip ofThisMachine() {
        var chosen = System.getenv("RUDDER_PYTHON");
        return new Pip(chosen == null || chosen.isBlank() ? List.of("python3", "python") : List.of(chosen));
    }

    /**
     * Fetches one wheel.
     *
     * @param requirement {@code package==version}
     * @param folder an empty folder for the wheel and pip's temporary files
     * @param size announced size of the wheel's content; pip is stopped at three times so many bytes and 16 MB
     * @param bytes receives the size of the folder from time to time
     * @return the path of the wheel
     * @throws IOException if there is no Python with pip, or pip fails, or fetches too much or too slowly; the message
     *     has pip's last lines
     */
    Path download(String requirement, Path folder, long size, LongConsumer bytes) throws IOException {
        var log = folder.resolve("pip.log");
        var command = List.of(
                python(folder),
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--only-binary=:all:",
                "--no-cache-dir",
                "--disable-pip-version-check",
                "--no-input",
                "-d",
                folder.toString(),
                requirement);
        long most = TIMES * size + BESIDE;
        var rate = new Rate(requirement);
        int status = run(command, folder, log, found -> {
            if (found > most) {
                throw new IOException("pip was stopped: it had fetched " + found + " bytes for " + requirement
                        + ", wanted at most " + most + ". The package has changed, or the index is not to be trusted");
            }
            rate.check(found);
            bytes.accept(found);
        });
        if (status != 0) {
            throw new IOException("pip could not fetch " + requirement + " (exit " + status + "):\n" + lastLines(log));
        }
        try (var files = Files.newDirectoryStream(folder, "*.whl")) {
            for (var wheel : files) {
                return wheel;
            }
        }
        throw new IOException(
                "pip reported success but left no wheel of " + requirement + " in " + folder + ": try again");
    }

    private String python(Path folder) throws IOException {
        var tried = new ArrayList<String>();
        for (var python : pythons) {
            try {
                var log = folder.resolve("pip.log");
                if (run(List.of(python, "-m", "pip", "--version"), folder, log, n -> {}) == 0) {
                    return python;
                }
                tried.add(python + ": " + lastLines(log).strip());
            } catch (InterruptedIOException e) {
                throw e;
            } catch (IOException e) {
                tried.add(python + ": not found");
            }
        }
        throw new IOException("no Python with pip (" + String.join("; ", tried)
                + "): install one, or set RUDDER_PYTHON to it, say a virtual environment's bin/python");
    }

    /** Receives the size of what pip has fetched; throws to stop pip. */
    private interface Watch {
        void reached(long bytes) throws IOException;
    }

    /** Stops a download that does not get on. */
    private final class Rate {
        private final String requirement;
        private long since = System.nanoTime();
        private long then;

        Rate(String requirement) {
            this.requirement = requirement;
        }

        void check(long bytes) throws IOException {
            if (System.nanoTime() - since < silence.toNanos()) {
                return;
            }
            if (bytes - then < Hub.LEAST) {
                throw new IOException("pip was stopped: only " + (bytes - then) + " bytes for " + requirement
                        + " came in " + silence.toSeconds() + " s, wanted at least " + Hub.LEAST + ". Try again later");
            }
            since = System.nanoTime();
            then = bytes;
        }
    }

    private static int run(List<String> command, Path folder, Path log, Watch watch) throws IOException {
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        for (var variable : List.of("TMPDIR", "TEMP", "TMP")) {
            builder.environment().put(variable, folder.toString()); // an incomplete download is removed with the folder
        }
        var process = builder.start();
        try {
            process.getOutputStream().close();
            while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
                watch.reached(size(folder));
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while running " + String.join(" ", command));
        } finally {
            process.destroy();
        }
    }

    /** Returns the bytes of all files below, except those that pip renames or removes meanwhile. */
    private static long size(Path folder) {
        var files = folder.toFile().listFiles();
        long sum = 0;
        if (files != null) {
            for (var file : files) {
                sum += file.isDirectory() ? size(file.toPath()) : file.length();
            }
        }
        return sum;
    }

    private static String lastLines(Path log) throws IOException {
        var lines = new String(Files.readAllBytes(log), Charset.defaultCharset())
                .strip()
                .lines()
                .toList();
        return lines.stream()
                .skip(Math.max(0, lines.size() - LINES_SHOWN))
                .map(line -> USER.matcher(line).replaceAll("://****@"))
                .map(line -> line.substring(0, Math.min(line.length(), CHARACTERS_SHOWN)))
                .collect(Collectors.joining("\n"));
    }
}
