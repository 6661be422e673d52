package rudder.steer.rival;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.ReadAt;
import rudder.theory.Check;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;

/**
 * The condition of conditional activation steering (CAST): which prompts a controller steers. The condition has its own
 * direction c_k, apart from the controller's. It holds where the strength c_k.z lies on one side of a threshold.
 * Calibration prompts that should be steered, and others that should not, decide the threshold.
 *
 * <p>{@link #whenPrompt} decides once a prompt, as the authors do. It reads the prompt as plain text, also where the
 * prompt is a chat's message. {@link #whenToken} decides anew at every steered token and block, and is a controller
 * that can be saved.
 *
 * <p>Source: Lee et al., arXiv 2409.05907, section 3.1: {@code h' = h + f(sim(h, proj_c h)) alpha v}. A grid search by
 * the F1 score finds block, threshold and side (their appendix C.2). They compare a cosine, and here it is the
 * strength, which every gate of Rudder measures. For their form of the condition measure the features as
 * {@link Features#pca} with {@link ReadAt#mean()}.
 */
public final class CastCondition {

    private final String name;
    private final ReadAt at;
    private final Setpoint conditions; // of each state: open where the strength is at least 0 gaps
    private final double[] scores; // F1 of each state; 0 where the feature is absent
    private final int state;

    private CastCondition(String name, ReadAt at, Setpoint conditions, double[] scores, int state) {
        this.name = name;
        this.at = at;
        this.conditions = conditions;
        this.scores = scores;
        this.state = state;
    }

    /** Fits the condition as the next method does, at the prompts' last tokens. */
    public static CastCondition fit(
            LanguageModel model, Features features, List<String> steered, List<String> unsteered) {
        return fit(model, features, steered, unsteered, ReadAt.LAST);
    }

    /**
     * Fits a threshold and a side for every state z_1..z_T, and chooses the state of the best F1 score; among equal
     * scores the widest margin in gaps decides, then the earlier state. A threshold lies half way between two
     * neighbouring strengths of calibration prompts. The unsteered model reads each prompt alone, as
     * {@link LanguageModel#encode} makes tokens of it: without a chat template.
     *
     * @param features c_k, from texts of the condition's two sides
     * @param steered calibration prompts for which the condition should hold
     * @param unsteered calibration prompts for which it should not
     * @param at the tokens of a prompt whose states are averaged
     * @throws IllegalArgumentException if a list is empty, or no threshold tells the prompts apart better than steering
     *     all of them
     */
    public static CastCondition fit(
            LanguageModel model, Features features, List<String> steered, List<String> unsteered, ReadAt at) {
        var yes = states(model, Check.some("prompt to be steered", steered), at);
        var no = states(model, Check.some("prompt to be left alone", unsteered), at);
        return fit(features, yes, no, at);
    }

    /** Fits the condition to states, [prompt][T + 1][d]. */
    static CastCondition fit(Features features, List<double[][]> steered, List<double[][]> unsteered, ReadAt at) {
        int T = features.horizon();
        var directions = new double[T + 1][features.dimension()];
        var gaps = new double[T + 1];
        var offsets = new double[T + 1];
        var scores = new double[T + 1];
        int best = 0;
        double margin = 0;
        for (int k = 1; k <= T; k++) {
            double[] c = features.direction(k);
            double[] yes = strengths(c, steered, k);
            double[] no = strengths(c, unsteered, k);
            var fitted = Threshold.fit(yes, no);
            int sign = fitted.above ? 1 : -1;
            directions[k] = Vectors.times(sign, c);
            gaps[k] = features.gap(k);
            offsets[k] = sign * fitted.value;
            scores[k] = fitted.f1;
            double own = fitted.margin / features.gap(k);
            if (scores[k] > scores[best] || scores[k] == scores[best] && own > margin) {
                best = k;
                margin = own;
            }
        }
        double always = score(steered.size(), unsteered.size(), 0);
        Check.that(
                scores[best] > always,
                "no threshold on '%s' tells %d prompts to be steered from %d others: the best F1 score is %s, and"
                        + " steering all prompts has %s. Use other texts for the condition",
                features.name(),
                steered.size(),
                unsteered.size(),
                scores[best],
                always);
        var conditions = Setpoint.of(directions, gaps, offsets, 0, "condition " + features.name());
        return new CastCondition(
                features.name(),
                at,
                features.plant().map(conditions::measuredOn).orElse(conditions),
                scores,
                best);
    }

    private static List<double[][]> states(LanguageModel model, List<String> prompts, ReadAt at) {
        var tokens = prompts.stream().map(model::encode).toList();
        return model.streamTraces(tokens, at.spans(tokens))
                .map(trace -> trace.rollout().states())
                .toList();
    }

