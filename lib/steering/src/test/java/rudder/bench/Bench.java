package rudder.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import rudder.checkpoint.format.Progress;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.model.Sampling;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.Statistics;
import rudder.theory.bound.LyapunovFunction;
import rudder.theory.control.Controller;

/** {@code mvn -Pbench verify}: the figures that Rudder is judged by, on SmolLM2-135M-Instruct or another model. */
final class Bench {

    static final String MODEL = System.getProperty("bench.model", "SmolLM2-135M-Instruct");
    /** The figures only. */
    static final Progress.Display SILENT = new Progress.Display() {
        @Override
        public void show(Progress job, double fraction) {}

        @Override
        public void end(Progress job) {}
    };

    private static final String TWELVE_TOKENS = "Once upon a time there was a small village by the sea";
    private static final int FEW = 3; // blocks for plain Java, tokens behind a prefill
    private static final Sampling GREEDY = Sampling.greedy();

    private Bench() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        Progress.showOn(SILENT);
        var arms = new Arms(Path.of(args[0]));
        arms.report("quickstart_peak", quickstartPeak(), "MB");
        try (var model = LanguageModel.load(MODEL)) {
            int[] prompt = model.encode(TWELVE_TOKENS);
            var system = LinearSystem.of(model.meanJacobiansOfTokens(List.of(prompt)), model.algebra(), "one prompt");
            var cost = new QuadraticCost(.1, 10, 1);
            arms.in("s")
                    .arm("jacobians_12_tokens", () -> Arms.seconds(() -> model.meanJacobiansOfTokens(List.of(prompt))))
                    .run(5);
            guarantees(arms, system, cost);
            // strength 0: the same products, and a text that does not depend on being steered
            var controller = Controller.lqr(Lqr.solve(system, cost), anySetpoint(model));
            decode(arms, model, controller, 1, 24, 15);
            decode(arms, model, controller, 32, 8, 7);
            answers(arms, model);
            OnlineCost.measure(arms, model);
            Duel.measure(arms, model, TWELVE_TOKENS);
        }
        arms.write();
    }

    /**
     * Riccati, Lyapunov and the norms of all transitions through the engine; beside them plain Java on {@code FEW}
     * blocks, since all would take minutes. The first two cost as much for each block, the norms for each pair of
     * blocks.
     */
    private static void guarantees(Arms arms, LinearSystem system, QuadraticCost cost) {
        var few = LinearSystem.of(IntStream.range(system.horizon() - FEW, system.horizon())
                .mapToObj(system::jacobian)
                .toList());
        var engine = guarantees(arms, "", system, cost);
        arms.report(
                "riccati_lyapunov_norms",
                engine.values().stream().mapToDouble(seconds -> seconds).sum(),
                "s");
        var ejml = guarantees(arms, "_ejml_" + FEW + "_blocks", few, cost);
        var scale = List.of(blocks(system) / blocks(few), blocks(system) / blocks(few), pairs(system) / pairs(few))
                .iterator();
        arms.report(
                "riccati_lyapunov_norms_ejml_extrapolated",
                ejml.values().stream()
                        .mapToDouble(seconds -> seconds * scale.next())
                        .sum(),
                "s");
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

    /**
     * Tokens a second behind the prefill, whose time is that of a short text; and what steering costs, the median over
     * rounds of one round's ratio, since rounds differ by more than the cost.
     */
    private static void decode(
            Arms arms, LanguageModel model, Controller controller, int batch, int tokens, int rounds) {
        var names = List.of("decode_unsteered_b" + batch, "decode_steered_b" + batch);
        var models = List.of(
                model.steered(Controller.none()),
                model.steered(controller).measuring(controller.setpoint().orElseThrow()));
        var prompts = Collections.nCopies(batch, TWELVE_TOKENS);
        var few = new double[2][rounds];
        var all = new double[2][rounds];
        for (int round = -1; round < rounds; round++) {
            for (int i = 0; i < 2; i++) {
                var arm = models.get((i + round & 1) == 0 ? 0 : 1);
                double prefill = Arms.seconds(() -> arm.generate(prompts, FEW, GREEDY));
                double whole = Arms.seconds(() -> arm.generate(prompts, FEW + tokens, GREEDY));
                if (round >= 0) {
                    few[models.indexOf(arm)][round] = prefill;
                    all[models.indexOf(arm)][round] = whole;
                }
            }
        }
        for (int i = 0; i < 2; i++) {
            arms.report(
                    names.get(i), batch * tokens / (Statistics.median(all[i]) - Statistics.median(few[i])), "tok/s");
        }
        var cost = new double[rounds];
        Arrays.setAll(cost, round -> 100 * (all[1][round] / all[0][round] - 1));
        arms.report("steering_cost_b" + batch, Statistics.median(cost), "%");
    }

    /**
     * Forty answers to messages that are read anew, as when every token is steered, and to messages that another
     * controller's answers had already.
     */
    private static void answers(Arms arms, LanguageModel model) {
        var messages = IntStream.range(0, 40)
                .mapToObj(i -> "Name a town that has more than " + i + " bridges.")
                .toList();
        var free = model.steered(Controller.none());
        arms.in("s")
                .arm(
                        "answers_b40_read_anew",
                        () -> Arms.seconds(() -> free.atPositions(Positions.ALL).chatEach(messages, 16, GREEDY)))
                .arm("answers_b40_kept", () -> Arms.seconds(() -> free.chatEach(messages, 16, GREEDY)))
                .run(5);
    }

    private static Setpoint anySetpoint(LanguageModel model) {
        double[] direction = new double[model.dimension()];
        direction[0] = 1;
        return Setpoint.constant(model.horizon(), direction, 0);
    }

    /**
     * Peak resident memory of a fresh process that does what the quickstart notebook does, with the kernel's heap
     * limit.
     */
    private static double quickstartPeak() throws IOException, InterruptedException {
        Path out = Files.createTempFile("quickstart", ".txt");
        var process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx1g",
                        "-XX:+UseSerialGC",
                        "-Dai.djl.offline=true",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Quickstart.class.getName(),
                        MODEL)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        if (process.waitFor() != 0) {
            throw new IllegalStateException("the quickstart process failed:\n" + Files.readString(out));
        }
        var lines = Files.readAllLines(out);
        Files.delete(out);
        return Double.parseDouble(lines.get(lines.size() - 1));
    }
}
