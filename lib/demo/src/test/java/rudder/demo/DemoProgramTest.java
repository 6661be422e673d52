package rudder.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program as {@code binder/demo} starts it: a process of its own. */
@Timeout(180)
class DemoProgramTest {

    private static final String TINY = "../checkpoint/src/test/resources/tiny/llama-3.2";

    @TempDir
    private Path folder;

    /** Runs the program, which must exit with 1, and returns its errors. */
    private List<String> errors(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-Djava.awt.headless=true",
                "-Dai.djl.offline=true",
                "-cp",
                System.getProperty("java.class.path"),
                Demo.class.getName()));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command)
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("errors").toFile())
                .start();
        try {
            assertTrue(process.waitFor(150, TimeUnit.SECONDS), "still runs after 150 s");
        } finally {
            process.destroyForcibly();
        }
        var lines = Files.readAllLines(folder.resolve("errors"));
        assertEquals(1, process.exitValue(), lines.toString());
        return lines;
    }

    @Test
    void anUnknownModelIsAnsweredInOneLine() throws Exception {
        var lines = errors("--model", "SmolLM3");
        assertEquals(1, lines.size(), lines.toString());
        assertTrue(lines.get(0).startsWith("\"SmolLM3\" is neither a file"), lines.toString());
    }

    @Test
    void aTakenPortIsAnsweredInOneLine() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var lines = errors("--model", TINY, "--port", Integer.toString(taken.getLocalPort()));
            assertTrue(lines.get(lines.size() - 1).contains("choose another port"), lines.toString());
            assertTrue(lines.stream().noneMatch(line -> line.startsWith("\tat ")), lines.toString());
        }
    }
}
