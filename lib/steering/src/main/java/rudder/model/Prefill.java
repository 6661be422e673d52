package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.engine.Overflow;
import rudder.model.engine.PaddedTokens;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.model.transformer.DeviceLaws;
import rudder.model.transformer.KvCache;
import rudder.model.transformer.Transformer;
import rudder.theory.control.Rollout;

/**
 * Reads prompts in batches and collects traces, plants, head outputs or logits at their last tokens.
 *
 * @param positions the tokens that laws steer
 */
record Prefill(LanguageModel model, Positions positions) {

    /**
     * Streams the prompts' traces; computes a batch at a time, when it is read.
     *
     * @param spans of each prompt, whose states are averaged; null for the last tokens
     * @param laws makes the laws of the prompts first..end-1, which are closed here
     */
    Stream<ResidualTrace> traces(
            List<int[]> prompts, List<TokenSpan> spans, BiFunction<Integer, Integer, DeviceLaws> laws) {
        return inBatches(prompts.size(), (first, end) -> {
                    var batch = prompts.subList(first, end);
                    var traces = new ArrayList<ResidualTrace>();
                    return model.transformer().lifetime.during(() -> {
                        try (DeviceLaws own = laws.apply(first, end)) {
                            Then collect = (trace, cache, x) -> traces.addAll(traces(batch, trace));
                            run(batch, own, new Transformer.Trace(weights(prompts, spans, first, end)), collect);
                        }
                        return traces;
                    });
                })
                .flatMap(List::stream);
    }

    /** Returns the plants that prompts make of the unsteered model. */
    List<PromptPlant> plants(List<int[]> prompts) {
        var plants = new ArrayList<PromptPlant>();
        inBatches(prompts.size(), prompts::subList)
                .forEach(batch -> run(batch, null, new Transformer.Trace(), (trace, cache, x) -> {
                    var traces = traces(batch, trace);
                    int last = cache.columns() - 1;
                    for (int i = 0; i < traces.size(); i++) {
                        plants.add(new PromptPlant(
                                model.transformer(),
                                traces.get(i),
                                cache.keysBefore(last, i),
                                cache.valuesBefore(last, i)));
                    }
                }));
        return plants;
    }

    /** Returns the unsteered model's {@link LanguageModel#headOutputs}, [prompt][T][h w]. */
    double[][][] heads(List<int[]> prompts, List<TokenSpan> spans) {
        var heads = new ArrayList<double[][]>();
        Then collect = (trace, cache, x) -> {
            var byBlock = trace.heads().stream().map(Transformer::toRows).toList();
            IntStream.range(0, byBlock.get(0).length)
                    .forEach(
                            i -> heads.add(byBlock.stream().map(rows -> rows[i]).toArray(double[][]::new)));
        };
        inBatches(prompts.size(), (first, end) -> Transformer.Trace.withHeads(weights(prompts, spans, first, end)))
                .forEach(trace -> {
                    int first = heads.size();
                    run(
                            prompts.subList(first, Math.min(prompts.size(), first + SteeredModel.BATCH)),
                            null,
                            trace,
                            collect);
                });
        return heads.toArray(double[][][]::new);
    }

    /** Returns the next-token logits after a prompt, [vocabulary]. */
    float[] logits(int[] prompt, DeviceLaws laws) {
        var out = new float[1][];
        Then keep = (trace, cache, x) -> {
            NDArray logits = model.transformer().lastLogits(x);
            out[0] = logits.toType(DataType.FLOAT32, false).toFloatArray();
        };
        run(List.of(prompt), laws, null, keep);
        return out[0];
    }

    /** Streams the results of batches first..end-1; computes each when it is read. */
    private static <R> Stream<R> inBatches(int size, BiFunction<Integer, Integer, R> made) {
        return IntStream.iterate(0, first -> first < size, first -> first + SteeredModel.BATCH)
                .mapToObj(first -> made.apply(first, Math.min(size, first + SteeredModel.BATCH)));
    }

    /** Returns 1 / n at the n tokens of each span, in the columns of prompts first..end-1; null without spans. */
    private static double[][] weights(List<int[]> prompts, List<TokenSpan> spans, int first, int end) {
        if (spans == null) {
            return null;
        }
        var padded = PaddedTokens.of(prompts.subList(first, end));
        var weights = new double[end - first][padded.columns()];
        for (int i = 0; i < weights.length; i++) {
            int pad = padded.pads()[i];
            var span = spans.get(first + i);
            Arrays.fill(weights[i], pad + span.from(), pad + span.end(), 1.0 / span.length());
        }
        return weights;
    }

    private interface Then {
        /** @param x the residual stream that leaves the last block [B, L, d] */
        void accept(Transformer.Trace trace, KvCache cache, NDArray x);
    }

    private void run(List<int[]> prompts, DeviceLaws laws, Transformer.Trace trace, Then then) {
        prompts.forEach(prompt -> model.requireTokens(prompt, 0));
        model.transformer().lifetime.during(() -> {
            runOpen(prompts, laws, trace, then);
            return null;
        });
    }

    private void runOpen(List<int[]> prompts, DeviceLaws laws, Transformer.Trace trace, Then then) {
        Transformer transformer = model.transformer();
        var padded = PaddedTokens.of(prompts);
        var pass = positions.pass(laws, prompts);
        try (NDManager scope = transformer.manager.newSubManager();
                KvCache cache = transformer.cache(padded.pads(), padded.columns())) {
            int[][] unread = pass.earlier() ? padded.tokens() : model.prefixes().readCommonPrefix(padded, cache);
            NDArray x = transformer.run(scope, unread, cache, pass.laws(), pass.everyToken(), trace);
            if (pass.laws() != null) {
                Overflow.refuse(x, "in a prompt");
            }
            then.accept(trace, cache, x);
        }
    }

    private List<ResidualTrace> traces(List<int[]> prompts, Transformer.Trace trace) {
        int horizon = model.horizon();
        var states = new double[prompts.size()][horizon + 1][];
        var inputs = new double[prompts.size()][horizon][];
        var none = new double[model.dimension()];
        for (int k = 0; k <= horizon; k++) {
            double[][] z = Transformer.toRows(trace.states().get(k));
            double[][] u = k == horizon || trace.inputs().get(k) == null
                    ? null
                    : Transformer.toRows(trace.inputs().get(k));
            for (int i = 0; i < states.length; i++) {
                states[i][k] = z[i];
                if (k < horizon) {
                    inputs[i][k] = u == null ? none : u[i];
                }
            }
        }
        return IntStream.range(0, states.length)
                .mapToObj(i -> new ResidualTrace(prompts.get(i), new Rollout(states[i], inputs[i])))
                .toList();
    }
}
