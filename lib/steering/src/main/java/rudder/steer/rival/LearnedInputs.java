package rudder.steer.rival;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import rudder.checkpoint.format.Progress;
import rudder.model.Continuation;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.theory.Check;
import rudder.theory.Vectors;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;

/**
 * One learned vector behind each block, added at every steered token: the inputs that make the positive texts of a
 * contrast set likelier. Gradient ascent climbs the mean log-likelihood a token of three quarters of the texts. It
 * stops when the likelihood of the other texts no longer rises, and the inputs of their best step are taken.
 *
 * <p>A step has the length {@code sqrt(sum_k |du_k|^2 / mu_{k+1}^2)} in gaps, whatever the gradient's length. So blocks
 * with large states move as fast as others.
 *
 * <p>Source: the supervised steering vector of AxBench (Wu et al., arXiv 2501.17148), a vector trained with the
 * language-modelling loss of texts that show the concept. They train one block with Adam.
 */
public final class LearnedInputs {

    private static final int HELD_OUT = 4; // every so many texts, one

    private LearnedInputs() {}

    /** Returns {@link #fit(LanguageModel, ContrastSet, double, int, int)} with 30 steps of 0.2 gaps and patience 2. */
    public static Controller fit(LanguageModel model, ContrastSet set) {
        return fit(model, set, 0.2, 30, 2);
    }

    /**
     * Learns the inputs. {@link Controller#times} sets their strength, with 1 as learned.
     *
     * @param step length of a step, in gaps
     * @param most largest number of steps
     * @param patience steps without a rise of the held-out likelihood after which learning stops
     * @throws IllegalArgumentException if there are fewer than four positive texts of two tokens or more, or a
     *     parameter is not positive
     */
    public static Controller fit(LanguageModel model, ContrastSet set, double step, int most, int patience) {
        Check.that(step > 0 && Double.isFinite(step), "the step is %s gaps, wanted a finite number above 0", step);
        Check.that(most > 0 && patience > 0, "%d steps and patience %d, wanted at least 1 of each", most, patience);
        var texts = set.positive().stream()
                .map(model::encode)
                .filter(tokens -> tokens.length > 1)
                .map(Continuation::of)
                .toList();
        Check.that(
                texts.size() >= HELD_OUT,
                "%d positive texts of %s have two tokens or more, wanted at least %d: one of four is held out",
                texts.size(),
                set.name(),
                HELD_OUT);
        var learned = new ArrayList<Continuation>();
        var heldOut = new ArrayList<Continuation>();
        for (int i = 0; i < texts.size(); i++) {
            (i % HELD_OUT == HELD_OUT - 1 ? heldOut : learned).add(texts.get(i));
        }
        var features = Features.contrast(model, set);
        double[][] inputs = new double[model.horizon()][model.dimension()];
        double[][] best = inputs;
        double likeliest = likelihood(model, controller(inputs), heldOut);
        try (var job = Progress.of("learning inputs of " + set.name(), most)) {
            for (int i = 0, since = 0; i < most && since < patience; i++) {
                inputs = stepped(features, inputs, model.meanGradient(learned, inputs), step);
                double now = likelihood(model, controller(inputs), heldOut);
                if (now > likeliest) {
                    likeliest = now;
                    best = inputs;
                    since = 0;
                } else {
                    since++;
                }
                job.advance(1);
            }
        }
        return controller(best).measuredOn(model.sha256());
    }

    /** Moves along mu_{k+1}^2 g_k, the steepest ascent if lengths are measured in gaps. */
    private static double[][] stepped(Features features, double[][] inputs, double[][] gradient, double step) {
        double square = 0;
        for (int k = 0; k < inputs.length; k++) {
            double mu = features.gap(k + 1);
            square += mu * mu * Vectors.dot(gradient[k], gradient[k]);
        }
        double length = Math.sqrt(square);
        var moved = new double[inputs.length][];
        Arrays.setAll(
                moved,
                k -> Vectors.plus(inputs[k], step * features.gap(k + 1) * features.gap(k + 1) / length, gradient[k]));
        return moved;
    }

    /** Returns the mean log-likelihood a token of texts, steered at every token. */
    static double likelihood(LanguageModel model, Controller controller, List<Continuation> texts) {
        double[][][] surprisals = model.steered(controller)
                .atEveryToken()
                .surprisals(
                        texts.stream().map(Continuation::prompt).toList(),
                        texts.stream().map(text -> List.of(text.tokens())).toList());
        return -Arrays.stream(surprisals)
                .flatMap(Arrays::stream)
                .flatMapToDouble(Arrays::stream)
                .average()
                .orElseThrow();
    }

    static Controller controller(double[][] inputs) {
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = 0; k < inputs.length; k++) {
            laws.put(k, ControlLaw.constant(inputs[k]));
        }
        return Controller.of("learned", laws, null);
    }
}
