package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.format.Progress;
import rudder.model.engine.EngineAlgebra;
import rudder.model.transformer.Transformer;

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
        model.plan(prompts.size(), longest, 1).requireDense(Runtime.getRuntime().maxMemory(), MemoryPlan.available());
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
        Transformer transformer = model.transformer();
        return k -> transformer.lifetime.during(() -> {
            try (NDManager scope = transformer.manager.newSubManager()) {
                NDArray sum = null;
                for (PromptPlant plant : plants) {
                    transformer.lifetime.check(k, model.horizon(), "blocks");
                    try (NDManager within = scope.newSubManager()) {
                        NDArray a = plant.jacobian(within, k);
                        if (sum == null) {
                            a.attach(scope);
                            sum = a;
                        } else {
                            sum.addi(a);
                        }
                    }
                }
                return EngineAlgebra.down(sum.divi(plants.size()));
            }
        });
    }
}