    private static double[] strengths(double[] c, List<double[][]> states, int k) {
        return states.stream().mapToDouble(z -> Vectors.dot(c, z[k])).toArray();
    }

    private static double score(int hits, int falseAlarms, int misses) {
        return hits == 0 ? 0 : 2.0 * hits / (2 * hits + falseAlarms + misses);
    }

    /**
     * A threshold on one number.
     *
     * @param above whether the condition holds above the value, or below
     * @param margin the distance of the two strengths that the value lies between
     */
    private record Threshold(double value, boolean above, double f1, double margin) {

        static Threshold fit(double[] yes, double[] no) {
            double[] all = IntStream.range(0, yes.length + no.length)
                    .mapToDouble(i -> i < yes.length ? yes[i] : no[i - yes.length])
                    .sorted()
                    .distinct()
                    .toArray();
            var best = new Threshold(Double.NEGATIVE_INFINITY, true, 0, 0);
            for (int i = 1; i < all.length; i++) {
                double value = all[i - 1] + (all[i] - all[i - 1]) / 2;
                for (boolean above : new boolean[] {true, false}) {
                    int hits = holding(yes, value, above);
                    double f1 = score(hits, holding(no, value, above), yes.length - hits);
                    double margin = all[i] - all[i - 1];
                    if (f1 > best.f1 || f1 == best.f1 && margin > best.margin) {
                        best = new Threshold(value, above, f1, margin);
                    }
                }
            }
            return best.f1 > 0 ? best : new Threshold(all[0], true, 0, 0);
        }

        private static int holding(double[] strengths, double value, boolean above) {
            int count = 0;
            for (double strength : strengths) {
                count += (above ? strength >= value : strength <= value) ? 1 : 0;
            }
            return count;
        }
    }

    /** Returns the index k of the state z_k at which {@link #whenPrompt} decides, 1..T. */
    public int state() {
        return state;
    }

    /** Returns the F1 score of the decisions at a state on the calibration prompts. */
    public double f1(int k) {
        Check.block(k, scores.length - 1);
        return scores[k];
    }

    /** Returns the F1 score at the {@link #state} that decides. */
    public double f1() {
        return scores[state];
    }

    /** Returns whether the condition holds for each prompt, which is read as the calibration prompts were. */
    public List<Boolean> holds(LanguageModel model, List<String> prompts) {
        var holds = new ArrayList<Boolean>();
        for (double[][] z : states(model, prompts, at)) {
            holds.add(conditions.strength(state, z[state]) >= conditions.target(state));
        }
        return holds;
    }

    /**
     * Returns the arm that steers the prompts for which the condition holds, at the tokens that the steered model's
     * {@link rudder.model.Positions} choose, and leaves other prompts alone.
     *
     * <p>{@link #holds} decides, before the first token is steered. In a chat the gate reads the message alone, at the
     * tokens that {@code at} chose when it was fitted. It does not see the marks of the chat template, which the model
     * reads around the message. With {@link ReadAt#LAST} it decides at the message's last token, not at the chat's.
     */
    public ControllerFactory whenPrompt(Arm controller) {
        var factory = ControllerFactory.of(controller);
        var name = factory.name() + " if " + this.name;
        var alone = Controller.none().named(name);
        // prompts that share a controller share its named copy, which is uploaded once
        Map<Controller, Controller> copies = Collections.synchronizedMap(new WeakHashMap<>());
        UnaryOperator<BiFunction<LanguageModel, String, Controller>> gate = maker -> (model, prompt) -> {
            Check.that(
                    !factory.rewrites(List.of(prompt)),
                    "the arm '%s' steers by its prompt: a condition decides about controllers only",
                    factory.name());
            return holds(model, List.of(prompt)).get(0)
                    ? copies.computeIfAbsent(maker.apply(model, prompt), one -> one.named(name))
                    : alone;
        };
        return new ControllerFactory(
                name, gate.apply(factory.controller()), gate.apply(factory.inChat()), UnaryOperator.identity());
    }

    /**
     * Returns the controller behind gates: each of its laws acts where the state that it measures fulfils the condition
     * of its own block.
     *
     * @throws IllegalArgumentException if a law measures z_0, where no condition is fitted, or attention heads
     */
    public Controller whenToken(Controller controller) {
        Check.that(
                !controller.blocks(HookPoint.RESID_PRE).contains(0),
                "controller '%s' has a law that measures z_0, where no condition is fitted: steer from block 1 on",
                controller.name());
        return controller.onlyWhen(conditions, 0, Double.POSITIVE_INFINITY).named(controller.name() + " while " + name);
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "CastCondition[%s, decides at z_%d, F1 %.3f]", name, state, f1());
    }
}
