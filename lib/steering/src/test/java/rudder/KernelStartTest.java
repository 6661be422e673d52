package rudder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** RUDDER_HEAP is read when a kernel starts. A program that prints its arguments stands for the JVM. */
class KernelStartTest {

    private static String started(String heap) throws IOException, InterruptedException {
        var script = Sources.ROOT.resolve("binder/kernel_start.py").toString();
        var builder = new ProcessBuilder(List.of("python3", script, "echo", "-jar", "kernel.jar"));
        if (heap == null) {
            builder.environment().remove("RUDDER_HEAP");
        } else {
            builder.environment().put("RUDDER_HEAP", heap);
        }
        Process process;
        try {
            process = builder.redirectErrorStream(true).start();
        } catch (IOException e) {
            Assumptions.abort("skipped, no python3 here: " + e.getMessage());
            return "";
        }
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), output);
        return output;
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "none",
            value = {"none,1g", "'',1g", "4g,4g", "' 3072m ',3072m", "2G,2G", "524288k,524288k"})
    void aRightValueIsTheHeap(String heap, String used) throws IOException, InterruptedException {
        assertEquals("-Xmx" + used + " -jar kernel.jar", started(heap));
    }

    @ParameterizedTest
    @CsvSource({"4 GB", "4", "4gb", "-1g", "1.5g", "100m", "four", "4g -version"})
    void aWrongValueStartsTheKernelWithTheDefaultAndASentence(String heap) throws IOException, InterruptedException {
        var line = started(heap);
        assertTrue(line.startsWith("-Xmx1g -Drudder.fault=RUDDER_HEAP is \"" + heap + "\", wanted a number"), line);
        assertTrue(line.endsWith("-jar kernel.jar"), line);
    }
}
