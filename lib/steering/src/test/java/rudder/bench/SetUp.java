package rudder.bench;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.util.List;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.store.ModelStore;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.steer.PromptSet;
import rudder.theory.Lqr;
import rudder.theory.control.Controller;

/**
 * What is computed before a model is steered: Jacobians of one prompt and of several, beside the arithmetic's limit and
 * the reference's hook; and whole set-ups of a regulator and of a tracker.
 */
final class SetUp {

    private static final int ROUNDS = 7;
    private static final int SEVERAL = 8; // prompts of one mean
    private static final int MANY = 50; // prompts of a regulator
    private static final int SIDE = 1024; // of the product that measures the arithmetic's limit
    private static final int PRODUCTS = 20;

    private SetUp() {}

    /** Reports Jacobians of one prompt and of several. */
    static void jacobians(Arms arms, LanguageModel model, Peers peers) throws IOException {
        int[] prompt = model.encode(Bench.PROMPT);
        double flops = flops(model);
        arms.report("jacobians_arithmetic", flops / 1e9, "GFLOP");
        var one = "jacobians_one_prompt";
        arms.in("s")
                .arm(one, () -> Arms.seconds(() -> model.meanJacobiansOfTokens(List.of(prompt))))
                .arm("jacobians_at_the_peak", () -> flops / peak())
                .run(ROUNDS)
                .ratio("ratio_jacobians_to_the_peak", one, "jacobians_at_the_peak");
        for (var peer : peers.named(Peer.TRANSFORMERS)) { // takes minutes: one round
            arms.in("s")
                    .arm(
                            "jacobians_beside_the_hook",
                            () -> Arms.seconds(() -> model.meanJacobiansOfTokens(List.of(prompt))))
                    .arm("jacobians_hook", () -> peer.jacobians(prompt).seconds())
                    .run(0, 1)
                    .ratio("ratio_hook_to_jacobians", "jacobians_hook", "jacobians_beside_the_hook");
        }
        var prompts = PromptSet.read("../../data/prompts/openings.csv").some(SEVERAL).stream()
                .map(model::encode)
                .toList();
        arms.in("s/prompt")
                .arm(
                        "jacobians_mean_of_" + SEVERAL,
                        () -> Arms.seconds(() -> model.meanJacobiansOfTokens(prompts)) / SEVERAL)
                .arm(
                        "jacobians_single",
                        () -> Arms.seconds(() -> prompts.forEach(each -> model.meanJacobiansOfTokens(List.of(each))))
                                / SEVERAL)
                .run(0, 3)
                .ratio("ratio_jacobians_single_to_mean", "jacobians_single", "jacobians_mean_of_" + SEVERAL);
    }

    /** Reports the features of a contrast set with a regulator's Jacobians at many prompts, and with a tracker. */
    static void controllers(Arms arms, LanguageModel model) throws IOException {
        var ocean = ContrastSet.read("../../data/concepts/ocean.csv");
        var prompts = PromptSet.read("../../data/prompts/openings.csv").some(MANY);
        arms.in("s")
                .arm("set_up_features", () -> Arms.seconds(() -> Features.contrast(model, ocean)))
                .arm(
                        "set_up_a_lqr_" + MANY + "_prompts",
                        () -> Arms.seconds(() -> {
                            var target = Features.contrast(model, ocean).setpoint(1);
                            Controller.lqr(Lqr.solve(Linearisation.mean(model, prompts), Bench.COST), target);
                        }))
                .arm(
                        "set_up_tracker",
                        () -> Arms.seconds(() -> OnlineCost.tracker(
                                model, Features.contrast(model, ocean).setpoint(1), Bench.PROMPT)))
                .run(0, 2);
    }

    /** Returns 2 T d^2 (f + h w + d), the operations of all blocks' Jacobians but for terms of lower order. */
    private static double flops(LanguageModel model) throws IOException {
        double d = model.dimension();
        try (var file = Checkpoint.open(ModelStore.fetch(model.name()).path())) {
            return 2 * model.horizon() * d * d * (file.config().feedForward() + model.headsWidth() + d);
        }
    }

    /** Returns operations a second in products of two square float32 matrices on the engine. */
    private static double peak() {
        try (var manager = NDManager.newBaseManager()) {
            var a = manager.ones(new Shape(SIDE, SIDE), DataType.FLOAT32);
            a.matMul(a).getFloat(0, 0);
            return PRODUCTS
                    * 2.0
                    * SIDE
                    * SIDE
                    * SIDE
                    / Arms.seconds(() -> {
                        for (int i = 0; i < PRODUCTS; i++) {
                            try (var product = a.matMul(a)) {
                                product.getFloat(0, 0);
                            }
                        }
                    });
        }
    }
}
