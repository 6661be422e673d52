package rudder.faults;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import rudder.kernel.PackedMatrix;

/** Starts programs of the tests in processes of their own. */
final class Processes {
    private Processes() {}

    /**
     * Returns a process that runs a class's main on the class path of this one.
     *
     * @param temporary its folder for temporary files, which a killed process cannot remove; made if it is missing
     */
    static ProcessBuilder java(
            Path temporary, Class<?> program, Map<String, String> environment, List<String> options, List<String> args)
            throws IOException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (PackedMatrix.available()) { // numbers are then those of this process, to the bit
            command.add("--add-modules=jdk.incubator.vector");
        }
        command.addAll(options);
        command.add("-Djava.io.tmpdir=" + Files.createDirectories(temporary));
        command.add("-XX:-UsePerfData"); // is a temporary file, too
        command.add("-cp");
        command.add(classPath());
        command.add(program.getName());
        command.addAll(args);
        var builder = new ProcessBuilder(command);
        var env = builder.environment();
        env.keySet().removeIf(key -> key.startsWith("HF_") || key.toLowerCase().endsWith("_proxy"));
        env.put("OMP_WAIT_POLICY", "passive");
        env.put("OMP_NUM_THREADS", "1");
        env.putAll(environment);
        return builder;
    }

    private static String classPath() {
        String paths = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        var absolute = new ArrayList<String>();
        for (String path : paths.split(File.pathSeparator)) {
            absolute.add(Path.of(path).toAbsolutePath().toString());
        }
        return String.join(File.pathSeparator, absolute);
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (var all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
