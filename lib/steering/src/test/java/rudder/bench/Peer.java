package rudder.bench;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Another program with the same model, as a child process that answers requests one by one, so that its arms alternate
 * with Rudder's. A request and its answer are a line of JSON each. A child that does not answer in time is ended.
 */
final class Peer implements AutoCloseable {

    static final String TRANSFORMERS = "transformers";
    static final String LLAMA = "llama.cpp";

    private static final int SECONDS_TO_ANSWER = 300;
    private static final int LINES_OF_LOG = 20;
    private static final int THREADS = Runtime.getRuntime().availableProcessors();

    /** Says why a peer has no figure. */
    static final class Absent extends RuntimeException {
        private static final long serialVersionUID = 1;

        Absent(String message) {
            super(message);
        }
    }

    /**
     * @param seconds time that the work took
     * @param rate tokens of all texts a second, from when each had its first
     * @param megabytes peak of the peer's resident memory so far
     */
    record Answer(double seconds, double rate, double megabytes) {}

    private final String name;
    private final Path script;
    private final Path log;
    private final Process process;
    private final BufferedReader answers;
    private final Answer loaded;

    private Peer(String name, String script, List<String> before, List<String> after) throws IOException {
        this.name = name;
        this.script = Files.createTempFile("peer", "-" + script);
        log = Files.createTempFile("peer", ".log");
        try (var in = Peer.class.getResourceAsStream(script)) {
            Files.copy(in, this.script, StandardCopyOption.REPLACE_EXISTING);
        }
        var command = Stream.of(before, List.of(this.script.toString()), after)
                .flatMap(List::stream)
                .toList();
        var builder = new ProcessBuilder(command).redirectError(log.toFile());
        builder.environment().put("OMP_WAIT_POLICY", "passive");
        try {
            process = builder.start();
        } catch (IOException e) {
            delete();
            throw new Absent(name + " did not start: " + e.getMessage());
        }
        answers = process.inputReader(StandardCharsets.UTF_8);
        try {
            loaded = read();
        } catch (Absent e) {
            close();
            throw e;
        }
    }

    /** Starts transformers. The Python has torch, transformers, accelerate and gguf. */
    static Peer transformers(String python, Path model) throws IOException {
        return new Peer(
                TRANSFORMERS,
                "transformers_peer.py",
                List.of(python, "-W", "ignore"),
                List.of(model.toString(), "" + THREADS));
    }

    /** Starts llama.cpp from a folder in which {@code npm i node-llama-cpp} was run. */
    static Peer llama(Path folder, Path model) throws IOException {
        return new Peer(
                LLAMA,
                "llama_peer.mjs",
                List.of("node"),
                List.of(folder.toAbsolutePath().toString(), model.toString(), "" + THREADS));
    }

    String name() {
        return name;
    }

    /** Returns what starting and loading the model took. */
    Answer loaded() {
        return loaded;
    }

    /** Writes greedy tokens behind the same prompt in every row of a batch. */
    Answer decode(int[] prompt, int batch, int tokens) {
        var request = request("decode", prompt);
        request.addProperty("batch", batch);
        request.addProperty("tokens", tokens);
        return ask(request);
    }

    /** Makes the Jacobian of every block at the prompt's last token. */
    Answer jacobians(int[] prompt) {
        return ask(request("jacobians", prompt));
    }

    private static JsonObject request(String what, int[] prompt) {
        var request = new JsonObject();
        request.addProperty("do", what);
        request.add("ids", JsonParser.parseString(Arrays.toString(prompt)));
        return request;
    }

    private Answer ask(JsonObject request) {
        try {
            process.getOutputStream().write((request + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        } catch (IOException e) { // the pipe is closed: reading says why
            return read();
        }
        return read();
    }

    private Answer read() {
        var hurry = CompletableFuture.runAsync(
                process::destroyForcibly, CompletableFuture.delayedExecutor(SECONDS_TO_ANSWER, TimeUnit.SECONDS));
        try {
            for (String line; (line = answers.readLine()) != null; ) {
                if (line.startsWith("{\"s\":")) { // a library may print lines of its own
                    var answer = JsonParser.parseString(line).getAsJsonObject();
                    return new Answer(
                            answer.get("s").getAsDouble(),
                            answer.get("rate").getAsDouble(),
                            answer.get("mb").getAsDouble());
                }
            }
            var lines = Files.readAllLines(log, StandardCharsets.ISO_8859_1);
            throw new Absent(name + " ended, or did not answer within " + SECONDS_TO_ANSWER + " s; its last lines:\n"
                    + String.join("\n", lines.subList(Math.max(0, lines.size() - LINES_OF_LOG), lines.size())));
        } catch (IOException e) {
            throw new Absent(name + " cannot be read: " + e.getMessage());
        } finally {
            hurry.cancel(false);
        }
    }

    private void delete() throws IOException {
        Files.deleteIfExists(script);
        Files.deleteIfExists(log);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            answers.close();
            delete();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
