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
 * What controllers are tried on: texts to steer by, prompts to tune on, other prompts to judge on, and the judges.
 *
 * <pre>{@code
 * var task = new Task("toxicity", rudeness, tuning, evaluation, List.of(judge.metric()), Comparison.settings().tokens(24));
 * task.run(model, folder, Controller.none(), lqr).table()
 * }</pre>
 *
 * <p>{@link #run} keeps every completion in the folder, one file of JSON lines a controller: first what it was made
 * from and by, then a completion a line. It is slow work that may be killed: run again, it goes on where it was. A file
 * is only gone on with by the same task, settings, model and controller, which is known by its name and by what it does
 * to the first prompt.
 *
 * @param name of the task and of its folder
 * @param steering what features and Jacobians are taken from
 * @param tuning prompts that parameters may be chosen on
 * @param evaluation prompts that results are reported on
 * @param scores what completions are judged by, beside a {@link Comparison}'s own scores; see {@link Judge#metric}
 * @param settings how they are written
 */
public record Task(
        String name,
        ContrastSet factory,
        PromptSet tuning,
        PromptSet evaluation,
        List<Metric> metrics,
        Comparison.Settings settings) {

    /**
     * @throws IllegalArgumentException if a text is in two of the sets, letters' case and outer blanks aside, or the
     *     settings ask for KL, which is not kept
     */
    public Task {
        metrics = List.copyOf(metrics);
        var homes = new HashMap<String, String>();
        place(
                homes,
                "steering",
                Stream.concat(factory.positive().stream(), factory.negative().stream())
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
                                + " texts: wanted none in both, since what was seen before judges nothing");
            }
        }
    }

    /**
     * {@link GridSearch#search} on the tuning prompts, by this task's scores; completions are kept as by {@link #run}.
     *
     * @throws IOException if a file cannot be written, or a line of one that is there is damaged; the message names the
     *     line
     */
    public GridSearch tune(LanguageModel model, Path folder, Objective objective, ControllerFamily... families)
            throws IOException {
        return GridSearch.of(
                judged(
                        model,
                        written(model, folder.resolve(name + ", tuning"), tuning, ControllerFamily.arms(families))),
                objective,
                families);
    }

    /**
     * Continues the evaluation prompts under every controller, and scores what was written. What the folder has already
     * is not written again.
     *
     * @param folder where completions are kept; made if it is not there
     * @throws IOException if a file cannot be written, or a line of one that is there is damaged; the message names the
     *     line
     */
    public Comparison run(LanguageModel model, Path folder, Arm... arms) throws IOException {
        return judged(model, written(model, folder.resolve(name), evaluation, arms));
    }

    /** A controller's part of a task, of which so many prompts were done before. */
    private record Run(ControllerFactory factory, Transcript transcript, int done) {}

    private Map<String, List<Completion>> written(LanguageModel model, Path home, PromptSet set, Arm... arms)
            throws IOException {
        var factories = ControllerFactory.all(arms);
        var prompts = set.prompts();
        double[] unsteered = Transcript.last(model, prompts.get(0), ControllerFactory.of(Controller.none()));
        var runs = new ArrayList<Run>();
        try (var job = Progress.of(
                home.getFileName() + ", " + prompts.size() + " prompts", (long) prompts.size() * factories.size())) {
            for (var batch : Batch.of(factories.size(), prompts.size())) {
                // not all before the first is written: a controller may be large, and is made when it is first asked
                // for
                for (int arm = runs.size(); arm < batch.endArm(); arm++) {
                    var transcript = Transcript.of(home, model, set, settings, factories.get(arm), unsteered);
                    runs.add(new Run(factories.get(arm), transcript, transcript.open()));
                }
                var left = runs.subList(batch.firstArm(), batch.endArm()).stream()
                        .filter(run -> run.done <= batch.first())
                        .toList();
                if (!left.isEmpty()) {
                    var written = settings.write(
                                    model,
                                    left.stream().map(Run::factory).toList(),
                                    batch.ofPrompts(prompts),
                                    batch.first())
                            .iterator();
                    for (var run : left) {
                        run.transcript.append(written.next());
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
     * Scores what {@link #run} has kept, without writing anything: the same table, or another one by other scores.
     *
     * @throws IOException if the folder lacks a whole run of one of the controllers, or has several of that name; or a
     *     line is damaged
     */
    public Comparison judge(LanguageModel model, Path folder, String... controllers) throws IOException {
        var completions = new LinkedHashMap<String, List<Completion>>();
        for (var controller : controllers) {
            var written = Transcript.find(folder.resolve(name), model, evaluation, settings, controller)
                    .read();
            if (written.size() < evaluation.prompts().size()) {
                throw new IOException(
                        "the run of '" + controller + "' in " + folder + " stopped after " + written.size() + " of "
                                + evaluation.prompts().size() + " prompts: run the task again, it will go on there");
            }
            completions.put(controller, written);
        }
        return judged(model, completions);
    }

    private Comparison judged(LanguageModel model, Map<String, List<Completion>> completions) {
        return Comparison.of(model, settings, completions).with(metrics);
    }

    @Override
    public String toString() {
        return "Task[" + name + ", " + factory + ", " + tuning.prompts().size() + " tuning and "
                + evaluation.prompts().size() + " evaluation prompts]";
    }
}
