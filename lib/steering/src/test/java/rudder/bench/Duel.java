package rudder.bench;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.store.ModelStore;
import rudder.model.LanguageModel;
import rudder.model.Sampling;

/**
 * Rudder beside other programs with the same file: every round runs each of them once, in turn. Peers are those that
 * the system properties name: {@code peers.python}, a Python with torch, transformers, accelerate and gguf, and {@code peers.node},
 * a folder with node-llama-cpp. Without peers only Rudder's figures are reported. {@code Duel FILE} measures this
 * alone.
 */
final class Duel {

    private static final int FEW = 3; // tokens of the short text, whose time is taken off
    private static final int ROUNDS = 5;
    private static final int THREADS = 2;

    private final Arms arms;
    private final LanguageModel model;
    private final List<Peer> peers;
    private final int[] prompt;

    private Duel(Arms arms, LanguageModel model, List<Peer> peers, String prompt) {
        this.arms = arms;
        this.model = model;
        this.peers = peers;
        this.prompt = model.encode(prompt);
    }

    public static void main(String[] args) throws IOException {
        Progress.showOn(Bench.SILENT);
        var arms = new Arms(Path.of(args[0]));
        try (var model = LanguageModel.load(Bench.MODEL)) {
            measure(arms, model, "Once upon a time there was a small village by the sea");
        }
        arms.write();
    }

    static void measure(Arms arms, LanguageModel model, String prompt) throws IOException {
        var peers = new ArrayList<Peer>();
        try {
            Path file = ModelStore.fetch(model.name()).path();
            var python = System.getProperty("peers.python", "");
            var node = System.getProperty("peers.node", "");
            if (!python.isBlank()) {
                peers.add(Peer.transformers(python, file, THREADS));
            }
            if (!node.isBlank()) {
                peers.add(Peer.llama(Path.of(node), file, THREADS));
            }
            var duel = new Duel(arms, model, peers, prompt);
            peers.forEach(
                    peer -> arms.report("load_" + peer.name(), peer.loaded().seconds(), "s"));
            duel.jacobians();
            for (int batch : new int[] {1, 2, 4, 8, 16, 32, 64, 128}) {
                duel.decode("decode_b" + batch, duel.prompt, batch, batch == 1 ? 24 : 8);
            }
            for (int length : new int[] {128, 512, 1000, 2000}) {
                duel.decode("decode_context" + length, duel.repeated(length), 1, 8);
            }
            peers.forEach(peer -> arms.report(
                    "peak_" + peer.name(), peer.decode(duel.prompt, 1, 1).megabytes(), "MB"));
        } finally {
            peers.forEach(Peer::close);
        }
    }

    /** Tokens a second behind the prompt, and Rudder's as a multiple of each peer's. */
    private void decode(String name, int[] ids, int batch, int tokens) {
        var prompts = Collections.nCopies(batch, ids);
        var group = arms.in("tok/s")
                .arm(
                        name + "_rudder",
                        () -> rate(
                                batch,
                                tokens,
                                n -> Arms.seconds(() -> model.generateOfTokens(prompts, n, Sampling.greedy()))));
        for (var peer : peers) {
            group.arm(
                    name + "_" + peer.name(),
                    () -> rate(batch, tokens, n -> peer.decode(ids, batch, n).seconds()));
        }
        var medians = group.run(ROUNDS);
        for (var peer : peers) {
            arms.report(
                    name + "_ratio_" + peer.name(),
                    medians.get(name + "_rudder") / medians.get(name + "_" + peer.name()),
                    "x");
        }
    }

    private static double rate(int batch, int tokens, IntToDoubleFunction seconds) {
        double few = seconds.applyAsDouble(FEW);
        return batch * tokens / (seconds.applyAsDouble(FEW + tokens) - few);
    }

    /** All blocks' Jacobians of the prompt, beside a float32 product's speed and the reference's hook. */
    private void jacobians() {
        var group = arms.in("s")
                .arm("jacobians_rudder", () -> Arms.seconds(() -> model.meanJacobiansOfTokens(List.of(prompt))));
        peers.stream()
                .filter(peer -> peer.name().equals("transformers"))
                .forEach(peer ->
                        group.arm("jacobians_hook", () -> peer.jacobians(prompt).seconds()));
        var medians = group.run(ROUNDS);
        if (medians.containsKey("jacobians_hook")) {
            arms.report("jacobians_ratio_hook", medians.get("jacobians_hook") / medians.get("jacobians_rudder"), "x");
        }
        arms.in("GFLOP/s").arm("float32_peak", Duel::peak).run(ROUNDS);
    }

    /** GFLOP/s of a product of two square float32 matrices. */
    private static double peak() {
        int n = 1024;
        try (var manager = NDManager.newBaseManager()) {
            var a = manager.ones(new Shape(n, n), DataType.FLOAT32);
            return 2e-9 * n * n * n / Arms.seconds(() -> a.matMul(a).getFloat(0, 0));
        }
    }

    private int[] repeated(int length) {
        var ids = new int[length];
        for (int i = 0; i < length; i++) {
            ids[i] = prompt[i % prompt.length];
        }
        return ids;
    }
}
