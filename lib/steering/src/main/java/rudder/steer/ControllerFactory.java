package rudder.steer;

import java.lang.ref.SoftReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.model.SteeredModel;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.theory.Check;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/**
 * Makes a controller for each prompt. Most controllers serve every prompt; a frozen plan, or a regulator linearised at
 * the prompt, serves one. The arms {@link #prompted} steer by the prompt instead: the model reads another text.
 *
 * @param name shown in tables and charts
 * @param controller maps a model and a prompt to a controller; prompts that share a controller get the same object
 * @param inChat does so where the prompt is a chat's message: the model then reads other tokens around it. The same as
 *     {@code controller} for all but controllers that are made from the prompt's states
 * @param asked maps a prompt to the text that the model reads instead; the identity for all arms but {@link #prompted}
 */
public record ControllerFactory(
        String name,
        BiFunction<LanguageModel, String, Controller> controller,
        BiFunction<LanguageModel, String, Controller> inChat,
        UnaryOperator<String> asked)
        implements Arm {

    /** Creates a factory whose model reads the prompt itself, and which makes no difference for chats. */
    public ControllerFactory(String name, BiFunction<LanguageModel, String, Controller> controller) {
        this(name, controller, controller, UnaryOperator.identity());
    }

    /** Creates a factory whose controllers are made from the tokens that the model reads, in chats too. */
    private static ControllerFactory ofTokens(String name, BiFunction<LanguageModel, int[], Controller> controller) {
        return new ControllerFactory(
                name,
                (model, prompt) -> controller.apply(model, model.encode(prompt)).named(name),
                (model, message) ->
                        controller.apply(model, model.encodeChat(message)).named(name),
                UnaryOperator.identity());
    }

    /**
     * Returns the arm without a controller, whose model reads another text in place of each prompt: the prompt is the
     * controller. A comparison generates from that text, and judges the completion as one of the prompt. So perplexity
     * is that of the unsteered model after the prompt alone. KL is the divergence of the distributions after that text
     * from those after the prompt.
     *
     * <p>Only comparisons on one machine run such an arm. Other calls refuse it, since they would read the prompt.
     *
     * @param asked maps a prompt to the text, or in a chat to the message, that the model reads
     */
    public static ControllerFactory prompted(String name, UnaryOperator<String> asked) {
        Check.given("the map from a prompt to what the model reads", asked);
        BiFunction<LanguageModel, String, Controller> none = (model, prompt) -> Controller.none();
        return new ControllerFactory(name, none, none, asked);
    }

    /**
     * Returns the arm as a factory: a factory is returned as it is, a controller serves every prompt.
     *
     * @throws IllegalArgumentException if the arm is neither a {@link Controller} nor a factory
     */
    public static ControllerFactory of(Arm arm) {
        if (arm instanceof ControllerFactory factory) {
            return factory;
        }
        if (arm instanceof Controller controller) {
            return new ControllerFactory(controller.name(), (model, prompt) -> controller);
        }
        throw new IllegalArgumentException("the arm '" + arm.name() + "' is a "
                + arm.getClass().getSimpleName() + ", wanted a Controller or a ControllerFactory");
    }

    /**
     * Returns each arm as a factory, in order.
     *
     * @throws IllegalArgumentException if two arms have the same name, since tables could not tell them apart, or an
     *     arm is neither a {@link Controller} nor a factory
     */
    public static List<ControllerFactory> all(Arm... arms) {
        var names = new HashSet<String>();
        var factories = new ArrayList<ControllerFactory>();
        for (var arm : arms) {
            if (!names.add(arm.name())) {
                throw new IllegalArgumentException(
                        "two controllers are called '" + arm.name() + "': tell them apart with named(...)");
            }
            factories.add(of(arm));
        }
        return factories;
    }

    /**
     * Makes one controller for every prompt, when the first prompt is steered. The controller is held by a soft
     * reference, because a grid lists many and most never steer.
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
     * Adds the inputs that the controller has along the prompt's own unsteered trace, whatever the states become: the
     * same gains without feedback. No input knows of those before it, so the plan pushes on where a loop would stop. In
     * a chat the trace is that of the chat's last token.
     */
    public static ControllerFactory frozen(Controller controller) {
        return ofTokens(
                controller.name() + ", frozen",
                (model, tokens) -> controller.frozenAt(
                        run(model.streamTraces(List.of(tokens)).toList())));
    }

    /**
     * Adds the inputs that the controller has along the prompt's own steered trace, whatever the states become: at the
     * prompt's last token those of the closed loop, and the same at every token behind it. So it differs from the
     * closed loop only in that it does not measure while the text is written.
     */
    public static ControllerFactory planned(Controller controller) {
        return ofTokens(
                controller.name() + ", planned",
                (model, tokens) ->
                        controller.frozenAt(run(model.steered(controller).tracesOfTokens(List.of(tokens)))));
    }

    private static Rollout run(List<ResidualTrace> traces) {
        return traces.get(0).rollout();
    }

    /** Makes the controller from the plant at the prompt's last token, such as a regulator linearised there. */
    public static ControllerFactory atPrompt(String name, Function<PromptPlant, Controller> controller) {
        return ofTokens(name, (model, tokens) -> controller.apply(model.plant(tokens)));
    }

    /** Returns the same factory under another name. */
    public ControllerFactory named(String name) {
        return new ControllerFactory(name, controller, inChat, asked);
    }

    /** Returns whether the model reads another text than one of these prompts. */
    public boolean rewrites(List<String> prompts) {
        return prompts.stream().anyMatch(prompt -> !asked.apply(prompt).equals(prompt));
    }

    /**
     * Runs the steered model on each prompt: one rollout a prompt, of its last token.
     *
     * @throws IllegalArgumentException if this arm {@link #rewrites} a prompt
     */
    public List<Rollout> rollouts(LanguageModel model, List<String> prompts) {
        return on(model, prompts).traces(prompts).stream()
                .map(ResidualTrace::rollout)
                .toList();
    }

    /**
     * Returns the model steered for these prompts, with one controller a prompt; a repeated prompt shares its own.
     *
     * @throws IllegalArgumentException if this arm {@link #rewrites} a prompt
     */
    public SteeredModel on(LanguageModel model, List<String> prompts) {
        Check.that(
                !rewrites(prompts),
                "the arm '%s' steers by the text that the model reads, which only a Comparison can do:"
                        + " give the model that text",
                name);
        return model.steered(controllers(model, prompts).toList());
    }

    /** Makes the controller of each prompt, in order. */
    public Stream<Controller> controllers(LanguageModel model, List<String> prompts) {
        var kept = remembering(controller);
        return prompts.stream().map(prompt -> kept.apply(model, prompt));
    }

    /** Makes the controller of each message of a chat, in order. */
    public Stream<Controller> controllersInChat(LanguageModel model, List<String> messages) {
        var kept = remembering(inChat);
        return messages.stream().map(message -> kept.apply(model, message));
    }

    /** Returns the same factory with a memory: it makes each prompt's controller once. Use it with one model only. */
    public ControllerFactory kept() {
        return changed(name, ControllerFactory::remembering);
    }

    /** Returns a factory whose controllers a function makes in place of this one's, of prompts and in chats alike. */
    public ControllerFactory changed(String name, UnaryOperator<BiFunction<LanguageModel, String, Controller>> change) {
        return new ControllerFactory(name, change.apply(controller), change.apply(inChat), asked);
    }

    private static BiFunction<LanguageModel, String, Controller> remembering(
            BiFunction<LanguageModel, String, Controller> maker) {
        var controllers = new HashMap<String, Controller>();
        return (model, prompt) -> controllers.computeIfAbsent(prompt, p -> maker.apply(model, p));
    }

    @Override
    public String toString() {
        return "ControllerFactory[" + name + "]";
    }
}
