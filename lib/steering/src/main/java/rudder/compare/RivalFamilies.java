package rudder.compare;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.ReadAt;
import rudder.steer.rival.Baselines;
import rudder.steer.rival.CastCondition;
import rudder.steer.rival.LearnedInputs;
import rudder.steer.rival.OdeSteer;
import rudder.steer.rival.Prompting;
import rudder.steer.rival.SphericalSteering;
import rudder.theory.control.Barrier;
import rudder.theory.control.Controller;
import rudder.theory.control.InputMatrix;

/**
 * Families of the literature's other methods, of nine candidates each as {@link ControllerGrid} has. Candidates are
 * named by their parameters, not by the feature, and are fitted when they first steer.
 *
 * <pre>{@code
 * var grid = ControllerGrid.of(model, set).with(RivalFamilies.of(model, set));
 * grid.families("ActAdd", "ODESteer", "few-shot")
 * }</pre>
 *
 * <p>Open loop: {@code instruction} and {@code few-shot} ({@link Prompting}), {@code PCA} ({@link Features#pca}),
 * {@code PID-AcT} ({@link Baselines#pidAcT}), {@code ODESteer} ({@link OdeSteer}), {@code spherical}
 * ({@link SphericalSteering}), {@code learned} ({@link LearnedInputs}). Closed loop: {@code gated angular}
 * ({@link SphericalSteering#angular}), {@code barrier} and {@code spread barrier} ({@link Barrier}). For conditional
 * steering see {@link #when}.
 *
 * @param openLoop families without a target to measure against
 * @param closedLoop families that measure the feature where they steer
 */
public record RivalFamilies(List<ControllerFamily> openLoop, List<ControllerFamily> closedLoop) {

    /** Instructions; %s is the feature's name. */
    private static final List<String> INSTRUCTIONS = List.of(
            "Write about %s.",
            "The topic is %s.",
            "Continue the text. It is about %s.",
            "Write a text about %s. Mention %s often.",
            "%s",
            "The following text is about %s.",
            "Everything below has to do with %s.",
            "Continue this sentence so that it is about %s.",
            "This is a story about %s. It speaks of %s in every sentence.");

    private static final double[] STRENGTHS = {0.75, 1.25, 1.75};
    private static final double[] FRACTIONS = {0.25, 0.5, 1};
    private static final double[] PARTS = {0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3};
    private static final double[] GAINS = {0.01, 0.03, 0.1};
    private static final double[] ALPHAS = {0.3, 0.6, 0.9};
    private static final double[] SHOTS = {2, 4, 8};
    private static final double[] DRAWS = {1, 2, 3};

    /**
     * Returns the families of a contrast set's feature. Reads the set's texts; all else is fitted later.
     *
     * @throws IllegalArgumentException if the set has fewer than eight positive texts, or sides of different size
     */
    public static RivalFamilies of(LanguageModel model, ContrastSet set) {
        var features = Features.contrast(model, set);
        var pca = Features.pca(model, set, ReadAt.LAST);
        var flow = once(() -> OdeSteer.of(model, set));
        var learned = once(() -> LearnedInputs.fit(model, set));
        Map<Double, Controller> pid = new ConcurrentHashMap<>(); // by gain, fitted once
        int T = features.horizon();
        double[] blocks = {T / 3, 2 * T / 3, 5 * T / 6};
        double[] onward = {0, T / 3, 2 * T / 3};
        return new RivalFamilies(
                List.of(
                        instructions(set.name()),
                        fewShot(set),
                        ControllerFamily.of(
                                "PCA",
                                blocks,
                                STRENGTHS,
                                (block, lambda) -> Controller.actAdd(pca.setpoint(lambda), block.intValue())),
                        ControllerFamily.of("PID-AcT", GAINS, FRACTIONS, (gain, part) -> pid.computeIfAbsent(
                                        gain, g -> Baselines.pidAcT(model, set, 1, g, g))
                                .times(part)),
                        ControllerFamily.of("ODESteer", blocks, STRENGTHS, (block, strength) -> flow.get()
                                .atBlock(block.intValue(), strength)),
                        ControllerFamily.of(
                                "spherical",
                                blocks,
                                ALPHAS,
                                (block, alpha) -> SphericalSteering.atBlock(features, block.intValue(), alpha)),
                        ControllerFamily.of(
                                "learned", PARTS, part -> learned.get().times(part))),
                List.of(
                        ControllerFamily.of(
                                "gated angular",
                                blocks,
                                STRENGTHS,
                                (block, lambda) -> SphericalSteering.angular(features, lambda, block.intValue())),
                        ControllerFamily.of(
                                "barrier",
                                blocks,
                                STRENGTHS,
                                (block, lambda) -> Barrier.atBlock(
                                        features.setpoint(lambda), InputMatrix.everywhere(), block.intValue())),
                        ControllerFamily.of(
                                "spread barrier",
                                onward,
                                FRACTIONS,
                                (from, lambda) -> Barrier.from(
                                        features.setpoint(lambda), InputMatrix.everywhere(), from.intValue()))));
    }

    private static ControllerFamily instructions(String feature) {
        return new ControllerFamily(
                "instruction",
                IntStream.range(0, INSTRUCTIONS.size())
                        .mapToObj(i -> Prompting.instruction(INSTRUCTIONS.get(i).replace("%s", feature))
                                .named("instruction " + (i + 1)))
                        .toList());
    }

    private static ControllerFamily fewShot(ContrastSet set) {
        // the number of examples last: it is the strength of a sweep
        return ControllerFamily.perPrompt(
                "few-shot", DRAWS, SHOTS, (draw, count) -> Prompting.fewShot(set, count.intValue(), draw.longValue()));
    }

    private static <T> Supplier<T> once(Supplier<T> maker) {
        var made = new ConcurrentHashMap<Boolean, T>();
        return () -> made.computeIfAbsent(true, key -> maker.get());
    }

    /**
     * Returns a family whose candidates steer only the prompts for which a condition holds: conditional activation
     * steering. Candidates keep their parameters in their names.
     *
     * <p>A candidate that steers by its prompt is refused when it first steers.
     *
     * @param name of the new family, such as {@code CAST}
     */
    public static ControllerFamily when(CastCondition condition, String name, ControllerFamily family) {
        return new ControllerFamily(
                name,
                family.candidates().stream()
                        .map(candidate -> condition
                                .whenPrompt(candidate)
                                .named(name
                                        + candidate
                                                .name()
                                                .substring(family.name().length())))
                        .toList());
    }

    /** Returns the families of both kinds, open loop first. */
    public Stream<ControllerFamily> all() {
        return Stream.of(openLoop, closedLoop).flatMap(List::stream);
    }
}
