package rudder.checkpoint.store;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/**
 * Fetches wheels with {@code python -m pip download} and the user's own pip settings. Pip installs nothing, and no code
 * of a package runs.
 *
 * @param pythons commands to try, in this order
 */
record Pip(List<String> pythons) {

    private static final int LINES_SHOWN = 3;
    private static final int CHARACTERS_SHOWN = 300;

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
     * @param bytes receives the size of the folder from time to time
     * @return the path of the wheel
     * @throws IOException if there is no Python with pip, or pip fails; the message has pip's last lines
     */
    Path download(String requirement, Path folder, LongConsumer bytes) throws IOException {
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
        int status = run(command, folder, log, bytes);
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

    private static int run(List<String> command, Path folder, Path log, LongConsumer bytes) throws IOException {
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        for (var variable : List.of("TMPDIR", "TEMP", "TMP")) {
            builder.environment().put(variable, folder.toString()); // an incomplete download is removed with the folder
        }
        var process = builder.start();
        try {
            process.getOutputStream().close();
            while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
                bytes.accept(size(folder));
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
                .map(line -> line.substring(0, Math.min(line.length(), CHARACTERS_SHOWN)))
                .collect(Collectors.joining("\n"));
    }
}
