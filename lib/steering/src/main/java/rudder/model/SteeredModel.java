package rudder.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.tokenizer.Message;
import rudder.model.pass.Divergences;
import rudder.model.pass.Passes;
import rudder.model.pass.Placement;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.model.transformer.DeviceLaws;
import rudder.theory.Check;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/**
 * A view of a model through a controller: z_{k+1} = phi_k(z_k) + u_k at the last token of the prompt and at every
 * generated token, or {@link #atPositions} other {@link Positions}. The view is cheap, and the model does not change.
 */
public final class SteeredModel extends TextGenerator {

    /** Prompts whose texts are written under all arms before the next ones are. */
    public static final int BATCH = 16;
    /**
     * Texts that are written side by side, under one controller or several. Every pass reads all weights, however few
     * texts there are. So a text that ends leaves its place to the next one of its list, where the heap writes them.
     */
    public static final int TEXTS = 64;

    /** With so many texts side by side, the heap is as fast as the engine with {@link #TEXTS}. */
    private static final int FEW = 16;

    private final LanguageModel model;
    private final List<Controller> controllers; // one for all prompts, or one for each; empty with a maker
    private final Function<PromptPlant, Controller> maker; // makes a controller for every token, or null
    private final Positions positions;
    private final Setpoint measured;
    private final int row; // number of the first text, which its random numbers depend on
    private final int round; // after so many texts the numbers repeat

    SteeredModel(
            LanguageModel model,
            List<Controller> controllers,
            Function<PromptPlant, Controller> maker,
            Positions positions,
            Setpoint measured,
            int row,
            int round) {
        Check.each("controller", controllers);
        Check.given("the choice of positions", positions);
        if (controllers.isEmpty() && maker == null) {
            throw new IllegalArgumentException("no controller, wanted one, or one for each prompt");
        }
        controllers.forEach(controller -> requireFits(model, controller));
        if (measured != null) {
            requireMeasurable(model, measured);
        }
        this.model = model;
        this.controllers = List.copyOf(controllers);
        this.maker = maker;
        this.positions = positions;
        this.measured = measured;
        this.row = row;
        this.round = round;
    }

    private static void requireMeasurable(LanguageModel model, Setpoint feature) {
        if (feature.horizon() != model.horizon() || feature.dimension() != model.dimension()) {
            throw new IllegalArgumentException(feature + " has T=" + feature.horizon() + ", d=" + feature.dimension()
                    + ", wanted those of " + model + ": make it from features of this model");
        }
        requireMeasuredOn(model, feature, feature.plant());
    }

    /** Refuses a controller of another shape, or that was measured on another model. */
    static void requireFits(LanguageModel model, Controller controller) {
        controller.requireFits(
                model.horizon(), model.dimension(), model.transformer().config.headsWidth());
        requireMeasuredOn(model, "controller '" + controller.name() + "'", controller.plant());
    }

    private static void requireMeasuredOn(LanguageModel model, Object what, Optional<String> plant) {
        plant.filter(sha256 -> !sha256.equals(model.sha256())).ifPresent(sha256 -> {
            throw new IllegalArgumentException(what + " was measured on the model with sha256 " + abbreviated(sha256)
                    + "..., but " + model.name() + " has " + abbreviated(model.sha256())
                    + "...: measure it on this model, or say forAnyPlant()");
        });
    }

    private static String abbreviated(String sha256) {
        return sha256.substring(0, Math.min(12, sha256.length()));
    }

    /**
     * Returns the controller; where each prompt has its own, the first prompt's.
     *
     * @throws IllegalStateException if every token has a controller of its own
     */
    public Controller controller() {
        if (maker != null) {
            throw new IllegalStateException(
                    this + " makes a controller for every token: there is no single controller to return");
        }
        return controllers.get(0);
    }

    /** Returns a controller for each prompt's last token. */
    private List<Controller> rows(List<int[]> prompts) {
        if (maker != null) {
            return model.prefill().plants(prompts).stream().map(maker).toList();
        }
        if (controllers.size() > 1 && controllers.size() != prompts.size()) {
            throw new IllegalArgumentException(prompts.size() + " prompts for " + controllers.size()
                    + " controllers, wanted as many, or one controller for all");
        }
        return controllers.size() == 1 ? Collections.nCopies(prompts.size(), controllers.get(0)) : controllers;
    }

    /** Returns the same view, steering these tokens. */
    public SteeredModel atPositions(Positions positions) {
        return new SteeredModel(model, controllers, maker, positions, measured, row, round);
    }

