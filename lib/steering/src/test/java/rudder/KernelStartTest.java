package rudder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * How binder/kernel_start.py and binder/jdk.sh start a JVM. RUDDER_HEAP and the JDK's version are read at each start. A
 * program that prints its arguments stands for the JVM.
 */
class KernelStartTest {

    private static final String START =
            Sources.ROOT.resolve("binder/kernel_start.py").toAbsolutePath().toString();

    private record Run(int status, String out, String err) {}

    private static Run run(Map<String, String> environment, String... command)
            throws IOException, InterruptedException {
        var builder = new ProcessBuilder(command).directory(Sources.ROOT.toFile());
        var outFile = Files.createTempFile("rudder", ".out");
        var errFile = Files.createTempFile("rudder", ".err");
        try {
            builder.environment().keySet().removeAll(List.of("RUDDER_HEAP", "JAVA_HOME"));
            builder.environment().putAll(environment);
            Process process;
            try {
                process = builder.redirectOutput(outFile.toFile())
                        .redirectError(errFile.toFile())
                        .start();
            } catch (IOException e) {
                return Assumptions.abort("skipped, no " + command[0] + " here: " + e.getMessage());
            }
            assertTrue(process.waitFor(20, TimeUnit.SECONDS));
            return new Run(
                    process.exitValue(),
                    Files.readString(outFile, StandardCharsets.UTF_8).strip(),
                    Files.readString(errFile, StandardCharsets.UTF_8).strip());
        } finally {
            Files.delete(outFile);
            Files.delete(errFile);
        }
    }

    private static Run started(String heap) throws IOException, InterruptedException {
        var run = run(
                heap == null ? Map.of() : Map.of("RUDDER_HEAP", heap), "python3", START, "echo", "-jar", "kernel.jar");
        assertEquals(0, run.status(), run.err());
        return run;
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "none",
            value = {"none,1g", "'',1g", "4g,4g", "' 3072m ',3072m", "2G,2G", "524288k,524288k"})
    void aRightValueIsTheHeap(String heap, String used) throws IOException, InterruptedException {
        assertEquals(new Run(0, "-Xmx" + used + " -jar kernel.jar", ""), started(heap));
    }

    @ParameterizedTest
    @CsvSource({"4 GB", "4", "4gb", "-1g", "1.5g", "100m", "four", "4g -version"})
    void aWrongValueStartsTheKernelWithTheDefaultAndASentence(String heap) throws IOException, InterruptedException {
        var run = started(heap);
        var sentence = "RUDDER_HEAP is \"" + heap + "\", wanted a number";
        assertTrue(run.out().startsWith("-Xmx1g -Drudder.fault=" + sentence), run.out());
        assertTrue(run.out().endsWith("-jar kernel.jar"), run.out());
        assertTrue(run.err().startsWith(sentence) && run.err().lines().count() == 1, run.err());
    }

    @Test
    void aProgramMayHaveAnotherDefault() throws IOException, InterruptedException {
        assertEquals(
                new Run(0, "-Xmx2g -version", ""), run(Map.of(), "python3", START, "--heap", "2g", "echo", "-version"));
    }

    @ParameterizedTest
    @CsvSource({"11.0.2,11", "1.8.0_292,8", "16,16"})
    void anOldJdkIsNamedAndStartsWithoutTheModuleThatItLacks(String version, int feature, @TempDir Path home)
            throws IOException, InterruptedException {
        var java = jdk(home, version);
        var run = run(Map.of(), "python3", START, java, "--add-modules", "jdk.incubator.vector", "-jar", "kernel.jar");
        assertEquals(0, run.status(), run.err());
        assertEquals("-Xmx1g -jar kernel.jar", run.out());
        assertEquals(
                "Rudder needs Java 17 or later, and " + java + " is Java " + feature + ": set JAVA_HOME to a JDK of 17"
                        + " or later, and run binder/reproduce in Rudder's folder.",
                run.err());
    }

    @ParameterizedTest
    @CsvSource({"17.0.15", "25"})
    void aNewJdkStartsSilently(String version, @TempDir Path home) throws IOException, InterruptedException {
        var run = run(Map.of(), "python3", START, jdk(home, version), "--add-modules", "jdk.incubator.vector");
        assertEquals(new Run(0, "-Xmx1g --add-modules jdk.incubator.vector", ""), run);
    }

    @Test
    void aMissingJvmIsNamed() throws IOException, InterruptedException {
        var run = run(Map.of(), "python3", START, "/nowhere/java", "-jar", "kernel.jar");
        assertEquals(1, run.status());
        assertTrue(run.err().startsWith("there is no /nowhere/java: install a JDK"), run.err());
    }

    @Test
    void anOldJdkOnThePathGivesWayToANewOne(@TempDir Path folder) throws IOException, InterruptedException {
        jdk(folder.resolve("old"), "11.0.2");
        jdk(folder.resolve("jvm/new"), "21.0.1");
        var run = useJdk(folder, "jvm");
        assertEquals(new Run(0, folder.resolve("jvm/new").toString(), ""), run);
    }

    @Test
    void whereOnlyAnOldJdkIsTheProgramSaysSo(@TempDir Path folder) throws IOException, InterruptedException {
        jdk(folder.resolve("old"), "11.0.2");
        var run = useJdk(folder, "nothing");
        assertEquals(1, run.status());
        assertEquals(
                "Rudder needs a JDK of 17 or later, with javac, and finds openjdk version \"11.0.2\": install one,"
                        + " or set JAVA_HOME to one.",
                run.err());
    }

    /** Returns what use_jdk finds with the folder's old JDK first on the path and other JDKs in one of its folders. */
    private static Run useJdk(Path folder, String installed) throws IOException, InterruptedException {
        return run(
                Map.of("PATH", folder.resolve("old/bin") + ":" + System.getenv("PATH")),
                "bash",
                "-euo",
                "pipefail",
                "-c",
                ". binder/jdk.sh; installed=$1; use_jdk; echo \"$JAVA_HOME\"",
                "bash",
                folder.resolve(installed).toString());
    }

    /** Makes a JDK whose java prints its properties, its version or its arguments. Returns the command. */
    private static String jdk(Path home, String version) throws IOException {
        var bin = Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"nobody\"\nJAVA_VERSION=\"" + version + "\"\n");
        var java = bin.resolve("java");
        Files.writeString(java, """
                #!/bin/sh
                case $1 in
                  -XshowSettings*) echo "    java.home = HOME"; echo "    java.specification.version = VERSION" ;;
                  -version) echo 'openjdk version "VERSION"' ;;
                  *) echo "$@" ;;
                esac
                """.replace("HOME", home.toString()).replace("VERSION", version));
        assertTrue(java.toFile().setExecutable(true));
        Files.copy(java, bin.resolve("javac"), StandardCopyOption.COPY_ATTRIBUTES);
        return java.toString();
    }
}
