package rudder;

import java.util.function.BiFunction;
import rudder.model.LanguageModel;
import rudder.theory.Controller;

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

    Controller at(LanguageModel model, String prompt) {
        return controller.apply(model, prompt);
    }

    @Override
    public String toString() {
        return "Steering[" + name + "]";
    }
}