    /** Returns the same view, steering every token of prompt and continuation (the paper's A-LQR+). */
    public SteeredModel atEveryToken() {
        return atPositions(Positions.ALL);
    }

    /**
     * Returns the same view; its completions report the strengths of this setpoint's feature, whatever the controller
     * drives to.
     *
     * @throws IllegalArgumentException if the setpoint does not fit the model, or was measured on another model
     */
    public SteeredModel measuring(Setpoint setpoint) {
        return new SteeredModel(model, controllers, maker, positions, setpoint, row, round);
    }

    /**
     * Returns the same view; its texts are numbered from {@code row} on. A text's random numbers depend on its number,
     * so that a part of a long list of prompts gives the same texts as the whole list.
     */
    public SteeredModel fromRow(int row) {
        return new SteeredModel(model, controllers, maker, positions, measured, row, round);
    }

    /**
     * Returns the same view; it repeats the random seeds every {@code texts} texts. Prompts listed once for each
     * controller then get the same random numbers under each.
     *
     * @throws IllegalArgumentException if {@code texts} is below 1
     */
    public SteeredModel inRounds(int texts) {
        if (texts < 1) {
            throw new IllegalArgumentException("rounds of " + texts + " texts, wanted at least 1");
        }
        return new SteeredModel(model, controllers, maker, positions, measured, row, texts);
    }

    @Override
    LanguageModel model() {
        return model;
    }

    /**
     * Continues prompts given as tokens, in one batch and under a conductor: it sees every token of every text, and may
     * change controllers, insert tokens, or end the texts.
     *
     * @return the texts as far as they came, with the name of the controller that each began with
     * @throws IllegalArgumentException also if there are more than {@value #TEXTS} prompts, this view makes a
     *     controller for every token, or the conductor's features or controllers do not fit this model
     */
    public List<Completion> conduct(List<int[]> prompts, int maxTokens, Sampling sampling, Conductor conductor) {
        Check.some("prompt", prompts).forEach(prompt -> model.prompts().require(prompt, maxTokens));
        Check.given("the conductor", conductor);
        if (prompts.size() > TEXTS || maker != null) {
            throw new IllegalArgumentException("a conductor for " + prompts.size() + " prompts of " + this
                    + ", wanted at most " + TEXTS + ", and controllers that are given");
        }
        var given = prompts.stream()
                .map(tokens -> Prompt.of(tokens, model.decode(tokens)))
                .toList();
        return conducted(given, TEXTS, TEXTS, maxTokens, sampling, job -> conductor);
    }

    @Override
    List<Completion> generate(
            List<Prompt> prompts, int maxTokens, Sampling sampling, Optional<Consumer<String>> onText) {
        if (prompts.size() > 1) {
            return conducted(
                    prompts, FEW, batch(TEXTS), maxTokens, sampling, job -> step -> true); // a stream is one text's
        }
        int[] heard = {0};
        var completions = conducted(prompts, 1, 1, maxTokens, sampling, job -> {
            Consumer<String> receiver = onText.orElse(job::write);
            return step -> {
                if (!step.ended()[0]) {
                    receiver.accept(step.pieces()[0]);
                    heard[0] += step.pieces()[0].length();
                }
                return true;
            };
        });
        onText.ifPresent(receiver -> receiver.accept(completions.get(0).text().substring(heard[0])));
        return completions;
    }

    /**
     * @param least texts that must go on at the same time, if there are so many
     * @param most texts that may
     * @param conducting makes the conductor from the job, which shows a text that is written to it
     */
    private List<Completion> conducted(
            List<Prompt> prompts,
            int least,
            int most,
            int maxTokens,
            Sampling sampling,
            Function<Progress, Conductor> conducting) {
        var rows = rows(tokens(prompts));
        int places = places(prompts, least, most, maxTokens, sampling);
        try (Progress job = Progress.of(title("Generating ", rows, maxTokens), (long) prompts.size() * maxTokens)) {
            var conductor = conducting.apply(job);
            var others = Check.each("feature", conductor.measured());
            others.forEach(feature -> requireMeasurable(model, feature));
            var features =
                    Stream.concat(Stream.ofNullable(measured), others.stream()).toList();
            return inBatches(prompts.size(), places > 0 ? prompts.size() : most, (first, end) -> {
                var controllers = rows.subList(first, end);
                var some = prompts.subList(first, end);
                try (Passes passes = passes(controllers, some, maxTokens, places, features)) {
                    return new Generation(
                                    model, some, positions, i -> draw(first + i), maxTokens, sampling, measured != null)
                            .run(passes, controllers, conductor, job);
                }
            });
        }
    }

