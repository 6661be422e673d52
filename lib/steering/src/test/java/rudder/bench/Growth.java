package rudder.bench;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleSupplier;
import java.util.function.IntFunction;
import javax.imageio.ImageIO;
import rudder.checkpoint.store.ModelStore;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.report.Charts;

/**
 * Time a token against the number of texts, the context's length, and the model's size, beside peers. Writes figures,
 * and for each size a table and a chart of milliseconds beside the file of figures.
 */
final class Growth {

    private static final int[] TEXTS = {1, 2, 4, 8, 16, 32, 64, 128};
    private static final int[] CONTEXTS = {16, 128, 512, 1000, 2000};
    private static final int MANY = 32; // texts from which transformers writes too
    private static final int FEW = 3; // tokens of the short texts, whose time is taken off
    private static final int TOKENS = 12;
    private static final int ROUNDS = 5;
    private static final int FEW_ROUNDS = 3;
    private static final String RUDDER = "rudder";

    private final Arms arms;
    private final Map<String, Map<Double, Double>> curves = new LinkedHashMap<>(); // ms a token by size, by program

    private Growth(Arms arms) {
        this.arms = arms;
    }

    /** Reports tokens a second of several texts written together, and the ratio to each peer's. */
    static void texts(Arms arms, LanguageModel model, Peers peers) throws IOException {
        int[] prompt = model.encode(Bench.PROMPT);
        var growth = new Growth(arms);
        for (int batch : TEXTS) {
            var prompts = Collections.nCopies(batch, prompt);
            var group = new LinkedHashMap<String, DoubleSupplier>();
            group.put(RUDDER, () -> batch * rate(n -> write(model, prompts, n)));
            var writing = batch < MANY ? peers.named(Peer.LLAMA) : peers.all();
            writing.forEach(peer -> group.put(
                    peer.name(), () -> peer.decode(prompt, batch, TOKENS).rate()));
            growth.measure("texts_" + batch, batch, group, batch >= MANY ? ROUNDS : FEW_ROUNDS);
        }
        growth.write("texts", "texts written together");
    }

    /** Reports tokens a second of one text behind prompts of growing length. */
    static void contexts(Arms arms, LanguageModel model, Peers peers) throws IOException {
        var growth = new Growth(arms);
        for (int length : CONTEXTS) {
            var text = new StringBuilder(Bench.PROMPT);
            while (model.encode(text.toString()).length < length) {
                text.append(", and ").append(Bench.PROMPT);
            }
            int[] prompt = Arrays.copyOf(model.encode(text.toString()), length);
            var group = new LinkedHashMap<String, DoubleSupplier>();
            group.put(RUDDER, () -> rate(n -> write(model, List.of(prompt), n)));
            peers.named(Peer.LLAMA)
                    .forEach(peer -> group.put(
                            peer.name(), () -> peer.decode(prompt, 1, TOKENS).rate()));
            growth.measure("context_" + length, length, group, FEW_ROUNDS);
        }
        growth.write("context", "tokens of context");
    }

    /** Reports tokens a second of one text of each known model whose file is in the cache. */
    static void models(Arms arms) throws IOException {
        var growth = new Growth(arms);
        for (var name : ModelStore.names()) {
            if (!Files.exists(ModelStore.cache().resolve("models").resolve(name + ".gguf"))) {
                arms.note("model_" + name, "absent: not in the cache");
                continue;
            }
            try (var model = LanguageModel.load(name);
                    var peers = Peers.of(arms, name, Peer.LLAMA)) {
                int[] prompt = model.encode(Bench.PROMPT);
                var group = new LinkedHashMap<String, DoubleSupplier>();
                group.put(RUDDER, () -> OnlineCost.rate(model, Bench.PROMPT, TOKENS));
                peers.all()
                        .forEach(peer -> group.put(peer.name(), () -> peer.decode(prompt, 1, TOKENS)
                                .rate()));
                double megabytes = Files.size(ModelStore.fetch(name).path()) / 1e6;
                arms.note(
                        "model_" + name,
                        String.format(Locale.ROOT, "T=%d d=%d %.0f MB", model.horizon(), model.dimension(), megabytes));
                growth.measure("model_" + name, megabytes, group, FEW_ROUNDS);
            }
        }
        growth.write("model", "MB of the model's file");
    }

    private void measure(String name, double size, Map<String, DoubleSupplier> programs, int rounds) {
        var group = arms.in("tok/s");
        programs.forEach((program, measure) -> group.arm(name + "_" + program, measure));
        var found = group.run(rounds);
        for (var program : programs.keySet()) {
            if (found.has(name + "_" + program)) {
                curves.computeIfAbsent(program, p -> new TreeMap<>())
                        .put(size, 1e3 / found.median(name + "_" + program));
            }
            if (!program.equals(RUDDER)) {
                found.ratio("ratio_" + name + "_to_" + program, name + "_" + RUDDER, name + "_" + program);
            }
        }
    }

    /** Writes the table, and the chart of the programs that have a figure at each of Rudder's sizes. */
    private void write(String kind, String across) throws IOException {
        var lines = new ArrayList<>(List.of("program," + kind + ",ms"));
        curves.forEach((program, curve) ->
                curve.forEach((size, ms) -> lines.add(String.format(Locale.ROOT, "%s,%.6g,%.4g", program, size, ms))));
        Files.write(arms.beside("-growth-" + kind + ".csv"), lines);
        var sizes = curves.get(RUDDER).keySet();
        var drawn = new LinkedHashMap<String, double[]>();
        curves.forEach((program, curve) -> {
            if (curve.keySet().equals(sizes)) {
                drawn.put(program, numbers(curve.values()));
            }
        });
        var chart = Charts.growth("Time a token", across, numbers(sizes), "ms", drawn);
        var image = new BufferedImage(chart.getWidth(), chart.getHeight(), BufferedImage.TYPE_INT_RGB);
        var graphics = image.createGraphics();
        chart.paint(graphics, image.getWidth(), image.getHeight());
        graphics.dispose();
        ImageIO.write(image, "png", arms.beside("-growth-" + kind + ".png").toFile());
    }

    private static double[] numbers(Collection<Double> values) {
        return values.stream().mapToDouble(value -> value).toArray();
    }

    /** Returns tokens a second of each text behind the first few. */
    private static double rate(IntFunction<List<Completion>> writing) {
        double few = Arms.seconds(() -> requireWhole(writing.apply(FEW), FEW));
        return TOKENS / (Arms.seconds(() -> requireWhole(writing.apply(FEW + TOKENS), FEW + TOKENS)) - few);
    }

    private static List<Completion> write(LanguageModel model, List<int[]> prompts, int tokens) {
        return model.generateOfTokens(prompts, tokens, Sampling.greedy());
    }

    private static void requireWhole(List<Completion> completions, int tokens) {
        completions.forEach(completion -> Bench.requireWhole(completion, tokens));
    }
}
