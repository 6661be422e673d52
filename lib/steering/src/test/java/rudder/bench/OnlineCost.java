package rudder.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import rudder.checkpoint.format.Progress;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.TextGenerator;
import rudder.model.plant.PromptPlant;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.Setpoint;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.HookPoint;
import rudder.theory.control.InputMatrix;
import rudder.theory.control.TransportLaw;

/**
 * One text: how fast it is written unsteered, through every kind of controller, and by peers. {@code OnlineCost FILE}
 * measures this alone.
 */
final class OnlineCost {

    private static final int TOKENS = 25;
    private static final int ROUNDS = 15;
    private static final int TEXTS = 32;
    private static final int TOKENS_OF_SEVERAL = 11;
    private static final int ROUNDS_OF_SEVERAL = 7;
    private static final String UNSTEERED = "one_text_unsteered";

    private OnlineCost() {}

    public static void main(String[] args) throws IOException {
        Progress.showOn(Bench.SILENT);
        var arms = new Arms(Path.of(args[0]));
        Machine.describe(arms);
        try (var model = LanguageModel.load(Bench.MODEL);
                var peers = Peers.of(arms, Bench.MODEL, Peer.LLAMA)) {
            measure(arms, model, peers);
        }
        Machine.load(arms, "after");
    }

    /** At strength 0: the same products, and a text that does not depend on being steered. */
    static void measure(Arms arms, LanguageModel model, Peers peers) {
        var group = arms.in("tok/s").arm(UNSTEERED, () -> rate(model.steered(Controller.none()), Bench.PROMPT, TOKENS));
        var kinds = kinds(model);
        kinds.forEach((name, controller) -> {
            var steered = model.steered(controller.times(0));
            group.arm("one_text_" + name, () -> rate(steered, Bench.PROMPT, TOKENS));
        });
        int[] prompt = model.encode(Bench.PROMPT);
        for (var peer : peers.all()) {
            group.arm("one_text_" + peer.name(), () -> peer.decode(prompt, 1, TOKENS)
                    .rate());
        }
        var rounds = group.run(ROUNDS);
        kinds.keySet().forEach(name -> rounds.ratio("ratio_" + name + "_to_unsteered", "one_text_" + name, UNSTEERED));
        peers.all()
                .forEach(peer ->
                        rounds.ratio("ratio_unsteered_to_" + peer.name(), UNSTEERED, "one_text_" + peer.name()));
        severalTexts(arms, model, kinds.get("a_lqr").times(0));
        linearisedAtThePrompt(arms, model);
    }

    private static void severalTexts(Arms arms, LanguageModel model, Controller controller) {
        var prompts = Collections.nCopies(TEXTS, Bench.PROMPT);
        var name = "texts_" + TEXTS;
        var group = arms.in("s");
        Map.of("_unsteered", Controller.none(), "_a_lqr", controller).forEach((ending, chosen) -> {
            var steered = model.steered(chosen);
            group.arm(
                    name + ending,
                    () -> Arms.seconds(() -> steered.generate(prompts, TOKENS_OF_SEVERAL, Sampling.greedy())));
        });
        group.run(ROUNDS_OF_SEVERAL).ratio("ratio_a_lqr_to_unsteered_" + name, name + "_unsteered", name + "_a_lqr");
    }

    /** Returns tokens a second behind the first. */
    static double rate(TextGenerator writer, String prompt, int tokens) {
        var first = new long[1];
        var completion = writer.generate(
                prompt, tokens, Sampling.greedy(), text -> first[0] = first[0] == 0 ? System.nanoTime() : first[0]);
        double seconds = (System.nanoTime() - first[0]) / 1e9;
        Bench.requireWhole(completion, tokens);
        return (tokens - 1) / seconds;
    }

    /**
     * Reading the prompt, which any text needs; and, beside that, a tracker of the prompt's own, of one weighted block
     * and of all.
     */
    private static void linearisedAtThePrompt(Arms arms, LanguageModel model) {
        int T = model.horizon();
        var setpoint = setpoint(model);
        var last = new double[T + 1];
        last[T] = 1;
        var all = new double[T + 1];
        Arrays.fill(all, 1);
        var plant = model.plant(Bench.PROMPT);
        arms.in("ms")
                .arm("prompt_read", () -> 1e3 * Arms.seconds(() -> model.plant(Bench.PROMPT)))
                .arm("prompt_tracker_last_block", () -> 1e3 * Arms.seconds(() -> tracker(plant, setpoint, last)))
                .arm("prompt_tracker_all_blocks", () -> 1e3 * Arms.seconds(() -> tracker(plant, setpoint, all)))
                .run(ROUNDS);
    }

    private static Controller tracker(PromptPlant plant, Setpoint setpoint, double[] weights) {
        return FeatureTracker.of(
                plant, plant.nominal().rollout().states(), setpoint, weights, 1, InputMatrix.everywhere());
    }

    /** Returns a tracker of the last block's strength at the prompt. */
    static Controller tracker(LanguageModel model, Setpoint setpoint, String prompt) {
        var last = new double[model.horizon() + 1];
        last[model.horizon()] = 1;
        return tracker(model.plant(prompt), setpoint, last);
    }

    /** Returns a setpoint of strength 1 along the diagonal. */
    static Setpoint setpoint(LanguageModel model) {
        return Setpoint.constant(model.horizon(), unit(model.dimension()), 1);
    }

    private static Map<String, Controller> kinds(LanguageModel model) {
        int T = model.horizon();
        var setpoint = setpoint(model);
        var plant = model.plant(Bench.PROMPT);
        var last = new double[T + 1];
        last[T] = 1;
        var all = new double[T + 1];
        Arrays.fill(all, 1);
        var system = LinearSystem.of(
                model.meanJacobiansOfTokens(List.of(model.encode(Bench.PROMPT))), model.algebra(), "one prompt");
        var kinds = new LinkedHashMap<String, Controller>();
        kinds.put("addition_at_a_block", Controller.actAdd(setpoint, T / 2));
        kinds.put("addition", Controller.spreadActAdd(setpoint, 0));
        kinds.put("p_at_a_block", Controller.proportional(setpoint, 1, T / 2));
        kinds.put("a_lqr", Controller.lqr(Lqr.solve(system, Bench.COST), setpoint));
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
