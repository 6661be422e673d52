package rudder.model;

import java.util.ArrayList;
import java.util.List;
import rudder.theory.control.Controller;

/** Measures how far steering moved a text, from two more passes over its tokens: an oracle of {@link MovedText}. */
public final class Reread {

    private Reread() {}

    /** Returns sum_x p(x) ln(p(x) / q(x)) at each token, p under a view and q under the unsteered model. */
    public static double[] divergences(SteeredModel view, Completion text) {
        var steered = logits(view, text);
        var unsteered = logits(view.model().steered(Controller.none()), text);
        var found = new double[steered.size()];
        for (int t = 0; t < found.length; t++) {
            double[] p = logarithms(steered.get(t));
            double[] q = logarithms(unsteered.get(t));
            for (int x = 0; x < p.length; x++) {
                found[t] += Math.exp(p[x]) * (p[x] - q[x]);
            }
        }
        return found;
    }

    private static List<float[]> logits(SteeredModel view, Completion text) {
        var logits = new ArrayList<float[]>();
        var conductor = new Conductor() {
            @Override
            public int token(int row, int index, int[] chosen) {
                return text.tokens()[index];
            }

            @Override
            public boolean after(Step step) {
                return logits.add(step.logits().clone());
            }
        };
        view.conduct(List.of(text.promptTokens()), text.tokens().length, Sampling.greedy(), conductor);
        return logits;
    }

    private static double[] logarithms(float... logits) {
        double most = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            most = Math.max(most, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - most);
        }
        var logarithms = new double[logits.length];
        for (int x = 0; x < logits.length; x++) {
            logarithms[x] = logits[x] - most - Math.log(sum);
        }
        return logarithms;
    }
}
