package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import rudder.checkpoint.tokenizer.TextStream;
import rudder.checkpoint.tokenizer.Tokenizer;
import rudder.model.engine.Overflow;
import rudder.model.engine.Sampler;
import rudder.model.transformer.DeviceLaws;
import rudder.model.transformer.KvCache;
import rudder.model.transformer.PaddedTokens;
import rudder.model.transformer.SteeredPass;
import rudder.model.transformer.Transformer;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/** Generates one batch of texts: a prefill, then one token each per pass. Steers and measures at every pass. */
final class Generation {

    private final LanguageModel model;
    private final Transformer transformer;
    private final Tokenizer tokenizer;
    private final List<Prompt> prompts;
    private final int maxTokens;
    private final Row[] rows;
    private final NDArray directions; // [T + 1, d, 1], null where nothing is measured

    /** One text: the tokens generated so far, and the measurements of each pass. */
    private static final class Row {
        final int[] tokens;
        final Sampler sampler;
        final TextStream stream;
        final StringBuilder generated = new StringBuilder();
        final List<double[]> strengths = new ArrayList<>();
        final List<double[]> energies = new ArrayList<>();
        int length;
        boolean ended;

        Row(int[] prompt, int maxTokens, Sampler sampler, TextStream stream) {
            tokens = new int[maxTokens];
            sampler.accept(prompt);
            this.sampler = sampler;
            this.stream = stream;
        }
    }

