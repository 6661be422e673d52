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
import java.util.stream.Stream;

/**
 * Another program with the same model, as a child process that answers requests one by one, so that its arms alternate
 * with Rudder's. A request and its answer are a line of JSON each.
 */
final class Peer implements AutoCloseable {

    /** @param seconds time that the work took, @param megabytes peak of the peer's resident memory so far */
    record Answer(double seconds, double megabytes) {}

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
        process = builder.start();
        answers = process.inputReader(StandardCharsets.UTF_8);
        loaded = read();
    }

    /** Starts transformers with the Python of the system property {@code peers.python}. */
    static Peer transformers(String python, Path model, int threads) throws IOException {
        return new Peer(
                "transformers",
                "transformers_peer.py",
                List.of(python, "-W", "ignore"),
                List.of(model.toString(), "" + threads));
    }

    /** Starts llama.cpp from a folder in which {@code npm i node-llama-cpp} was run. */
    static Peer llama(Path folder, Path model, int threads) throws IOException {
        return new Peer(
                "llama.cpp",
                "llama_peer.mjs",
                List.of("node"),
                List.of(folder.toString(), model.toString(), "" + threads));
    }

    String name() {
        return name;
    }

    /** Returns what loading the model took. */
    Answer loaded() {
        return loaded;
    }

    Answer decode(int[] prompt, int batch, int tokens) {
        var request = request("decode", prompt);
        request.addProperty("batch", batch);
        request.addProperty("tokens", tokens);
        return ask(request);
    }

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
            return read();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Answer read() throws IOException {
        for (String line; (line = answers.readLine()) != null; ) {
            if (line.startsWith("{\"s\":")) { // a library may print lines of its own
                var answer = JsonParser.parseString(line).getAsJsonObject();
                return new Answer(
                        answer.get("s").getAsDouble(), answer.get("mb").getAsDouble());
            }
        }
        throw new IOException("the peer " + name + " ended:\n" + Files.readString(log));
    }

    @Override
    public void close() {
        process.destroy();
        try {
            answers.close();
            Files.deleteIfExists(script);
            Files.deleteIfExists(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
