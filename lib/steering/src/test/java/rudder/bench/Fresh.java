package rudder.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.model.Sampling;

/**
 * A process of its own that loads a model, writes, makes a tracker at the prompt and writes with it: how long until the
 * first token, and the peak of its memory. {@link #run} starts such a process, or the quick start's.
 */
final class Fresh {

    private static final int TOKENS = 24;
    private static final String FIGURE = "figure ";
    private static final int SECONDS = 300;

    private Fresh() {}

    public static void main(String[] args) throws IOException {
        long start = System.nanoTime();
        try (var model = LanguageModel.load(args[0])) {
            figure("load", since(start));
            model.generate(Bench.PROMPT, 1, Sampling.greedy());
            figure("first_token", since(start));
            model.generate(Bench.PROMPT, TOKENS, Sampling.greedy());
            figure("peak_unsteered", Machine.memory("VmHWM"));
            long before = System.nanoTime();
            var tracker = OnlineCost.tracker(model, OnlineCost.setpoint(model), Bench.PROMPT);
            figure("tracker", since(before));
            model.steered(tracker).generate(Bench.PROMPT, TOKENS, Sampling.greedy());
        }
        figure("peak", Machine.memory("VmHWM"));
    }

    /** Reports what one more process found, with weights held in a form of RUDDER_WEIGHTS. */
    static void measure(Arms arms, String model, String weights) throws IOException, InterruptedException {
        String suffix = "_" + model + "_" + weights;
        var found = run(Fresh.class, model, weights);
        for (var name : List.of("load", "first_token", "tracker")) {
            arms.report(name + suffix, found.get(name), "s");
        }
        for (var name : List.of("peak_unsteered", "peak")) {
            arms.report(name + suffix, found.get(name) / (1 << 20), "MB");
        }
    }

    private static double since(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    static void figure(String name, double value) {
        System.out.println(FIGURE + name + " " + value);
    }

    /** Returns the figures of a process with the heap limit of a notebook's kernel. */
    static Map<String, Double> run(Class<?> main, String model, String weights)
            throws IOException, InterruptedException {
        Path out = Files.createTempFile("fresh", ".txt");
        var command = Stream.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-Xmx1g",
                        "-XX:+UseSerialGC",
                        "-Dai.djl.offline=true",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName(),
                        model)
                .toList();
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
        builder.environment().put("RUDDER_WEIGHTS", weights);
        var process = builder.start();
        try {
            boolean ended = process.waitFor(SECONDS, TimeUnit.SECONDS);
            if (!ended || process.exitValue() != 0) {
                throw new IllegalStateException(main.getSimpleName() + " of " + model + " with " + weights
                        + (ended ? " failed" : " took more than " + SECONDS + " s") + ":\n"
                        + Files.readString(out, StandardCharsets.UTF_8));
            }
            var figures = new LinkedHashMap<String, Double>();
            Files.readAllLines(out, StandardCharsets.UTF_8).stream()
                    .filter(line -> line.startsWith(FIGURE))
                    .map(line -> line.split(" "))
                    .forEach(words -> figures.put(words[1], Double.valueOf(words[2])));
            return figures;
        } finally {
            process.destroyForcibly();
            Files.delete(out);
        }
    }
}
