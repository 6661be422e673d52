package rudder.model.plant;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.function.BiFunction;
import rudder.model.engine.ParallelBatches;

/**
 * Sums of one block's Jacobians at some prompts, computed by the engine in the model's precision.
 *
 * @param jacobian computes the Jacobian at one prompt; it belongs to the given scope
 */
record EngineSums(BiFunction<NDManager, PromptPlant, NDArray> jacobian) {

    /** Sums the plants in two halves, one a thread, whatever the number of threads: so its bits do not depend on it. */
    NDArray sum(NDManager scope, List<PromptPlant> plants) {
        var halves = ParallelBatches.of(
                scope.getDevice(),
                plants.size(),
                (plants.size() + 1) / 2,
                (first, end) -> oneByOne(scope, plants.subList(first, end)),
                done -> {});
        NDArray sum = halves.get(0);
        halves.subList(1, halves.size()).forEach(sum::addi);
        return sum;
    }

    /** Returns the mean: sums so many plants at a time, then the sums. */
    NDArray mean(NDManager scope, List<PromptPlant> plants, int chunk) {
        NDArray sum = null;
        for (int first = 0; first < plants.size(); first += chunk) {
            try (NDManager within = scope.newSubManager()) {
                var some = plants.subList(first, Math.min(plants.size(), first + chunk));
                sum = plus(scope, sum, sum(within, some));
            }
        }
        return sum.divi(plants.size());
    }

    private NDArray oneByOne(NDManager scope, List<PromptPlant> plants) {
        NDArray sum = null;
        for (PromptPlant plant : plants) {
            try (NDManager within = scope.newSubManager()) {
                sum = plus(scope, sum, jacobian.apply(within, plant));
            }
        }
        return sum;
    }

    /** Adds to a sum of the scope; the first summand becomes the sum. */
    private static NDArray plus(NDManager scope, NDArray sum, NDArray a) {
        if (sum == null) {
            a.attach(scope);
            return a;
        }
        return sum.addi(a);
    }
}
