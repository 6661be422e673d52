package rudder.steer.natural;

import java.util.List;
import rudder.model.Continuation;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.theory.Check;
import rudder.theory.Vectors;

/**
 * How much a small constant input behind a block helps a concept's texts: h_k, the gradient of the mean log-likelihood
 * a token of the positive texts, less that of the negative texts. The input is the same at every token of a text.
 *
 * <p>{@code h_k.w} is, to first order, how many nats a token the positive texts gain over the negative ones. Source:
 * Rudder's; one step of gradient ascent on it is a one-step preference vector.
 */
public final class LikelihoodGradient {

    private final String name;
    private final double[][] gradients;
    private final String plant;

    private LikelihoodGradient(String name, double[][] gradients, String plant) {
        this.name = name;
        this.gradients = gradients;
        this.plant = plant;
    }

    /**
     * Returns the gradients of a contrast set.
     *
     * @throws IllegalArgumentException if a text has fewer than two tokens, or does not fit the model's context
     */
    public static LikelihoodGradient of(LanguageModel model, ContrastSet set) {
        double[][] with = mean(model, set.positive());
        double[][] without = mean(model, set.negative());
        var gradients = new double[with.length][];
        for (int k = 0; k < gradients.length; k++) {
            gradients[k] = Vectors.minus(with[k], without[k]);
            Check.finite("the gradient of block " + k, gradients[k]);
        }
        return new LikelihoodGradient(set.name(), gradients, model.sha256());
    }

    /** Returns the gradient of the mean over all tokens but each text's first, [T][d]. */
    private static double[][] mean(LanguageModel model, List<String> texts) {
        var continuations =
                texts.stream().map(text -> Continuation.of(model.encode(text))).toList();
        return model.meanGradient(continuations, null);
    }

    /** Returns T. */
    public int horizon() {
        return gradients.length;
    }

    /** Returns h_k, d numbers, in nats a token over the state's unit, for an input behind block k = 0..T-1. */
    public double[] at(int k) {
        Check.block(k, horizon() - 1);
        return gradients[k].clone();
    }

    /** Returns the sha256 of the weights of the model that was measured. */
    public String plant() {
        return plant;
    }

    @Override
    public String toString() {
        return "LikelihoodGradient[" + name + ", T=" + horizon() + ", d=" + gradients[0].length + "]";
    }
}
