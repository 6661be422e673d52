package rudder.model.pass;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.engine.Overflow;
import rudder.model.engine.PaddedTokens;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.model.transformer.DeviceLaws;
import rudder.model.transformer.KvCache;
import rudder.model.transformer.PrefixCache;
import rudder.model.transformer.SteeredPass;
import rudder.model.transformer.Transformer;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/**
 * Reads prompts in the engine.
 *
 * @param prefixes keep what prompts have in common
 * @param makeLaws makes the laws of controllers
 */
public record EnginePrompts(
        Transformer transformer, PrefixCache prefixes, Function<List<Controller>, DeviceLaws> makeLaws)
        implements Prompts {

    @Override
    public int batch() {
        return 16;
    }

    @Override
    public List<ResidualTrace> traces(List<int[]> prompts, List<Controller> controllers, List<boolean[]> steered) {
        var traces = new ArrayList<ResidualTrace>();
        try (DeviceLaws laws = makeLaws.apply(controllers)) {
            var pass = SteeredPass.of(laws, steered);
            run(prompts, pass, new Transformer.Trace(), (trace, cache, x) -> traces.addAll(traces(prompts, trace)));
        }
        return traces;
    }

    @Override
    public List<ResidualTrace> means(List<int[]> prompts, List<TokenSpan> spans) {
        var traces = new ArrayList<ResidualTrace>();
        var means = new Transformer.Trace(weights(prompts, spans));
        run(prompts, null, means, (trace, cache, x) -> traces.addAll(traces(prompts, trace)));
        return traces;
    }

    @Override
    public List<PromptPlant> plants(List<int[]> prompts) {
        var plants = new ArrayList<PromptPlant>();
        run(prompts, null, new Transformer.Trace(), (trace, cache, x) -> {
            var traces = traces(prompts, trace);
            int last = cache.columns() - 1;
            for (int i = 0; i < traces.size(); i++) {
                float[][] keys = cache.keysBefore(last, i);
                plants.add(new PromptPlant(transformer, null, traces.get(i), keys, cache.valuesBefore(last, i)));
            }
        });
        return plants;
    }

    /**
     * Returns the outputs of the unsteered model's heads, [prompt][T][h w].
     *
     * @param spans of each prompt, over which outputs are averaged; null for the last tokens
     */
    public List<double[][]> heads(List<int[]> prompts, List<TokenSpan> spans) {
        var heads = new ArrayList<double[][]>();
        var read = Transformer.Trace.withHeads(spans == null ? null : weights(prompts, spans));
        run(prompts, null, read, (trace, cache, x) -> {
            heads.addAll(List.of(byPrompt(trace.heads(), prompts.size())));
        });
        return heads;
    }

    /** Returns the next-token logits after a prompt, [vocabulary]. */
    public float[] logits(int[] prompt, Controller controller, boolean... steered) {
        float[][] out = new float[1][];
        try (DeviceLaws laws = makeLaws.apply(List.of(controller))) {
            Then keep = (trace, cache, x) -> {
                out[0] = transformer
                        .lastLogits(x)
                        .toType(DataType.FLOAT32, false)
                        .toFloatArray();
            };
            run(List.of(prompt), SteeredPass.of(laws, List.of(steered)), null, keep);
        }
        return out[0];
    }

    /** Returns 1 / n at the n tokens of each span, in the prompts' columns. */
    private static double[][] weights(List<int[]> prompts, List<TokenSpan> spans) {
        var padded = PaddedTokens.of(prompts);
        var weights = new double[prompts.size()][padded.columns()];
        for (int i = 0; i < weights.length; i++) {
            int pad = padded.pads()[i];
            var span = spans.get(i);
            Arrays.fill(weights[i], pad + span.from(), pad + span.end(), 1.0 / span.length());
        }
        return weights;
    }

    private interface Then {
        /** @param x the residual stream that leaves the last block [B, L, d] */
        void accept(Transformer.Trace trace, KvCache cache, NDArray x);
    }

    /** @param steered null for an unsteered pass */
    private void run(List<int[]> prompts, SteeredPass steered, Transformer.Trace trace, Then then) {
        var padded = PaddedTokens.of(prompts);
        boolean earlier = steered != null && steered.earlier();
        boolean averaged = trace != null && trace.weights() != null; // over columns that the pass must read
        var laws = steered == null ? null : steered.laws();
        try (NDManager scope = transformer.manager.newSubManager();
                KvCache cache = transformer.cache(padded.pads(), padded.columns())) {
            int[][] unread = earlier || averaged ? padded.tokens() : prefixes.readCommonPrefix(padded, cache);
            NDArray x = transformer.run(scope, unread, cache, laws, steered != null && steered.everyToken(), trace);
            if (laws != null) {
                Overflow.refuse(x, Overflow.IN_PROMPT);
            }
            then.accept(trace, cache, x);
        }
    }

    private List<ResidualTrace> traces(List<int[]> prompts, Transformer.Trace trace) {
        int size = prompts.size();
        int horizon = transformer.config.horizon();
        double[][][] states = byPrompt(trace.states(), size);
        int[] given = IntStream.range(0, horizon)
                .filter(k -> trace.inputs().get(k) != null)
                .toArray();
        double[][][] u =
                byPrompt(IntStream.of(given).mapToObj(trace.inputs()::get).toList(), size);
        var none = new double[transformer.config.dimension()];
        var inputs = new double[size][horizon][];
        for (int i = 0; i < size; i++) {
            Arrays.fill(inputs[i], none);
            for (int at = 0; at < given.length; at++) {
                inputs[i][given[at]] = u[i][at];
            }
        }
        return IntStream.range(0, states.length)
                .mapToObj(i -> new ResidualTrace(prompts.get(i), new Rollout(states[i], inputs[i])))
                .toList();
    }

    /** Copies arrays [B, d] to the host in one transfer: [B][arrays][d]. */
    private static double[][][] byPrompt(List<NDArray> arrays, int size) {
        var all = new double[size][arrays.size()][];
        if (!arrays.isEmpty()) {
            double[][] rows = Transformer.toRows(NDArrays.concat(new NDList(arrays)));
            for (int row = 0; row < rows.length; row++) {
                all[row % size][row / size] = rows[row];
            }
        }
        return all;
    }
}
