package rudder.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.memory.MemoryPlan;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.InputMatrix;

/**
 * One steered token at the size of one of the paper's models, with random weights: {@code Scale FOLDER [MODEL]} writes
 * the checkpoint into the folder, which must not be there and is deleted afterwards, loads it, and steers. Prints
 * seconds and the peak of resident memory.
 */
final class Scale {

    private static final int[] PROMPT = {2, 1000, 7, 512, 90};

    private Scale() {}

    public static void main(String[] args) throws IOException {
        var folder = Path.of(args[0]);
        var name = args.length > 1 ? args[1] : "Gemma-2-2B";
        var shape = ModelShape.paper().stream()
                .filter(one -> one.name().equals(name))
                .findFirst()
                .orElseThrow();
        if (Files.exists(folder)) {
            throw new IllegalArgumentException(folder + " is there already; wanted a folder to make and delete");
        }
        System.out.println(MemoryPlan.of(shape, 1, PROMPT.length + 1, 1));
        try {
            timed("write", () -> RandomCheckpoint.write(folder, shape, 1));
            try (var model = timed("load, with its checksum", () -> LanguageModel.load(folder.toString()))) {
                steer(model);
            }
        } finally {
            for (var file : List.of("config.json", "model.safetensors", "")) {
                Files.deleteIfExists(folder.resolve(file));
            }
        }
    }

    private static void steer(LanguageModel model) throws IOException {
        int T = model.horizon();
        var plant = timed("trace", () -> model.plant(PROMPT));
        var states = plant.nominal().rollout().states();
        timed("one block's Jacobian", () -> plant.jacobian(T / 2));
        timed("one block's product with a vector", () -> plant.vjp(T / 2, new DMatrixRMaj(new double[][] {states[0]})));
        var setpoint = aboutNominal(states);
        var last = new double[T + 1];
        last[T] = 1;
        var tracker = timed(
                "feature tracker",
                () -> FeatureTracker.of(plant, states, setpoint, last, 1e-3, InputMatrix.everywhere()));
        var plain = timed("one token", () -> model.steered(Controller.none())
                .measuring(setpoint)
                .generateOfTokens(List.of(PROMPT), 1, Sampling.greedy())
                .get(0));
        var steered = timed("one steered token", () -> model.steered(tracker)
                .generateOfTokens(List.of(PROMPT), 1, Sampling.greedy())
                .get(0));
        System.out.printf(
                "strength at the last state: %.4g, asked %.4g, reached %.4g%n",
                plain.strengths()[0][T], setpoint.target(T), steered.strengths()[0][T]);
    }

    /**
     * A random direction at every block, and as target a tenth of the state's length more than the unsteered run has.
     */
    private static Setpoint aboutNominal(double[][] states) {
        var random = new Random(1);
        var direction = random.doubles(states[0].length, -1, 1).toArray();
        double length = Math.sqrt(Arrays.stream(direction).map(x -> x * x).sum());
        var unit = Arrays.stream(direction).map(x -> x / length).toArray();
        var directions = new double[states.length][];
        Arrays.fill(directions, unit);
        var gaps = new double[states.length];
        var offsets = new double[states.length];
        for (int k = 0; k < states.length; k++) {
            for (int i = 0; i < unit.length; i++) {
                offsets[k] += unit[i] * states[k][i];
                gaps[k] += states[k][i] * states[k][i] / 100;
            }
            gaps[k] = Math.sqrt(gaps[k]);
        }
        return Setpoint.of(directions, gaps, offsets, 1, "random");
    }

    private interface Act<R> {
        R run() throws IOException;
    }

    private static <R> R timed(String what, Act<R> act) throws IOException {
        long start = System.nanoTime();
        R result = act.run();
        System.out.printf(
                "%8.2f s  %-36s resident %.2f GB, at most %.2f GB%n",
                (System.nanoTime() - start) / 1e9, what, Machine.memory("VmRSS") / 1e9, Machine.memory("VmHWM") / 1e9);
        return result;
    }
}
