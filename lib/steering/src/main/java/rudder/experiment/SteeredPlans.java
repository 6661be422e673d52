package rudder.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Does a regulator lead a plan that knows what its own inputs do? In {@link FeedbackExperiment} the open side of the
 * regulators is frozen along the prompt's unsteered trace, so that it misses the loop's measurements and its own past
 * alike. Here it is planned along the steered trace, and misses the measurements alone.
 *
 * <p>All else is that plan's: concepts, openings, dose and judges. But this one was made after the results of that one
 * were known: what it finds is exploratory. It meets undisturbed openings, and those on the topic, where a lead was
 * found.
 *
 * <p>As a program: {@code binder/experiment MODEL ROWS plans}.
 */
public final class SteeredPlans {

    static final List<String> TWINS = List.of("A-LQR planned / A-LQR", "LQ tracker planned / LQ tracker");
    private static final List<String> DISTURBANCES = List.of("none", "on topic");

    private SteeredPlans() {}

    /**
     * Returns the plan for one model.
     *
     * @param rows test openings of each concept
     * @param data the folder {@code data}
     * @throws IOException if a file of prompts is missing
     */
    public static Experiment plan(String model, int rows, Path data) throws IOException {
        var plan = FeedbackExperiment.plan(model, rows, data);
        return new Experiment(
                plan.models(),
                plan.choosing(),
                plan.judged(),
                plan.calibration(),
                plan.openings(),
                TWINS,
                plan.doses(),
                plan.disturbances().stream()
                        .filter(one -> DISTURBANCES.contains(one.name()))
                        .toList(),
                plan.tokens(),
                plan.margin());
    }

    /** Returns the folder of a model's texts in the folder {@code data}. */
    public static Path texts(String model, Path data) {
        var texts = FeedbackExperiment.texts(model, data);
        return texts.resolveSibling(texts.getFileName() + ".plans");
    }

    /**
     * Runs what {@link #texts} lacks, judges all texts, and writes {@code plans.MODEL.csv}: {@code MODEL ROWS DATA
     * RESULTS}. With {@code read} as a fifth argument it runs nothing and judges what is there.
     */
    public static void main(String[] args) throws IOException {
        var program = PlanProgram.of(args);
        var data = program.data();
        var results = program.results(
                plan(program.model(), program.rows(), data),
                texts(program.model(), data),
                Experiment.Setup.standard(data.resolve("concepts").toString()).with(Twins.planned()));
        FeedbackExperiment.judged(results.whole(), data).write(program.table("plans"));
        System.out.println(results);
    }
}