    /**
     * Continues texts, and measures how far steering moves each next-token distribution from that of the unsteered
     * model. Costs about as much as writing the texts twice, and less than to read them again.
     *
     * @param asked the texts that this view continues
     * @param prompts the texts that the unsteered model reads in place of each: mostly the same
     * @throws IllegalArgumentException as {@link #generate} does; also if asked and prompts differ in number
     * @throws UnsupportedOperationException if every token has a controller of its own
     */
    public List<MovedText> generateMoved(List<String> asked, List<String> prompts, int maxTokens, Sampling sampling) {
        return moved(asked, prompts, text -> Prompt.of(model.prompts().of(text, maxTokens), text), maxTokens, sampling);
    }

    /** Answers every message by itself, and measures as {@link #generateMoved} does. */
    public List<MovedText> chatMoved(List<String> asked, List<String> messages, int maxTokens, Sampling sampling) {
        return moved(
                asked,
                messages,
                text -> model.prompts().chat(List.of(Message.user(text)), text, maxTokens),
                maxTokens,
                sampling);
    }

    private List<MovedText> moved(
            List<String> asked,
            List<String> prompts,
            Function<String, Prompt> encoded,
            int maxTokens,
            Sampling sampling) {
        Check.length("the texts that are read", Check.some("prompt", asked).size(), prompts.size());
        if (maker != null) {
            throw new UnsupportedOperationException(
                    this + ": no divergence is defined where every token has a controller of its own");
        }
        var texts = asked.stream().map(encoded).toList();
        var unsteered = prompts.stream().map(encoded).toList();
        var rows = rows(tokens(texts));
        // each text and behind it its shadow
        var both = alternating(texts, unsteered);
        var steering = alternating(rows, Collections.nCopies(rows.size(), Controller.none()));
        int most = 2 * batch(TEXTS / 2);
        int places = places(both, FEW, most, maxTokens, sampling) / 2 * 2;
        var features = Stream.ofNullable(measured).toList();
        try (Progress job =
                Progress.of(title("Generating, with KL, ", rows, maxTokens), (long) both.size() * maxTokens)) {
            return inBatches(both.size(), places > 0 ? both.size() : most, (first, end) -> {
                var controllers = steering.subList(first, end);
                var some = both.subList(first, end);
                var divergences = new Divergences((end - first) / 2, maxTokens);
                try (Passes passes = passes(controllers, some, maxTokens, places, features)) {
                    var written = new Generation(
                                    model,
                                    some,
                                    positions,
                                    i -> draw((first + i) / 2),
                                    maxTokens,
                                    sampling,
                                    measured != null)
                            .run(passes, controllers, new Shadows(divergences), job);
                    return IntStream.range(0, (end - first) / 2)
                            .mapToObj(i -> new MovedText(
                                    written.get(2 * i),
                                    divergences.of(i, written.get(2 * i).tokens().length)))
                            .toList();
                }
            });
        }
    }

    private static <E> List<E> alternating(List<E> even, List<E> odd) {
        return IntStream.range(0, even.size())
                .boxed()
                .flatMap(i -> Stream.of(even.get(i), odd.get(i)))
                .toList();
    }

    /** Lets every second text take the tokens of the one before. */
    private record Shadows(Divergences divergences) implements Conductor {
        @Override
        public int token(int text, int index, int[] chosen) {
            return text % 2 == 0 ? FREE : chosen[text - 1];
        }

        @Override
        public boolean after(Step step) {
            divergences.add(step.pass(), step.ended());
            return true;
        }
    }

    /** Returns the number of texts in a batch: whole rounds, if one fits. */
    private int batch(int most) {
        return round > most ? most : most / round * round;
    }

    /**
     * Returns how many texts go on at the same time on the heap; 0 if the engine writes them.
     *
     * @param least texts that must go on at the same time, if there are so many
     * @param most texts that may
     */
    private int places(List<Prompt> prompts, int least, int most, int maxTokens, Sampling sampling) {
        if (maxTokens < 1) {
            throw new IllegalArgumentException("maxTokens is " + maxTokens + ", wanted at least 1");
        }
        Check.given("the sampling", sampling);
        int places = placement().places(tokens(prompts), maxTokens, least, most);
        int together = places > 0 ? places : placement().together(most);
        model.prompts().requireRoom(tokens(prompts), together, maxTokens);
        return places;
    }

