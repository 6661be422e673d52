package rudder.eval;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import rudder.checkpoint.format.Progress;
import rudder.compare.Batch;
import rudder.compare.Comparison;
import rudder.compare.ControllerFamily;
import rudder.compare.GridSearch;
import rudder.compare.Metric;
import rudder.compare.Objective;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.PromptSet;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;

/**
 * A task on which controllers are tried: a contrast set to steer by, prompts to tune on, other prompts to evaluate on,
 * and metrics.
 *
 * <pre>{@code
 * var metrics = List.of(judge.metric());
 * var task = new Task("toxicity", rudeness, tuning, evaluation, metrics, Comparison.settings().tokens(24));
 * task.run(model, folder, Controller.none(), lqr).table()
 * }</pre>
 *
 * <p>{@link #run} saves every completion in the folder, in one file of JSON lines for each controller. The first line
 * says where the completions come from; each other line is a completion. A run that was killed continues where it
 * stopped: each batch of completions is on the disk before the next is generated. It continues a file only for the same
 * task, settings, model and controller. A controller is known by its name and by its effect on the first prompt.
 *
 * @param name the name of the task and of its folder
 * @param contrast the texts that features and Jacobians come from
 * @param tuning the prompts on which parameters may be chosen
 * @param evaluation the prompts on which results are reported
 * @param metrics scores of completions, beside a {@link Comparison}'s own metrics; see {@link Judge#metric}
 * @param settings how completions are generated
 */
public record Task(
        String name,
        ContrastSet contrast,
        PromptSet tuning,
        PromptSet evaluation,
        List<Metric> metrics,
        Comparison.Settings settings) {

    /**
     * Ignores case and outer blanks when it compares texts.
     *
     * @throws IllegalArgumentException if two of the sets share a text, or the settings ask for KL, which is not saved
     */
    public Task {
        metrics = List.copyOf(metrics);
        var homes = new HashMap<String, String>();
        place(
                homes,
                "steering",
                Stream.concat(contrast.positive().stream(), contrast.negative().stream())
                        .distinct()
                        .toList(),
                name);
        place(homes, "tuning", tuning.prompts(), name);
        place(homes, "evaluation", evaluation.prompts(), name);
        if (settings.divergence()) {
            throw new IllegalArgumentException("the task " + name
                    + " asks for KL, which stored completions do not have: wanted settings without it");
        }
    }

    private static void place(Map<String, String> homes, String home, List<String> texts, String task) {
        for (var text : texts) {
            var other = homes.putIfAbsent(text.strip().toLowerCase(Locale.ROOT), home);
            if (other != null && !other.equals(home)) {
                throw new IllegalArgumentException(
                        "the task " + task + " has \"" + text + "\" among its " + other + " and its " + home
                                + " texts: wanted none in both, since a text seen in tuning proves nothing");
            }
        }
    }

    /**
     * Runs {@link GridSearch#search} on the tuning prompts, by this task's metrics. Saves completions as {@link #run}
     * does.
     *
     * @throws IOException if a file cannot be written, or an existing file is damaged; the message names the line. Also
     *     if another thread or process runs this task in this folder
     */
    public GridSearch tune(LanguageModel model, Path folder, Objective objective, ControllerFamily... families)
            throws IOException {
        return GridSearch.of(
                judged(
                        model,
                        generated(model, folder.resolve(name + ", tuning"), tuning, ControllerFamily.arms(families))),
                objective,
                families);
    }

    /**
     * Continues the evaluation prompts under every controller, and scores the completions. Does not generate again the
     * completions that the folder has.
     *
     * @param folder where completions are saved; made if it is missing
     * @throws IOException if a file cannot be written, or an existing file is damaged; the message names the line. Also
     *     if another thread or process runs this task in this folder
     */
    public Comparison run(LanguageModel model, Path folder, Arm... arms) throws IOException {
        return judged(model, generated(model, folder.resolve(name), evaluation, arms));
    }

    /** A controller's part of a task, and the number of prompts done before. */
    private record Run(ControllerFactory factory, Transcript transcript, int done) {}

    private Map<String, List<Completion>> generated(LanguageModel model, Path home, PromptSet set, Arm... arms)
            throws IOException {
        var factories = ControllerFactory.all(arms);
        var prompts = set.prompts();
        double[] unsteered = Transcript.last(model, prompts.get(0), ControllerFactory.of(Controller.none()));
        var runs = new ArrayList<Run>();
        try (var lock = Transcript.lock(home);
                var job = Progress.of(
                        home.getFileName() + ", " + prompts.size() + " prompts",
                        (long) prompts.size() * factories.size())) {
            for (var batch : Batch.of(factories.size(), prompts.size())) {
                // opens a transcript only when its turn comes: this makes the controller, which may be large
                for (int arm = runs.size(); arm < batch.endArm(); arm++) {
                    var transcript = Transcript.of(home, model, set, settings, factories.get(arm), unsteered);
                    runs.add(new Run(factories.get(arm), transcript, transcript.open(lock)));
                }
                var left = runs.subList(batch.firstArm(), batch.endArm()).stream()
                        .filter(run -> run.done <= batch.first())
                        .toList();
                if (!left.isEmpty()) {
                    var generated = settings.write(
                                    model,
                                    left.stream().map(Run::factory).toList(),
                                    batch.ofPrompts(prompts),
                                    batch.first())
                            .iterator();
                    for (var run : left) {
                        run.transcript.append(generated.next());
                    }
                }
                job.advance(batch.texts());
            }
        }
        var completions = new LinkedHashMap<String, List<Completion>>();
        for (var run : runs) {
            completions.put(run.factory.name(), run.transcript.read());
        }
        return completions;
    }

    /**
     * Scores the completions that {@link #run} has saved, without generating any. With other metrics than in the run,
     * this gives another table of the same texts.
     *
     * @throws IOException if the folder lacks a whole run of a controller or has several of its name, or a line is
     *     damaged
     */
    public Comparison judge(LanguageModel model, Path folder, String... controllers) throws IOException {
        var completions = new LinkedHashMap<String, List<Completion>>();
        for (var controller : controllers) {
            var saved = Transcript.find(folder.resolve(name), model, evaluation, settings, controller)
                    .read();
            if (saved.size() < evaluation.prompts().size()) {
                throw new IOException("the run of '" + controller + "' in " + folder + " stopped after " + saved.size()
                        + " of " + evaluation.prompts().size() + " prompts: run the task again, it will go on there");
            }
            completions.put(controller, saved);
        }
        return judged(model, completions);
    }

    private Comparison judged(LanguageModel model, Map<String, List<Completion>> completions) {
        return Comparison.of(model, settings, completions).with(metrics);
    }

    @Override
    public String toString() {
        return "Task[" + name + ", " + contrast + ", " + tuning.prompts().size() + " tuning and "
                + evaluation.prompts().size() + " evaluation prompts]";
    }
}
