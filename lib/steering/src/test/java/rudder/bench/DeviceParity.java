package rudder.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.format.Progress;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.plant.PromptPlant;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.LqrSolution;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;

/**
 * Compares a model on two devices, or on two versions of the engine: {@code DeviceParity FILE MODEL}. The model is a
 * shape with random weights ({@link DeviceReport#shape}) or a GGUF file. A run writes FILE if there is none; a later
 * run prints how far it is from it, and exits with 1 if a quantity is beyond its limit. Of a GGUF file it computes what
 * notebook 00 does, and compares the strengths with the notebook's. Runs in {@code lib/steering}.
 *
 * <p>The later run solves the Riccati recursion for the Jacobians of FILE, so that its gains show the recursion's error
 * alone. The property {@code parity.limit} sets one limit for all. Strengths are compared up to the first token that
 * differs: behind it the texts are other texts.
 */
final class DeviceParity {

    private static final Map<String, Double> LIMITS = Map.of(
            "logits",
            1e-3,
            "state",
            1e-4,
            "jacobian",
            1e-4,
            "vjp",
            1e-4,
            "gain",
            1e-9,
            "direction",
            1e-3,
            "strength",
            1e-3);
    private static final double HALF = 10; // times the limits where weights are float16
    private static final double NOTEBOOK = .02; // gaps
    private static final Path NUMBERS = Path.of("../../notebooks/results/00-quickstart.csv");
    private static final List<String> PROMPTS =
            List.of("The most important thing about", "Once upon a time", "I went to work this morning and");

    private final LanguageModel model;
    private final DeviceReport report;
    private final Map<String, double[]> earlier;
    private final Map<String, double[]> found = new LinkedHashMap<>();
    private int failures;

    private DeviceParity(LanguageModel model, String name, Map<String, double[]> earlier) {
        this.model = model;
        this.earlier = earlier;
        report = DeviceReport.of(name);
    }

    public static void main(String[] args) throws IOException {
        Progress.showOn(Bench.SILENT);
        var file = Path.of(args[0]).toAbsolutePath();
        Map<String, double[]> earlier = Files.exists(file) ? ParityFile.read(file) : Map.of();
        DeviceReport.head();
        boolean random = !args[1].endsWith(".gguf");
        var shape = random ? DeviceReport.shape(args[1]) : null;
        try (var model = random ? LanguageModel.random(shape, 1) : LanguageModel.load(args[1])) {
            DeviceReport.note("model", model + " on " + model.device());
            var parity = new DeviceParity(model, random ? args[1] : model.name(), earlier);
            if (random) {
                parity.randomWeights(shape);
            } else {
                parity.notebook();
            }
            if (earlier.isEmpty()) {
                ParityFile.write(file, parity.found);
                DeviceReport.note("written", parity.found.size() + " quantities to " + file.getFileName());
            } else {
                parity.compare();
            }
            System.exit(parity.failures == 0 ? 0 : 1);
        }
    }

    /** Logits, states, Jacobians and products of one prompt; then gains, and two texts under three controllers. */
    private void randomWeights(ModelShape shape) {
        int[] prompt = new Random(1).ints(12, 3, shape.vocabulary()).toArray();
        found.put("logits", Vectors.doubles(model.logits(prompt)));
        var plant = model.plant(prompt);
        trace(plant);
        var solution = regulator(
                IntStream.range(0, model.horizon()).mapToObj(plant::jacobian).toList());
        var setpoint = OnlineCost.setpoint(model);
        var prompts = List.of(prompt, Arrays.copyOf(prompt, 7));
        texts("none", Controller.none(), setpoint, prompts, Sampling.greedy());
        texts("p", Controller.proportionalFrom(setpoint, 1, 0), setpoint, prompts, Sampling.greedy());
        texts("lqr", Controller.lqr(solution, setpoint), setpoint, prompts, Sampling.greedy());
    }

    /** What notebook 00 computes at full size, without its charts. */
    private void notebook() throws IOException {
        for (int i = 0; i < PROMPTS.size(); i++) {
            found.put("logits_" + i, Vectors.doubles(model.logits(model.encode(PROMPTS.get(i)))));
        }
        trace(model.plant(PROMPTS.get(0)));
        var ocean = ContrastSet.read("../../data/concepts/ocean.csv");
        var target = Features.contrast(model, ocean).setpoint(1);
        for (int k = 0; k <= model.horizon(); k++) {
            found.put("direction_" + k, target.direction(k));
        }
        var solution = regulator(model.meanJacobians(ocean.positive().subList(0, 24)));
        var prompts = PROMPTS.stream().map(model::encode).toList();
        var wanted = numbers();
        strength(wanted, "strength_unsteered", target, texts("none", Controller.none(), target, prompts));
        var actAdd = Controller.actAdd(target, model.horizon() / 2);
        strength(wanted, "strength_open_loop", target, texts("act_add", actAdd, target, prompts));
        var lqr = Controller.lqr(solution, target);
        strength(wanted, "strength_closed_loop", target, texts("lqr", lqr, target, prompts));
    }

