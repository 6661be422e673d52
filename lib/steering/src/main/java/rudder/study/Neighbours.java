package rudder.study;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import rudder.model.LanguageModel;
import rudder.model.PromptPlant;
import rudder.theory.Vectors;

/** Several prompts' plants, and how their states lie to each other. */
record Neighbours(List<PromptPlant> plants) {

    static Neighbours of(LanguageModel model, List<String> prompts) {
        return new Neighbours(prompts.stream().map(model::plant).toList());
    }

    /** @throws IllegalArgumentException if there are fewer than three, or one is there twice */
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

    /** z_k of prompt i. */
    double[] state(int k, int i) {
        return plants.get(i).nominal().state(k);
    }

    /** From z_k of prompt i to those of all others, beginning with the next. */
    List<double[]> differences(int k, int i) {
        return IntStream.range(1, size())
                .mapToObj(m -> Vectors.minus(state(k, (i + m) % size()), state(k, i)))
                .toList();
    }

    /** The other prompt whose state is nearest at block k. */
    int nearest(int k, int i) {
        return IntStream.range(0, size())
                .filter(j -> j != i)
                .boxed()
                .min(Comparator.comparingDouble(j -> Vectors.distance(state(k, j), state(k, i))))
                .orElseThrow();
    }
}