    /**
     * @param draws the number of each text in the whole list. The sampler's seed depends on it, so that batches of any
     *     size give the same tokens
     */
    Generation(
            NDManager scope,
            LanguageModel model,
            List<Prompt> prompts,
            IntUnaryOperator draws,
            int maxTokens,
            Sampling sampling,
            Setpoint measured) {
        this.model = model;
        transformer = model.transformer();
        tokenizer = model.tokenizer();
        this.prompts = prompts;
        this.maxTokens = maxTokens;
        rows = new Row[prompts.size()];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = new Row(
                    prompts.get(i).tokens(), maxTokens, sampling.sampler(draws.applyAsInt(i)), tokenizer.stream());
        }
        directions = measured == null ? null : upload(scope, measured);
    }

    private NDArray upload(NDManager scope, Setpoint measured) {
        double[][] v = new double[measured.horizon() + 1][];
        Arrays.setAll(v, measured::direction);
        return transformer.rows(scope, v).expandDims(2);
    }

    /**
     * Generates up to {@code maxTokens} tokens for each prompt.
     *
     * @param laws for the prompts' last tokens, and for all generated tokens if {@code anew} is null
     * @param anew makes the laws for the next generated tokens from their plants; may be null
     * @param onText receives the first row's text, in whole characters
     */
    List<Completion> run(
            DeviceLaws laws,
            Function<List<PromptPlant>, DeviceLaws> anew,
            Positions positions,
            List<String> controllers,
            Consumer<String> onText) {
        var padded = PaddedTokens.of(prompts.stream().map(Prompt::tokens).toList());
        var pass = SteeredPass.of(
                laws,
                prompts.stream()
                        .map(prompt -> positions.ofPrompt(
                                prompt.tokens().length, positions.usesRoles() ? prompt.roles() : null))
                        .toList());
        try (KvCache cache = transformer.cache(padded.pads(), padded.columns() + maxTokens)) {
            int[][] next = pass.earlier() ? padded.tokens() : model.prefixes().read(padded, cache);
            next = step(0, next, cache, pass, onText);
            for (int step = 1; step < maxTokens && next != null; step++) {
                transformer.lifetime.check(step, maxTokens, "tokens");
                var steered = generated(positions, step - 1);
                if (anew == null || steered.stream().noneMatch(row -> row[0])) {
                    next = step(step, next, cache, SteeredPass.of(laws, steered), onText);
                } else {
                    try (DeviceLaws own = anew.apply(plants(next, cache))) {
                        next = step(step, next, cache, SteeredPass.of(own, steered), onText);
                    }
                }
            }
        }
        var completions = new ArrayList<Completion>();
        for (int i = 0; i < rows.length; i++) {
            Row row = rows[i];
            String rest = row.stream.finish();
            row.generated.append(rest);
            if (i == 0) {
                onText.accept(rest);
            }
            completions.add(new Completion(
                    prompts.get(i).text(),
                    row.generated.toString(),
                    prompts.get(i).tokens(),
                    Arrays.copyOf(row.tokens, row.length),
                    row.ended,
                    controllers.get(i),
                    positions,
                    row.strengths.toArray(double[][]::new),
                    row.energies.toArray(double[][]::new)));
        }
        return completions;
    }

    /** Returns whether each row's generated token of this index is steered, [B][1]. */
    private List<boolean[]> generated(Positions positions, int index) {
        return prompts.stream()
                .map(prompt ->
                        new boolean[] {positions.ofGenerated(prompt.tokens().length, index, prompt.chat() != null)})
                .toList();
    }

    /** The plants of the next tokens: what is cached makes them, and their nominal run is the unsteered one. */
    private List<PromptPlant> plants(int[][] next, KvCache cache) {
        var plants = new ArrayList<PromptPlant>();
        double[][] first = transformer.embeddings(
                Arrays.stream(next).mapToInt(row -> row[0]).toArray());
        for (int i = 0; i < rows.length; i++) {
            int[] tokens = new int
                    [cache.columns() - cache.pads[i] + 1]; // as many as there are: a plant asks for the position alone
            tokens[tokens.length - 1] = next[i][0];
            float[][] keys = cache.keysBefore(cache.columns(), i);
            float[][] values = cache.valuesBefore(cache.columns(), i);
            var at = new ResidualTrace(tokens, new Rollout(new double[][] {first[i]}, new double[0][]));
            var unsteered = Rollout.of(new PromptPlant(transformer, at, keys, values), Controller.none(), first[i]);
            plants.add(new PromptPlant(transformer, new ResidualTrace(tokens, unsteered), keys, values));
        }
        return plants;
    }

    /** Runs one pass and chooses a token for each row. Returns the next pass's tokens; null if every row has ended. */
    private int[][] step(int step, int[][] tokens, KvCache cache, SteeredPass pass, Consumer<String> onText) {
        try (NDManager scope = transformer.manager.newSubManager()) {
            var trace = new Transformer.Trace();
            NDArray x = transformer.run(scope, tokens, cache, pass.laws(), pass.everyToken(), trace);
            NDArray logits = transformer.lastLogits(x); // [B, vocabulary]
            float[] all = logits.toType(DataType.FLOAT32, false).toFloatArray();
            int vocabulary = all.length / rows.length;
            double[][] strengths = strengths(trace.states());
            double[][] energies = energies(trace);
            if (pass.laws() != null) {
                String where = "at generated token " + (step + 1);
                Overflow.refuse(energies, where);
                Overflow.refuse(x, where);
            }
            int[][] next = new int[rows.length][1];
            boolean open = false;
            for (int i = 0; i < rows.length; i++) {
                Row row = rows[i];
                if (row.ended) {
                    continue;
                }
                int token = row.sampler.next(all, i * vocabulary, vocabulary);
                row.tokens[row.length++] = token;
                next[i][0] = token;
                if (strengths != null) {
                    row.strengths.add(strengths[i]);
                }
                row.energies.add(energies[i]);
                row.ended = tokenizer.stopTokens().contains(token);
                open |= !row.ended;
                if (!row.ended) {
                    String piece = row.stream.accept(token);
                    row.generated.append(piece);
                    if (i == 0) {
                        onText.accept(piece);
                    }
                }
            }
            return open ? next : null;
        }
    }

    /** Returns v_k.z_k, [B][T + 1], or null where nothing is measured. */
    private double[][] strengths(List<NDArray> states) {
        if (directions == null) {
            return null;
        }
        NDArray z = stack(states); // [T + 1, B, d]
        return Transformer.toRows(z.batchMatMul(directions).squeeze(2).transpose()); // [B, T + 1]
    }

    /** Returns |u_k|^2, [B][T]; inputs on heads count as they reach the residual stream. */
    private double[][] energies(Transformer.Trace trace) {
        double[][] energies = new double[rows.length][trace.inputs().size()];
        for (var inputs : List.of(trace.inputs(), trace.mixed())) {
            int[] blocks = IntStream.range(0, inputs.size())
                    .filter(k -> inputs.get(k) != null)
                    .toArray();
            if (blocks.length > 0) {
                double[][] squares = Transformer.toRows(
                        stack(IntStream.of(blocks).mapToObj(inputs::get).toList())
                                .square()
                                .sum(new int[] {2})
                                .transpose());
                for (int i = 0; i < energies.length; i++) {
                    for (int at = 0; at < blocks.length; at++) {
                        energies[i][blocks[at]] += squares[i][at];
                    }
                }
            }
        }
        return energies;
    }

    private static NDArray stack(List<NDArray> arrays) {
        return ai.djl.ndarray.NDArrays.stack(new NDList(arrays), 0);
    }
}
