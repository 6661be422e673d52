package rudder.study;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import rudder.model.LanguageModel;
import rudder.model.plant.PromptPlant;
import rudder.theory.Vectors;

/** Several prompts' plants, and the distances between their states. */
record Neighbours(List<PromptPlant> plants) {

    static Neighbours of(LanguageModel model, List<String> prompts) {
        return new Neighbours(prompts.stream().map(model::plant).toList());
    }

    /** @throws IllegalArgumentException if there are fewer than three prompts, or one occurs twice */
    static void requireSome(List<String> prompts) {
        long different = prompts.stream().distinct().count();
        if (different < Math.max(3, prompts.size())) {
            throw new IllegalArgumentException(prompts.size() + " prompts, " + different
                    + " of them different: wanted at least three, all different");
        }
    }

    int size() {
        return plants.size();
    }

    /** Returns z_k of prompt i. */
    double[] state(int k, int i) {
        return plants.get(i).nominal().state(k);
    }

    /** Returns the differences from z_k of prompt i to z_k of all others, beginning with prompt i + 1. */
    List<double[]> differences(int k, int i) {
        return IntStream.range(1, size())
                .mapToObj(m -> Vectors.minus(state(k, (i + m) % size()), state(k, i)))
                .toList();
    }

    /** Returns the other prompt whose state is nearest at block k. */
    int nearest(int k, int i) {
        return IntStream.range(0, size())
                .filter(j -> j != i)
                .boxed()
                .min(Comparator.comparingDouble(j -> Vectors.distance(state(k, j), state(k, i))))
                .orElseThrow();
    }

    /** Returns each prompt's mean alignment with the others: a row's mean without the diagonal, which is 1. */
    static double[] meanWithOthers(double[][] alignment) {
        return Arrays.stream(alignment)
                .mapToDouble(row -> (Arrays.stream(row).sum() - 1) / (row.length - 1))
                .toArray();
    }
}
