package rudder.model;

import java.util.List;
import java.util.Locale;
import rudder.checkpoint.format.Progress;
import rudder.model.gradient.ContinuationGradient;
import rudder.model.memory.DeviceMemory;
import rudder.theory.Check;

/** Computes {@link LanguageModel#gradients} batch by batch. */
record Gradients(LanguageModel model) {

    /** Texts in one batch. */
    private static final int BATCH = 16;

    /** @param inputs u_k behind each block, [T][d], or null */
    void each(List<Continuation> texts, double[][] inputs, GradientReader reader) {
        if (inputs != null) {
            requireInputs(inputs);
        }
        Check.some("continuation", texts).forEach(text -> model.prompts().require(text.all(), 0));
        int longest = texts.stream().mapToInt(text -> text.all().length).max().orElseThrow();
        requireRoom(Math.min(BATCH, texts.size()), longest);
        var transformer = model.transformer();
        try (Progress job = Progress.of("Gradients of " + texts.size() + " texts", texts.size())) {
            for (int first = 0; first < texts.size(); first += BATCH) {
                var batch = texts.subList(first, Math.min(texts.size(), first + BATCH));
                transformer.lifetime.check(first, texts.size(), "texts");
                int begin = first;
                transformer.lifetime.during(() -> {
                    new ContinuationGradient(transformer)
                            .ofTokens(
                                    batch.stream().map(Continuation::all).toList(),
                                    batch.stream()
                                            .mapToInt(text -> text.tokens().length)
                                            .toArray(),
                                    inputs,
                                    (g, k) -> reader.read(begin, k, g));
                    return null;
                });
                job.advance(batch.size());
            }
        }
    }

    /** Computes {@link LanguageModel#meanGradient}. */
    double[][] mean(List<Continuation> texts, double[][] inputs) {
        var mean = new double[model.horizon()][model.dimension()];
        double share = 1.0
                / Check.some("continuation", texts).stream()
                        .mapToInt(text -> text.tokens().length)
                        .sum();
        each(texts, inputs, (first, k, rows) -> {
            for (int i = 0; i < rows.getNumElements(); i++) {
                mean[k][i % rows.numCols] += share * rows.data[i];
            }
        });
        return mean;
    }

    private void requireInputs(double[][] inputs) {
        Check.length("the inputs behind the blocks", inputs.length, model.horizon());
        for (int k = 0; k < inputs.length; k++) {
            Check.length("the input behind block " + k, inputs[k].length, model.dimension());
            Check.finite("the input behind block " + k, inputs[k]);
        }
    }

    /** States of all blocks, keys and values, and three copies of the widest activations of one block. */
    private void requireRoom(int texts, int tokens) {
        var plan = model.plan(1, tokens, texts);
        long states = (long) Float.BYTES * texts * tokens * model.dimension() * (model.horizon() + 1);
        long needed = plan.cache() + states + 3 * plan.passing();
        long available = DeviceMemory.available(model.transformer().manager.getDevice());
        if (needed > available) {
            throw new IllegalStateException(String.format(
                    Locale.ROOT,
                    "the gradients of %d texts of %d tokens take %.2f GB in %s, and %.2f GB are available: "
                            + "give shorter texts, or close other programs",
                    texts,
                    tokens,
                    needed / 1e9,
                    model.name(),
                    available / 1e9));
        }
    }
}
