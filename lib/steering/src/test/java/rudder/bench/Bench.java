package rudder.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.store.ModelStore;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.model.Sampling;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.bound.LyapunovFunction;
import rudder.theory.control.Controller;

/** {@code mvn -Pbench verify}: the figures that Rudder is judged by, on SmolLM2-135M-Instruct or another model. */
final class Bench {

    static final String MODEL = System.getProperty("bench.model", "SmolLM2-135M-Instruct");
    static final String PROMPT = "Once upon a time there was a small village by the sea";
    static final QuadraticCost COST = new QuadraticCost(.1, 10, 1);
    /** The figures only. */
    static final Progress.Display SILENT = new Progress.Display() {
        @Override
        public void show(Progress job, double fraction) {}

        @Override
        public void end(Progress job) {}
    };

    private static final String LARGE = "Qwen2.5-Coder-1.5B-Instruct";
    private static final int FEW = 3; // blocks for plain Java

    private Bench() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        Progress.showOn(SILENT);
        var arms = new Arms(Path.of(args[0]));
        Machine.describe(arms);
        try (var model = LanguageModel.load(MODEL);
                var peers = Peers.of(arms, MODEL, Peer.LLAMA, Peer.TRANSFORMERS)) {
            OnlineCost.measure(arms, model, peers);
            SetUp.jacobians(arms, model, peers);
            Growth.texts(arms, model, peers);
            SetUp.controllers(arms, model);
            Growth.contexts(arms, model, peers);
            guarantees(arms, model);
            answers(arms, model);
        }
        processes(arms);
        Growth.models(arms);
        Machine.load(arms, "after");
    }

    /** Reports what fresh processes take; the large model's only if its file is in the cache. */
    private static void processes(Arms arms) throws IOException, InterruptedException {
        for (var weights : List.of("packed", "float32")) {
            Quickstart.measure(arms, weights);
            Fresh.measure(arms, MODEL, weights);
        }
        if (Files.exists(ModelStore.cache().resolve("models").resolve(LARGE + ".gguf")) && !MODEL.equals(LARGE)) {
            Fresh.measure(arms, LARGE, "packed");
        }
    }

    /** Throws if a text ended early: a rate would count tokens that nobody wrote. */
    static void requireWhole(Completion completion, int tokens) {
        if (completion.tokens().length != tokens) {
            throw new IllegalStateException("the text ended after " + completion.tokens().length + " tokens, wanted "
                    + tokens + ": choose another prompt");
        }
    }

    /**
     * Reports Riccati, Lyapunov and the norms of all transitions through the engine; beside them plain Java on
     * {@code FEW} blocks, since all would take minutes. The first two cost as much for each block, the norms for each
     * pair of blocks.
     */
    private static void guarantees(Arms arms, LanguageModel model) {
        var prompt = model.encode(PROMPT);
        var system = LinearSystem.of(model.meanJacobiansOfTokens(List.of(prompt)), model.algebra(), "one prompt");
        var few = LinearSystem.of(IntStream.range(system.horizon() - FEW, system.horizon())
                .mapToObj(system::jacobian)
                .toList());
        var engine = guarantees(arms, "", system);
        arms.report(
                "riccati_lyapunov_norms",
                engine.values().stream().mapToDouble(seconds -> seconds).sum(),
                "s");
        var ejml = guarantees(arms, "_ejml_" + FEW + "_blocks", few);
        var scale = List.of(blocks(system) / blocks(few), blocks(system) / blocks(few), pairs(system) / pairs(few))
                .iterator();
        arms.report(
                "riccati_lyapunov_norms_ejml_extrapolated",
                ejml.values().stream()
                        .mapToDouble(seconds -> seconds * scale.next())
                        .sum(),
                "s");
    }

    private static Map<String, Double> guarantees(Arms arms, String suffix, LinearSystem system) {
        var solution = Lqr.solve(system, COST);
        var lyapunov = LyapunovFunction.of(solution.closedLoop());
        return arms.in("s")
                .arm("riccati" + suffix, () -> Arms.seconds(() -> Lqr.solve(system, COST)))
                .arm("lyapunov" + suffix, () -> Arms.seconds(() -> LyapunovFunction.of(solution.closedLoop())))
                .arm("transition_norms" + suffix, () -> Arms.seconds(lyapunov::transitionNorms))
                .run(3)
                .medians();
    }

    private static double blocks(LinearSystem system) {
        return system.horizon();
    }

    private static double pairs(LinearSystem system) {
        return system.horizon() * (system.horizon() + 1) / 2.0;
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
                        () -> Arms.seconds(
                                () -> free.atPositions(Positions.ALL).chatEach(messages, 16, Sampling.greedy())))
                .arm("answers_b40_kept", () -> Arms.seconds(() -> free.chatEach(messages, 16, Sampling.greedy())))
                .run(5);
    }
}
