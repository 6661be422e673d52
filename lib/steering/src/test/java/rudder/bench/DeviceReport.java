package rudder.bench;

import ai.djl.engine.Engine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import rudder.checkpoint.ModelShape;
import rudder.model.LanguageModel;

/**
 * Prints what a program finds on a device: first the machine and its libraries behind {@code #}, then a line
 * {@code shape,dtype,what,value,unit} for each figure.
 */
final class DeviceReport {

    private static final Path MAPS = Path.of("/proc/self/maps");

    private final String shape;

    private DeviceReport(String shape) {
        this.shape = shape.replace(',', ' ');
    }

    /** Returns a report whose lines begin with a shape, or with another name of what is measured. */
    static DeviceReport of(String shape) {
        return new DeviceReport(shape);
    }

    /**
     * Returns the paper's shape that {@code NAME[:BLOCKS[:VOCABULARY]]} names, with fewer blocks or tokens if they are
     * given.
     *
     * @throws IllegalArgumentException if the paper has no model of that name
     */
    static ModelShape shape(String given) {
        var parts = given.split(":");
        var shape = ModelShape.paper().stream()
                .filter(one -> one.name().equals(parts[0]))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("found the shape '" + parts[0] + "', wanted one of "
                        + ModelShape.paper().stream().map(ModelShape::name).collect(Collectors.joining(", "))));
        if (parts.length > 1) {
            shape = shape.withBlocks(Integer.parseInt(parts[1]));
        }
        return parts.length > 2 ? shape.withVocabulary(Integer.parseInt(parts[2])) : shape;
    }

    /** Prints processor, GPU, driver, the libraries that were loaded, and the names of the columns. */
    static void head() throws IOException {
        var engine = Engine.getEngine("PyTorch");
        int gpus = engine.getGpuCount();
        note("machine", Machine.processor() + "; " + Runtime.getRuntime().availableProcessors() + " cores");
        note("gpu", gpu().orElse("nvidia-smi names none") + "; the engine counts " + gpus);
        note("libtorch", libtorch() + ", by DJL for " + engine.getVersion());
        note("cuda", String.join(" ", loaded("libcudart.", "libcublas.", "libtorch_cuda.so")));
        note("jdk", Runtime.version() + " of " + System.getProperty("java.vendor"));
        System.out.println("shape,dtype,what,value,unit");
    }

    /** Prints a line that is no figure. */
    static void note(String what, String text) {
        System.out.println("# " + what + ": " + text);
    }

    /** Prints a figure. */
    void value(String what, double value, String unit) {
        value(what, value, unit, "");
    }

    /** Prints a figure with more columns behind it, which begin with a comma. */
    void value(String what, double value, String unit, String more) {
        System.out.printf(
                Locale.ROOT, "%s,%s,%s,%.6g,%s%s%n", shape, LanguageModel.chosenPrecision(), what, value, unit, more);
        System.out.flush();
    }

    /** Returns name, driver and memory of the GPUs; empty where the driver's program is missing or fails. */
    private static Optional<String> gpu() throws IOException {
        try {
            var process = new ProcessBuilder(
                            "nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
                    .redirectErrorStream(true)
                    .start();
            var answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? Optional.of(answer.strip().replace("\n", "; ")) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // there is no such program
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while nvidia-smi ran", e);
        }
    }

    /** Returns the version of the libtorch that is loaded: pip's file says it, or the folder's name. */
    private static String libtorch() throws IOException {
        var libraries = loaded("libtorch_cpu.so");
        if (libraries.isEmpty()) {
            return "unknown";
        }
        var folder = Path.of(libraries.get(0)).getParent();
        var version = folder.resolveSibling("version.py");
        if (!Files.exists(version)) {
            return folder.getFileName().toString();
        }
        try (Stream<String> lines = Files.lines(version)) {
            return lines.filter(line -> line.startsWith("__version__"))
                    .map(line -> line.replaceAll(".*=\\s*|['\"]", ""))
                    .findFirst()
                    .orElse("unknown");
        }
    }

    /** Returns the paths of this process's libraries whose names have one of these parts. */
    private static List<String> loaded(String... parts) throws IOException {
        if (!Files.exists(MAPS)) {
            return List.of();
        }
        try (Stream<String> lines = Files.lines(MAPS)) {
            return lines.filter(line -> line.contains("/"))
                    .map(line -> line.substring(line.indexOf('/')))
                    .filter(path -> Stream.of(parts)
                            .anyMatch(Path.of(path).getFileName().toString()::contains))
                    .distinct()
                    .toList();
        }
    }
}
