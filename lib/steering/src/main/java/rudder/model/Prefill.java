package rudder.model;

import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.pass.EnginePrompts;
import rudder.model.pass.Placement;
import rudder.model.pass.Prompts;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.theory.Check;
import rudder.theory.control.Controller;

/** Reads any number of prompts, a batch at a time, each batch while the model is open. */
record Prefill(LanguageModel model, Placement placement) {

    /**
     * Streams the prompts' traces; computes a batch when it is read.
     *
     * @param controllers one for each prompt
     * @param positions the tokens that they steer
     */
    Stream<ResidualTrace> traces(List<int[]> prompts, List<Controller> controllers, Positions positions) {
        var reader = reader(prompts);
        return inBatches(prompts, reader, (first, end) -> {
            var some = prompts.subList(first, end);
            var steered = some.stream()
                    .map(tokens -> positions.ofPrompt(tokens.length, null))
                    .toList();
            return reader.traces(some, controllers.subList(first, end), steered);
        });
    }

    /** Streams the means of the unsteered states over some tokens of each prompt. */
    Stream<ResidualTrace> means(List<int[]> prompts, List<TokenSpan> spans) {
        TokenSpan.requireWithin(prompts, spans);
        var reader = reader(prompts);
        return inBatches(
                prompts, reader, (first, end) -> reader.means(prompts.subList(first, end), spans.subList(first, end)));
    }

    /** Returns the plants that prompts make of the unsteered model. */
    List<PromptPlant> plants(List<int[]> prompts) {
        var reader = reader(prompts);
        return inBatches(prompts, reader, (first, end) -> reader.plants(prompts.subList(first, end)))
                .toList();
    }

    /**
     * Returns the unsteered model's {@link LanguageModel#headOutputs}, [prompt][T][h w].
     *
     * @param spans null for the last tokens
     */
    double[][][] heads(List<int[]> prompts, List<TokenSpan> spans) {
        if (spans != null) {
            TokenSpan.requireWithin(prompts, spans);
        }
        var engine = engine(prompts);
        return inBatches(
                        prompts,
                        engine,
                        (first, end) -> engine.heads(
                                prompts.subList(first, end), spans == null ? null : spans.subList(first, end)))
                .toArray(double[][][]::new);
    }

    /** Returns the next-token logits after a prompt, [vocabulary]. */
    float[] logits(int[] prompt, Controller controller, Positions positions) {
        var engine = engine(List.of(prompt));
        return model.transformer()
                .lifetime
                .during(() -> engine.logits(prompt, controller, positions.ofPrompt(prompt.length, null)));
    }

    /** Returns {@link LanguageModel#surprisals(List, int...)}. */
    double[][] surprisals(List<int[]> sequences, int... from) {
        Check.each("sequence", sequences).forEach(tokens -> model.prompts().require(tokens, 0));
        Check.length("the list of first tokens", from.length, sequences.size());
        for (int i = 0; i < from.length; i++) {
            Check.that(
                    from[i] > 0,
                    "surprisals of sequence %d of %d from token %d on, wanted from 1 on: nothing predicts token 0",
                    i + 1,
                    from.length,
                    from[i]);
        }
        int longest = sequences.stream().mapToInt(tokens -> tokens.length).max().orElse(0);
        return model.transformer()
                .lifetime
                .during(() -> placement.likelihoods(longest).surprisals(sequences, from));
    }

    /** Returns {@link LanguageModel#perplexity(int[], int)}. */
    double perplexity(int[] tokens, int from) {
        return Math.exp(Arrays.stream(surprisals(List.of(tokens), from)[0])
                .average()
                .orElseThrow(() ->
                        new IllegalArgumentException("perplexity needs at least one token after the first " + from)));
    }

    private Prompts reader(List<int[]> prompts) {
        return placement.prompts(longest(prompts));
    }

    private EnginePrompts engine(List<int[]> prompts) {
        longest(prompts);
        return placement.enginePrompts();
    }

    /** Returns the length of the longest prompt, and throws if one does not fit the model. */
    private int longest(List<int[]> prompts) {
        return prompts.stream()
                .mapToInt(tokens -> model.prompts().require(tokens, 0).length)
                .max()
                .orElse(0);
    }

    private <R> Stream<R> inBatches(List<int[]> prompts, Prompts reader, BiFunction<Integer, Integer, List<R>> read) {
        int size = prompts.size();
        return IntStream.iterate(0, first -> first < size, first -> first + reader.batch())
                .mapToObj(first -> model.transformer()
                        .lifetime
                        .during(() -> read.apply(first, Math.min(size, first + reader.batch()))))
                .flatMap(List::stream);
    }
}
