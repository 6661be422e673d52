package rudder.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import rudder.checkpoint.format.Progress;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.plant.PromptPlant;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.HookPoint;
import rudder.theory.control.InputMatrix;
import rudder.theory.control.TransportLaw;

/** What every kind of controller adds to the time of a text, batch 1; {@code OnlineCost FILE} measures this alone. */
final class OnlineCost {

    private static final String PROMPT = "Once upon a time there was a small village by the sea";
    private static final int TOKENS = 27;
    private static final int ROUNDS = 15;

    private OnlineCost() {}

    public static void main(String[] args) throws IOException {
        Progress.showOn(Bench.SILENT);
        var arms = new Arms(Path.of(args[0]));
        try (var model = LanguageModel.load(Bench.MODEL)) {
            measure(arms, model);
        }
        arms.write();
    }

    /**
     * At strength 0: the same products, and a text that does not depend on being steered. Every arm alternates with the
     * unsteered model.
     */
    static void measure(Arms arms, LanguageModel model) {
        var plain = model.steered(Controller.none());
        kinds(model).forEach((name, controller) -> {
            var steered = model.steered(controller.times(0));
            arms.cost(
                    "steering_cost_b1_" + name,
                    ROUNDS,
                    () -> plain.generate(PROMPT, TOKENS, Sampling.greedy()),
                    () -> steered.generate(PROMPT, TOKENS, Sampling.greedy()));
        });
        linearisedAtThePrompt(arms, model);
    }

    /**
     * Reading the prompt, which any text needs; and, beside that, a tracker of the prompt's own, of one weighted block
     * and of all.
     */
    private static void linearisedAtThePrompt(Arms arms, LanguageModel model) {
        int T = model.horizon();
        var setpoint = Setpoint.constant(T, unit(model.dimension()), 1);
        var last = new double[T + 1];
        last[T] = 1;
        var all = new double[T + 1];
        Arrays.fill(all, 1);
        var plant = model.plant(PROMPT);
        arms.in("ms")
                .arm("prompt_read", () -> 1e3 * Arms.seconds(() -> model.plant(PROMPT)))
                .arm("prompt_tracker_last_block", () -> 1e3 * Arms.seconds(() -> tracker(plant, setpoint, last)))
                .arm("prompt_tracker_all_blocks", () -> 1e3 * Arms.seconds(() -> tracker(plant, setpoint, all)))
                .run(ROUNDS);
    }

    private static Controller tracker(PromptPlant plant, Setpoint setpoint, double[] weights) {
        return FeatureTracker.of(
                plant, plant.nominal().rollout().states(), setpoint, weights, 1, InputMatrix.everywhere());
    }

    private static Map<String, Controller> kinds(LanguageModel model) {
        int T = model.horizon();
        var setpoint = Setpoint.constant(T, unit(model.dimension()), 1);
        var plant = model.plant(PROMPT);
        var last = new double[T + 1];
        last[T] = 1;
        var all = new double[T + 1];
        Arrays.fill(all, 1);
        var system = LinearSystem.of(
                model.meanJacobiansOfTokens(List.of(model.encode(PROMPT))), model.algebra(), "one prompt");
        var kinds = new LinkedHashMap<String, Controller>();
        kinds.put("addition_at_a_block", Controller.actAdd(setpoint, T / 2));
        kinds.put("addition", Controller.spreadActAdd(setpoint, 0));
        kinds.put("p_at_a_block", Controller.proportional(setpoint, 1, T / 2));
        kinds.put("a_lqr", Controller.lqr(Lqr.solve(system, new QuadraticCost(.1, 10, 1)), setpoint));
        kinds.put("pid", Controller.pid(setpoint, 1, .1, .1, 10));
        kinds.put("tracker_last_block", tracker(plant, setpoint, last));
        kinds.put("tracker_all_blocks", tracker(plant, setpoint, all));
        kinds.put("transport", transport(T, model.dimension()));
        return kinds;
    }

    private static Controller transport(int horizon, int d) {
        var random = new Random(2);
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = 0; k < horizon; k++) {
            laws.put(k, TransportLaw.between(samples(random, d), samples(random, d)));
        }
        return Controller.of("transport", HookPoint.RESID_POST, laws, null);
    }

    private static double[][] samples(Random random, int d) {
        var samples = new double[24][];
        Arrays.setAll(samples, i -> random.doubles(d, -10, 10).toArray());
        return samples;
    }

    private static double[] unit(int d) {
        var unit = new double[d];
        Arrays.fill(unit, 1 / Math.sqrt(d));
        return unit;
    }
}
