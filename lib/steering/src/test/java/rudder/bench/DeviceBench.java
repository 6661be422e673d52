package rudder.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.format.Progress;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.SteeredModel;
import rudder.model.engine.Devices;
import rudder.model.memory.DeviceMemory;
import rudder.model.plant.PromptPlant;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.Setpoint;
import rudder.theory.Statistics;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.InputMatrix;

/**
 * Measures shapes with random weights on RUDDER_DEVICE: {@code DeviceBench SECONDS SHAPE...}, with shapes as
 * {@link DeviceReport#shape} reads them. Prints load, prefill, one block's Jacobian, product and Riccati step, and
 * tokens a second under several controllers. Each shape gets an equal share of the seconds that are left. A figure
 * under way when they are over ends first; what was not begun has no line.
 */
final class DeviceBench {

    private static final int[] BATCHES = {1, 8, 32};
    private static final int ROUNDS = 7;
    private static final int PARTS = 12; // of a shape's time, one for each figure before texts are written
    private static final int FEW = 2; // blocks of the Riccati recursion
    private static final int HEAD = 4; // tokens of the short text, whose time is taken off
    private static final String PLAIN = "none";
    private static final String SAMPLED = "_sampled";

    private final ModelShape shape;
    private final DeviceReport report;
    private final Limit limit;
    private final Random random = new Random(1);

    private DeviceBench(ModelShape shape, String given, Limit limit) {
        this.shape = shape;
        this.limit = limit;
        report = DeviceReport.of(given);
    }

    /** A moment after which nothing is begun. */
    private record Limit(long end) {

        static Limit in(double seconds) {
            return new Limit(System.nanoTime() + (long) (1e9 * seconds));
        }

        boolean over() {
            return System.nanoTime() - end > 0;
        }

        /** Returns the limit of the first of n equal parts of the time that is left. */
        Limit share(int n) {
            return in((end - System.nanoTime()) / 1e9 / n);
        }
    }

    private record Arm(SteeredModel view, Sampling sampling) {}

    public static void main(String[] args) throws IOException {
        Progress.showOn(Bench.SILENT);
        DeviceReport.head();
        var limit = Limit.in(Double.parseDouble(args[0]));
        boolean failed = false;
        for (int i = 1; i < args.length && !limit.over(); i++) {
            try {
                new DeviceBench(DeviceReport.shape(args[i]), args[i], limit.share(args.length - i)).run();
            } catch (RuntimeException | OutOfMemoryError e) {
                failed = true;
                DeviceReport.note("FAILED " + args[i], e.toString());
                e.printStackTrace();
            }
        }
        System.exit(failed ? 1 : 0);
    }

    private void run() {
        long start = System.nanoTime();
        try (var model = LanguageModel.random(shape, 1)) {
            report.value("load", (System.nanoTime() - start) / 1e9, "s");
            DeviceReport.note("model", model + " on " + model.device());
            report.value("first_logits", Arms.seconds(() -> model.logits(prompt(12))), "s");
            milliseconds("prefill_12", () -> model.logits(prompt(12)));
            milliseconds("prefill_256", () -> model.logits(prompt(256)));
            var plant = model.plant(prompt(12));
            linear(model, plant);
            if (!limit.over()) {
                var arms = arms(model, plant);
                for (int i = 0; i < BATCHES.length && !limit.over(); i++) {
                    decode(BATCHES[i], arms, limit.share(BATCHES.length - i));
                }
            }
            report.value("memory_left", DeviceMemory.available(Devices.chosen()) / 1e9, "GB");
        }
        System.gc(); // the next shape may need the heap of this one's matrices
    }

    /** Returns other tokens each time, so that no prefix is cached. */
    private int[] prompt(int length) {
        return random.ints(length, 3, shape.vocabulary()).toArray();
    }

    /** Reports the median time, after a run that does not count. Two runs are made unless the shape's time is over. */
    private void milliseconds(String what, Runnable work) {
        var seconds = new ArrayList<Double>();
        var part = limit.share(PARTS);
        for (int i = 0; i <= ROUNDS && (i < 2 || !part.over()) && !limit.over(); i++) {
            seconds.add(Arms.seconds(work));
        }
        if (seconds.size() > 1) {
            report.value(what, 1e3 * median(seconds.subList(1, seconds.size())), "ms");
        }
    }

    private static double median(List<Double> values) {
        return Statistics.median(values.stream().mapToDouble(value -> value).toArray());
    }

