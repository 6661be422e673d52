package rudder.model;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.format.Progress;
import rudder.model.memory.MemoryPlan;
import rudder.model.plant.PromptPlant;

/**
 * Computes mean Jacobians of a model's blocks at the last tokens of some prompts.
 *
 * @param prompts tokens, at least one prompt
 */
record Jacobians(LanguageModel model, List<int[]> prompts) {

    Jacobians {
        if (prompts.isEmpty()) {
            throw new IllegalArgumentException("no prompts to linearise at: wanted at least one");
        }
    }

    /** Returns the means of all blocks, {@link LanguageModel#meanJacobians}. */
    List<DMatrixRMaj> means() {
        int longest = prompts.stream().mapToInt(tokens -> tokens.length).max().orElseThrow();
        long heap =
                Runtime.getRuntime().maxMemory() - model.prefill().placement().jacobianBytes();
        model.plan(prompts.size(), longest, 1).requireDense(heap, MemoryPlan.available());
        var mean = eachMean();
        var jacobians = new ArrayList<DMatrixRMaj>();
        try (Progress job = Progress.of(
                "Jacobians of " + model.horizon() + " blocks at " + prompts.size() + " prompts", model.horizon())) {
            for (int k = 0; k < model.horizon(); k++) {
                jacobians.add(mean.apply(k));
                job.advance(1);
            }
        }
        return jacobians;
    }

    /** Returns a function that computes the mean of block k when it is asked, {@link LanguageModel#meanJacobian}. */
    IntFunction<DMatrixRMaj> eachMean() {
        var plants = model.prefill().plants(prompts);
        return k -> PromptPlant.meanJacobian(plants, k);
    }

    /** Returns a function that computes the sum of block k when it is asked, {@link LanguageModel#jacobianSum}. */
    IntFunction<DMatrixRMaj> eachSum() {
        var plants = model.prefill().plants(prompts);
        return k -> PromptPlant.jacobianSum(plants, k);
    }
}
