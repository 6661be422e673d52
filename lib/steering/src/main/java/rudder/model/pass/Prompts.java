package rudder.model.pass;

import java.util.List;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.theory.control.Controller;

/** Reads prompts, and collects the states at their last tokens. */
public interface Prompts {

    /** Returns how many prompts are best read together. */
    int batch();

    /**
     * Returns the states and inputs at the prompts' last tokens.
     *
     * @param controllers one for each prompt
     * @param steered tells which of each prompt's tokens are steered
     */
    List<ResidualTrace> traces(List<int[]> prompts, List<Controller> controllers, List<boolean[]> steered);

    /** Returns the means of the unsteered states over some tokens of each prompt. */
    List<ResidualTrace> means(List<int[]> prompts, List<TokenSpan> spans);

    /** Returns the plants that prompts make of the unsteered model. */
    List<PromptPlant> plants(List<int[]> prompts);
}