    private void linear(LanguageModel model, PromptPlant plant) {
        int middle = model.horizon() / 2;
        var row = Vectors.row(plant.nominal().state(middle));
        milliseconds("jacobian_block", () -> plant.jacobian(middle));
        milliseconds("vjp_block", () -> plant.vjp(middle, row));
        if (!limit.over()) {
            int few = Math.min(FEW, model.horizon());
            List<DMatrixRMaj> some =
                    IntStream.range(0, few).mapToObj(plant::jacobian).toList();
            var system = LinearSystem.of(some, model.algebra(), few + " blocks");
            Lqr.solve(LinearSystem.of(some.subList(0, 1), model.algebra(), "a warm-up"), Bench.COST);
            report.value("riccati_block", 1e3 * Arms.seconds(() -> Lqr.solve(system, Bench.COST)) / few, "ms");
        }
    }

    /** Controllers of strength 0: the same products, and a text that does not depend on being steered. */
    private Map<String, Arm> arms(LanguageModel model, PromptPlant plant) {
        var setpoint = OnlineCost.setpoint(model);
        var arms = new LinkedHashMap<String, Arm>();
        var none = model.steered(Controller.none());
        var p = model.steered(Controller.proportionalFrom(setpoint, 1, 0).times(0));
        var addition = model.steered(Controller.spreadActAdd(setpoint, 0).times(0));
        var tracker = model.steered(tracker(plant, setpoint).times(0));
        arms.put(PLAIN, new Arm(none, Sampling.greedy()));
        arms.put("none_measured", new Arm(none.measuring(setpoint), Sampling.greedy()));
        arms.put("addition", new Arm(addition, Sampling.greedy()));
        arms.put("p_every_block", new Arm(p, Sampling.greedy()));
        arms.put("tracker_all_blocks", new Arm(tracker, Sampling.greedy()));
        arms.put(PLAIN + SAMPLED, new Arm(none, Sampling.paper()));
        arms.put("p_every_block" + SAMPLED, new Arm(p, Sampling.paper()));
        return arms;
    }

    private Controller tracker(PromptPlant plant, Setpoint setpoint) {
        var all = new double[plant.horizon() + 1];
        Arrays.fill(all, 1);
        var states = plant.nominal().rollout().states();
        long start = System.nanoTime();
        var tracker = FeatureTracker.of(plant, states, setpoint, all, 1, InputMatrix.everywhere());
        report.value("tracker_made", (System.nanoTime() - start) / 1e9, "s");
        return tracker;
    }

    /** Reports rates, and the cost of each arm beside the plain one of the same round; each round begins elsewhere. */
    private void decode(int batch, Map<String, Arm> arms, Limit share) {
        var prompts = Collections.nCopies(batch, prompt(12));
        int tokens = batch == 1 ? 48 : 24;
        var names = List.copyOf(arms.keySet());
        arms.values().forEach(arm -> write(arm, prompts, HEAD)); // a warm-up
        var rounds = new ArrayList<Map<String, Double>>();
        for (int round = 0; round < ROUNDS && (round < 1 || !share.over()) && !limit.over(); round++) {
            var seconds = new LinkedHashMap<String, Double>();
            for (int i = 0; i < names.size() && !limit.over(); i++) {
                var name = names.get((i + round) % names.size());
                seconds.put(name, secondsAToken(arms.get(name), prompts, tokens));
            }
            rounds.add(seconds); // of the arms that there was time for
        }
        report.value("decode_b" + batch + "_rounds", rounds.size(), "rounds");
        names.forEach(name -> rates(batch, name, rounds));
    }

    private void rates(int batch, String name, List<Map<String, Double>> rounds) {
        var seconds = rounds.stream()
                .filter(round -> round.containsKey(name))
                .map(round -> round.get(name))
                .toList();
        if (!seconds.isEmpty()) {
            report.value("decode_b" + batch + "_" + name, batch / median(seconds), "tok/s");
        }
        String base = name.endsWith(SAMPLED) && !name.equals(PLAIN + SAMPLED) ? PLAIN + SAMPLED : PLAIN;
        var added = rounds.stream()
                .filter(round -> round.containsKey(name) && round.containsKey(base))
                .map(round -> 100 * (round.get(name) / round.get(base) - 1))
                .toList();
        if (!name.equals(base) && !added.isEmpty()) {
            report.value("added_b" + batch + "_" + name + "_to_" + base, median(added), "%");
        }
    }

    private static double secondsAToken(Arm arm, List<int[]> prompts, int tokens) {
        double head = Arms.seconds(() -> write(arm, prompts, HEAD));
        double whole = Arms.seconds(() -> write(arm, prompts, HEAD + tokens));
        return (whole - head) / tokens;
    }

    private static void write(Arm arm, List<int[]> prompts, int tokens) {
        arm.view().generateOfTokens(prompts, tokens, arm.sampling()).forEach(text -> Bench.requireWhole(text, tokens));
    }
}
