package rudder.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import rudder.model.Job;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.SteeredModel;
import rudder.theory.Controller;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.LyapunovFunction;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;

/** {@code mvn -Pbench verify}: the figures that Rudder is judged by, on SmolLM2-135M-Instruct. */
final class Bench {

    private static final String MODEL = "SmolLM2-135M-Instruct";
    private static final String TWELVE_TOKENS = "Once upon a time there was a small village by the sea";
    private static final int FEW = 3;                      // blocks for plain Java
    private static final Sampling GREEDY = Sampling.greedy();

    private Bench() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        Job.showOn(new Job.Display() {                     // the figures only
            @Override
            public void show(Job job, double fraction) {}

            @Override
            public void end(Job job) {}
        });
        var arms = new Arms(Path.of(args[0]));
        arms.report("quickstart_peak", quickstartPeak(), "MB");
        try (var model = LanguageModel.load(MODEL)) {
            int[] prompt = model.encode(TWELVE_TOKENS);
            var system = LinearSystem.of(model.meanJacobiansOf(List.of(prompt)), model.algebra(), "one prompt");
            var cost = new QuadraticCost(.1, 10, 1);
            arms.in("s").arm("jacobians_12_tokens", () -> Arms.seconds(() -> model.meanJacobiansOf(List.of(prompt)))).run(5);
            guarantees(arms, system, cost);
            // strength 0: the same products, and a text that does not depend on being steered
            var controller = Controller.lqr(Lqr.solve(system, cost), anySetpoint(model));
            decode(arms, model, controller, 1, 32, 7);
            decode(arms, model, controller, 32, 8, 5);
        }
        arms.write();
    }

    /**
     * Riccati, Lyapunov and the norms of all transitions through the engine; beside them plain Java on {@code FEW} blocks, since all would take minutes. The
     * first two cost as much for each block, the norms for each pair of blocks.
     */
    private static void guarantees(Arms arms, LinearSystem system, QuadraticCost cost) {
        var few = LinearSystem.of(IntStream.range(system.horizon() - FEW, system.horizon()).mapToObj(system::jacobian).toList());
        var engine = guarantees(arms, "", system, cost);
        arms.report("riccati_lyapunov_norms", engine.values().stream().mapToDouble(seconds -> seconds).sum(), "s");
        var ejml = guarantees(arms, "_ejml_" + FEW + "_blocks", few, cost);
        var scale = List.of(blocks(system) / blocks(few), blocks(system) / blocks(few), pairs(system) / pairs(few)).iterator();
        arms.report("riccati_lyapunov_norms_ejml_extrapolated", ejml.values().stream().mapToDouble(seconds -> seconds * scale.next()).sum(), "s");
    }

    private static Map<String, Double> guarantees(Arms arms, String suffix, LinearSystem system, QuadraticCost cost) {
        var solution = Lqr.solve(system, cost);
        var lyapunov = LyapunovFunction.of(solution.closedLoop());
        return arms.in("s")
                .arm("riccati" + suffix, () -> Arms.seconds(() -> Lqr.solve(system, cost)))
                .arm("lyapunov" + suffix, () -> Arms.seconds(() -> LyapunovFunction.of(solution.closedLoop())))
                .arm("transition_norms" + suffix, () -> Arms.seconds(lyapunov::transitionNorms))
                .run(3);
    }

    private static double blocks(LinearSystem system) {
        return system.horizon();
    }

    private static double pairs(LinearSystem system) {
        return system.horizon() * (system.horizon() + 1) / 2.0;
    }

    private static void decode(Arms arms, LanguageModel model, Controller controller, int batch, int tokens, int rounds) {
        var plain = model.steered(Controller.none());
        var steered = model.steered(controller).measuring(controller.setpoint().orElseThrow());
        var prompts = Collections.nCopies(batch, TWELVE_TOKENS);
        var medians = arms.in("tok/s")
                .arm("decode_unsteered_b" + batch, () -> rate(plain, prompts, tokens))
                .arm("decode_steered_b" + batch, () -> rate(steered, prompts, tokens))
                .run(rounds);
        arms.report("steering_cost_b" + batch, 100 * (medians.get("decode_unsteered_b" + batch) / medians.get("decode_steered_b" + batch) - 1), "%");
    }

    /** Tokens a second, prefill excluded: the time of {@code tokens} more tokens after the same prompt. */
    private static double rate(SteeredModel model, List<String> prompts, int tokens) {
        double few = Arms.seconds(() -> model.generate(prompts, 4, GREEDY));
        double all = Arms.seconds(() -> model.generate(prompts, 4 + tokens, GREEDY));
        return prompts.size() * tokens / (all - few);
    }

    private static Setpoint anySetpoint(LanguageModel model) {
        double[] direction = new double[model.dimension()];
        direction[0] = 1;
        return Setpoint.constant(model.horizon(), direction, 0);
    }

    /** Peak resident memory of a fresh process that does what the quickstart notebook does, with the kernel's heap limit. */
    private static double quickstartPeak() throws IOException, InterruptedException {
        Path out = Files.createTempFile("quickstart", ".txt");
        var process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx1g", "-Dai.djl.offline=true",
                "-cp", System.getProperty("java.class.path"), Quickstart.class.getName(), MODEL).redirectErrorStream(true).redirectOutput(out.toFile()).start();
        if (process.waitFor() != 0) {
            throw new IllegalStateException("the quickstart process failed:\n" + Files.readString(out));
        }
        var lines = Files.readAllLines(out);
        Files.delete(out);
        return Double.parseDouble(lines.get(lines.size() - 1));
    }
}