    private static Map<String, Double> numbers() throws IOException {
        var numbers = new LinkedHashMap<String, Double>();
        try (Stream<String> lines = Files.lines(NUMBERS)) {
            lines.skip(1).map(line -> line.split(",")).forEach(f -> numbers.put(f[0], Double.valueOf(f[1])));
        }
        return numbers;
    }

    /** Compares the mean strength at the last state with the notebook's, in gaps. */
    private void strength(Map<String, Double> wanted, String name, Setpoint target, List<Completion> texts) {
        int last = model.horizon();
        double mean = texts.stream()
                .mapToDouble(text -> target.inGaps(last, text.meanStrength(last)))
                .average()
                .orElseThrow();
        report.value(name, mean, "gaps");
        judge(name + "_from_notebook", Math.abs(mean - wanted.get(name)), "gaps", NOTEBOOK);
    }

    private void trace(PromptPlant plant) {
        int T = model.horizon();
        for (int k = 0; k <= T; k++) {
            found.put("state_" + k, plant.nominal().state(k));
        }
        var row = Vectors.row(plant.nominal().state(T));
        for (int k = 0; k < T; k++) {
            found.put("vjp_" + k, plant.vjp(k, row).data);
        }
    }

    /** Returns the regulator of the earlier run's Jacobians, or of these in the first run. */
    private LqrSolution regulator(List<DMatrixRMaj> jacobians) {
        int d = model.dimension();
        for (int k = 0; k < jacobians.size(); k++) {
            found.put("jacobian_" + k, jacobians.get(k).data);
        }
        var same = IntStream.range(0, jacobians.size())
                .mapToObj(k ->
                        earlier.isEmpty() ? jacobians.get(k) : DMatrixRMaj.wrap(d, d, earlier.get("jacobian_" + k)))
                .toList();
        var solution = Lqr.solve(LinearSystem.of(same, model.algebra(), "the first run"), Bench.COST);
        for (int k = 0; k < jacobians.size(); k++) {
            found.put("gain_" + k, solution.gain(k).data);
        }
        return solution;
    }

    private List<Completion> texts(String arm, Controller controller, Setpoint setpoint, List<int[]> prompts) {
        return texts(arm, controller, setpoint, prompts, Sampling.standard());
    }

    private List<Completion> texts(
            String arm, Controller controller, Setpoint setpoint, List<int[]> prompts, Sampling sampling) {
        var texts = model.steered(controller).measuring(setpoint).generateOfTokens(prompts, 36, sampling);
        for (int i = 0; i < texts.size(); i++) {
            var text = texts.get(i);
            found.put(
                    "tokens_" + arm + "_" + i,
                    Arrays.stream(text.tokens()).asDoubleStream().toArray());
            found.put(
                    "strength_" + arm + "_" + i,
                    Arrays.stream(text.strengths())
                            .flatMapToDouble(Arrays::stream)
                            .toArray());
        }
        return texts;
    }

    /** Prints the largest difference of each kind of quantity. */
    private void compare() {
        var worst = new LinkedHashMap<String, Double>();
        found.forEach((name, x) -> {
            if (!name.startsWith("tokens")) {
                double difference = ParityFile.relative(x, earlier.get(name), compared(name, x));
                worst.merge(name.replaceAll("_\\d+$", ""), difference, DeviceParity::larger);
            } else {
                report.value(name + "_that_agree", agreed(name), "tokens of " + x.length);
            }
        });
        worst.forEach((name, difference) -> judge(name, difference, "relative", limit(name)));
    }

    private static double larger(double a, double b) {
        return Double.isNaN(a) || a > b ? a : b; // NaN stays
    }

    private static double limit(String name) {
        double limit = LIMITS.get(name.replaceAll("_.*", ""));
        var given = System.getProperty("parity.limit");
        if (given != null) {
            return Double.parseDouble(given);
        }
        boolean algebra = name.startsWith("gain"); // in double precision whatever the weights have
        return !algebra && LanguageModel.chosenPrecision().equals("float16") ? HALF * limit : limit;
    }

    /** Returns how many numbers are comparable: of strengths, the rows up to the first token that differs. */
    private int compared(String name, double[] x) {
        if (!name.startsWith("strength")) {
            return Math.max(x.length, earlier.get(name).length); // another length throws
        }
        int rows = agreed(name.replace("strength", "tokens")) + 1;
        return Math.min(rows * (model.horizon() + 1), Math.min(x.length, earlier.get(name).length));
    }

    private int agreed(String tokens) {
        int first = Arrays.mismatch(found.get(tokens), earlier.get(tokens));
        return first < 0 ? found.get(tokens).length : first;
    }

    private void judge(String what, double value, String unit, double limit) {
        boolean holds = value <= limit; // NaN does not
        failures += holds ? 0 : 1;
        report.value(
                what, value, unit, String.format(Locale.ROOT, ",%.0e,%s", limit, holds ? "holds" : "BEYOND ITS LIMIT"));
    }
}
