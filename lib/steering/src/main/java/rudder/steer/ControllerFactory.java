package rudder.steer;

import java.lang.ref.SoftReference;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.model.PromptPlant;
import rudder.model.ResidualTrace;
import rudder.model.SteeredModel;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/**
 * A way to get a controller for each prompt. Most controllers serve every prompt; an open-loop plan or a regulator
 * linearised at the prompt is made for one.
 *
 * @param name what tables and charts call it
 * @param controller the controller for a model at a prompt; the same object for prompts that share it
 */
public record ControllerFactory(String name, BiFunction<LanguageModel, String, Controller> controller) {

    /** One controller for every prompt. */
    public static ControllerFactory of(Controller controller) {
        return new ControllerFactory(controller.name(), (model, prompt) -> controller);
    }

    /**
     * One controller for every prompt, made when one is first steered, and kept while there is memory: of many that are
     * listed, most may never be.
     */
    public static ControllerFactory once(String name, Supplier<Controller> maker) {
        var kept = new AtomicReference<>(new SoftReference<Controller>(null));
        return new ControllerFactory(name, (model, prompt) -> {
            var controller = kept.get().get();
            if (controller == null) {
                controller = maker.get().named(name);
                kept.set(new SoftReference<>(controller));
            }
            return controller;
        });
    }

    /**
     * The controller's inputs along the prompt's own unsteered trace, added whatever the states turn out to be: the
     * open-loop twin, with the same gains and no feedback.
     */
    public static ControllerFactory frozen(Controller controller) {
        var name = controller.name() + ", frozen";
        return new ControllerFactory(name, (model, prompt) -> controller
                .frozenAt(model.trace(prompt).rollout().states())
                .named(name));
    }

    /** The same by another name. */
    public ControllerFactory named(String name) {
        return new ControllerFactory(name, controller);
    }

    /** A controller linearised at the prompt: made from the plant that the prompt makes of the model. */
    public static ControllerFactory atPrompt(String name, Function<PromptPlant, Controller> controller) {
        return new ControllerFactory(
                name, (model, prompt) -> controller.apply(model.plant(prompt)).named(name));
    }

    /** @throws IllegalArgumentException if two have one name: tables could not tell them apart */
    public static void requireDifferentNames(ControllerFactory... factories) {
        var names = new HashSet<String>();
        for (var factory : factories) {
            if (!names.add(factory.name)) {
                throw new IllegalArgumentException(
                        "two controllers are called '" + factory.name + "': tell them apart with named(...)");
            }
        }
    }

    /** One run for each prompt: the residual stream of its last token, steered. */
    public List<Rollout> rollouts(LanguageModel model, List<String> prompts) {
        return on(model, prompts).traces(prompts).stream()
                .map(ResidualTrace::rollout)
                .toList();
    }

    /**
     * The model as these prompts are to find it: with this controller, or with each prompt's own; a prompt that comes
     * twice has one.
     */
    public SteeredModel on(LanguageModel model, List<String> prompts) {
        return model.steered(controllers(model, prompts).toList());
    }

    /** Makes the controller of each prompt, in order. */
    public Stream<Controller> controllers(LanguageModel model, List<String> prompts) {
        var kept = kept();
        return prompts.stream().map(prompt -> kept.controller.apply(model, prompt));
    }

    /** The same for one model, which makes a prompt's controller once and holds it. */
    public ControllerFactory kept() {
        var controllers = new HashMap<String, Controller>();
        return new ControllerFactory(
                name, (model, prompt) -> controllers.computeIfAbsent(prompt, p -> controller.apply(model, p)));
    }

    @Override
    public String toString() {
        return "ControllerFactory[" + name + "]";
    }
}