    private static String title(String doing, List<Controller> rows, int maxTokens) {
        return doing + (rows.size() == 1 ? "up to " : rows.size() + " x ") + maxTokens + " tokens, "
                + rows.get(0).name();
    }

    /** Returns the random numbers' row of a text. */
    private int draw(int text) {
        return row + text % round;
    }

    private <R> List<R> inBatches(int size, int batch, BiFunction<Integer, Integer, List<R>> made) {
        return model.transformer().lifetime.during(() -> placement().inBatches(size, batch, made));
    }

    private Passes passes(
            List<Controller> controllers, List<Prompt> prompts, int maxTokens, int places, List<Setpoint> features) {
        return placement().passes(tokens(prompts), maxTokens, places, controllers, features);
    }

    private static List<int[]> tokens(List<Prompt> prompts) {
        return prompts.stream().map(Prompt::tokens).toList();
    }

    Placement placement() {
        return new Placement(model.transformer(), model.prefixes(), model.decoder(), this::laws, maker);
    }

    private DeviceLaws laws(List<Controller> rows) {
        rows.forEach(controller -> requireFits(model, controller)); // those made per token come here first
        return new DeviceLaws(model.transformer().manager, model.transformer().type, rows, model.transformer().config);
    }

    /** Returns the states and inputs at the prompt's last token. */
    public ResidualTrace trace(String prompt) {
        return traces(List.of(Check.given("the prompt", prompt))).get(0);
    }

    /** Returns the {@link #trace} of each prompt, computed in batches. */
    public List<ResidualTrace> traces(List<String> prompts) {
        return tracesOfTokens(Check.each("prompt", prompts).stream()
                .map(prompt -> model.encode(prompt))
                .toList());
    }

    /** Returns the {@link #traces} of prompts given as tokens. */
    public List<ResidualTrace> tracesOfTokens(List<int[]> prompts) {
        return streamTraces(prompts).toList();
    }

    /** Streams {@link #tracesOfTokens}; computes a batch at a time, when it is read. */
    Stream<ResidualTrace> streamTraces(List<int[]> prompts) {
        return new Prefill(model, placement()).traces(prompts, rows(prompts), positions);
    }

    /** Returns the next-token logits after a prompt given as tokens, [vocabulary]. */
    public float[] logits(int[] prompt) {
        var controller =
                rows(List.of(Check.given("the list of tokens", prompt))).get(0);
        return new Prefill(model, placement()).logits(prompt, controller, positions);
    }

    /**
     * Returns the negative log-likelihoods in nats of the tokens of each prompt's continuations, as if this view had
     * generated them. Each prompt is read once for all its continuations, and texts are read in batches.
     *
     * @return [prompt][continuation][token].
     * @throws IllegalArgumentException if prompts and lists of continuations differ in number, a prompt and a
     *     continuation do not fit the context, or one of them has no token
     */
    public double[][][] surprisals(List<int[]> prompts, List<List<int[]>> continuations) {
        Check.some("prompt", prompts);
        if (prompts.size() != Check.each("list of continuations", continuations).size()) {
            throw new IllegalArgumentException(prompts.size() + " prompts and " + continuations.size()
                    + " lists of continuations, wanted one list for each prompt");
        }
        var steered = new ArrayList<boolean[]>();
        int most = 0;
        for (int i = 0; i < prompts.size(); i++) {
            int longest = 0;
            for (int j = 0; j < continuations.get(i).size(); j++) {
                String what = "continuation " + (j + 1) + " of prompt " + (i + 1);
                int[] tokens =
                        model.prompts().require(what, continuations.get(i).get(j), 0);
                longest = Math.max(longest, tokens.length);
            }
            steered.add(positions.ofText(model.prompts().require(prompts.get(i), longest).length, longest));
            most = Math.max(most, prompts.get(i).length + longest);
        }
        var likelihoods = placement().likelihoods(most);
        var rows = rows(prompts);
        try (Progress job = Progress.of(
                "Likelihoods behind " + prompts.size() + " prompts, "
                        + rows.get(0).name(),
                prompts.size())) {
            return model.transformer()
                    .lifetime
                    .during(() -> likelihoods.surprisals(prompts, continuations, rows, steered, job::reach));
        }
    }

    @Override
    public String toString() {
        String steering = maker != null
                ? "relinearised at every token"
                : controllers.size() == 1 ? controllers.get(0).name() : controllers.size() + " controllers";
        return "SteeredModel[" + model.name() + ", " + steering
                + (positions.equals(Positions.DEFAULT) ? "" : ", tokens " + positions) + "]";
    }
}
