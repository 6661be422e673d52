package rudder;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.ResidualTrace;
import rudder.model.SteeredModel;
import rudder.theory.Controller;
import rudder.theory.Rollout;

/**
 * A way to get a controller for each prompt. Most controllers serve every prompt; an open-loop plan or a regulator linearised at the prompt is made
 * for one.
 *
 * @param name what tables and charts call it
 * @param controller the controller for a model at a prompt; the same object for prompts that may share it, which are then written side by side
 */
public record Steering(String name, BiFunction<LanguageModel, String, Controller> controller) {

    /** One controller for every prompt. */
    public static Steering of(Controller controller) {
        return new Steering(controller.name(), (model, prompt) -> controller);
    }

    /**
     * The controller's inputs along the prompt's own unsteered trace, added whatever the states turn out to be: the open-loop twin, with the same
     * gains and no feedback.
     */
    public static Steering frozen(Controller controller) {
        var name = controller.name() + ", frozen";
        return new Steering(name, (model, prompt) -> controller.frozenAt(model.trace(prompt).rollout().states()).named(name));
    }

    /** The same by another name. */
    public Steering named(String name) {
        return new Steering(name, controller);
    }

    /** One run for each prompt: the residual stream of its last token, steered. */
    public List<Rollout> rollouts(LanguageModel model, List<String> prompts) {
        return run(model, prompts, (steered, shared, row) -> steered.traces(shared).stream().map(ResidualTrace::rollout).toList());
    }

    /**
     * What is written after each prompt.
     *
     * @param settings tokens, sampling, positions and measured feature
     * @param row place of the first prompt in a longer list: a part of the list gives what the whole gives, up to the rounding of batches
     */
    public List<Completion> write(LanguageModel model, List<String> prompts, Comparison.Settings settings, int row) {
        return run(model, prompts, (view, shared, first) -> settings.write(view, shared, row + first));
    }

    /** What is done with the prompts that share a controller; {@code row} is the first one's place among all prompts. */
    interface Part<R> {
        List<R> run(SteeredModel steered, List<String> shared, int row);
    }

    /** One result for each prompt. A prompt that comes twice has one controller; prompts that share a controller are run side by side. */
    <R> List<R> run(LanguageModel model, List<String> prompts, Part<R> part) {
        var controllers = new HashMap<String, Controller>();
        prompts.forEach(prompt -> controllers.computeIfAbsent(prompt, p -> controller.apply(model, p)));
        var rows = IntStream.range(0, prompts.size()).boxed()
                .collect(Collectors.groupingBy(row -> controllers.get(prompts.get(row)), LinkedHashMap::new, Collectors.toList()));
        var results = new TreeMap<Integer, R>();
        rows.forEach((controller, shared) -> {
            var some = part.run(model.steered(controller), shared.stream().map(prompts::get).toList(), shared.get(0));
            for (int i = 0; i < some.size(); i++) {
                results.put(shared.get(i), some.get(i));
            }
        });
        return List.copyOf(results.values());
    }

    @Override
    public String toString() {
        return "Steering[" + name + "]";
    }
}
