package rudder.compare;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.MovedText;
import rudder.model.SteeredModel;
import rudder.steer.ControllerFactory;

/** Writes completions as a comparison's settings say, each controller's of the same prompts. */
record Writing(LanguageModel model, Comparison.Settings settings) {

    /** {@link Comparison.Settings#write}. */
    List<List<Completion>> plain(List<ControllerFactory> factories, List<String> prompts, int row) {
        var steered = steered(factories, prompts, row);
        var all = asked(factories, prompts);
        var generated = settings.chat()
                ? steered.chatEach(all, settings.tokens(), settings.sampling())
                : steered.generate(all, settings.tokens(), settings.sampling());
        return parts(generated, factories.size()).stream()
                .map(some -> ofPrompts(prompts, some))
                .toList();
    }

    /** {@link Comparison.Settings#writeMoved}. */
    List<List<MovedText>> moved(List<ControllerFactory> factories, List<String> prompts, int row) {
        var steered = steered(factories, prompts, row);
        var all = asked(factories, prompts);
        var each = Collections.nCopies(factories.size(), prompts).stream()
                .flatMap(List::stream)
                .toList();
        var moved = settings.chat()
                ? steered.chatMoved(all, each, settings.tokens(), settings.sampling())
                : steered.generateMoved(all, each, settings.tokens(), settings.sampling());
        return parts(moved, factories.size()).stream()
                .map(some -> {
                    var texts = ofPrompts(
                            prompts, some.stream().map(MovedText::completion).toList());
                    return IntStream.range(0, texts.size())
                            .mapToObj(
                                    i -> new MovedText(texts.get(i), some.get(i).divergences()))
                            .toList();
                })
                .toList();
    }

    /** Writes, and puts the mean divergence of each completion into the map if the settings ask for KL. */
    List<List<Completion>> measured(
            List<ControllerFactory> factories, List<String> prompts, int row, Map<Completion, Double> divergences) {
        if (!settings.divergence()) {
            return plain(factories, prompts, row);
        }
        var moved = moved(factories, prompts, row);
        moved.stream().flatMap(List::stream).forEach(one -> divergences.put(one.completion(), one.mean()));
        return moved.stream()
                .map(some -> some.stream().map(MovedText::completion).toList())
                .toList();
    }

    /** {@link Comparison.Settings#writeScored}. */
    List<List<ScoredCompletion>> scored(List<ControllerFactory> factories, List<String> prompts, int row) {
        var moved = new IdentityHashMap<Completion, Double>();
        return measured(factories, prompts, row, moved).stream()
                .map(completions -> {
                    double[] perplexities = settings.perplexity(model).all().apply(completions);
                    return IntStream.range(0, completions.size())
                            .mapToObj(i -> new ScoredCompletion(
                                    completions.get(i),
                                    perplexities[i],
                                    moved.getOrDefault(completions.get(i), Double.NaN)))
                            .toList();
                })
                .toList();
    }

    private SteeredModel steered(List<ControllerFactory> factories, List<String> prompts, int row) {
        var controllers = factories.stream()
                .flatMap(factory -> settings.chat()
                        ? factory.controllersInChat(model, prompts)
                        : factory.controllers(model, prompts))
                .toList();
        return model.steered(controllers)
                .measuring(settings.measured())
                .atPositions(settings.positions())
                .fromRow(row)
                .inRounds(prompts.size());
    }

    private static List<String> asked(List<ControllerFactory> factories, List<String> prompts) {
        return factories.stream()
                .flatMap(factory -> prompts.stream().map(factory.asked()))
                .toList();
    }

    private static <T> List<List<T>> parts(List<T> all, int count) {
        int size = all.size() / count;
        return IntStream.range(0, count)
                .mapToObj(i -> all.subList(i * size, (i + 1) * size))
                .toList();
    }

    /** Makes completions of what arms asked into completions of the prompts, so that all arms are judged alike. */
    private List<Completion> ofPrompts(List<String> prompts, List<Completion> generated) {
        return IntStream.range(0, prompts.size())
                .mapToObj(i -> {
                    String prompt = prompts.get(i);
                    var text = generated.get(i);
                    return text.prompt().equals(prompt) ? text : text.continuing(prompt, encode(prompt));
                })
                .toList();
    }

    private int[] encode(String prompt) {
        return settings.chat() ? model.encodeChat(prompt) : model.encode(prompt);
    }
}
