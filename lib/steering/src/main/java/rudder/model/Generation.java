package rudder.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.tokenizer.TextStream;
import rudder.checkpoint.tokenizer.Tokenizer;
import rudder.model.engine.Sampler;
import rudder.model.pass.Passes;
import rudder.theory.Check;
import rudder.theory.control.Controller;

/** Writes one batch of texts: chooses a token for each after every pass. */
final class Generation {

    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final List<Prompt> prompts;
    private final int maxTokens;
    private final boolean measures;
    private final Row[] rows;
    private final List<Passes.Measured> passes = new ArrayList<>(); // that chose tokens

    /** One text: the tokens generated so far. A pass chose each. */
    private static final class Row {
        final int[] tokens;
        final Sampler sampler;
        final TextStream stream;
        final StringBuilder generated = new StringBuilder();
        int length;
        boolean ended;
        boolean free = true; // the model chose the last token, not the conductor

        Row(int[] prompt, int maxTokens, Sampler sampler, TextStream stream) {
            tokens = new int[maxTokens];
            sampler.accept(prompt);
            this.sampler = sampler;
            this.stream = stream;
        }
    }

    /**
     * @param draws the number of each text in the whole list. The sampler's seed depends on it, so that batches of any
     *     size give the same tokens
     * @param measures whether completions report the first feature that the passes measure
     */
    Generation(
            LanguageModel model,
            List<Prompt> prompts,
            IntUnaryOperator draws,
            int maxTokens,
            Sampling sampling,
            boolean measures) {
        this.model = model;
        tokenizer = model.tokenizer();
        this.prompts = prompts;
        this.maxTokens = maxTokens;
        this.measures = measures;
        rows = new Row[prompts.size()];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = new Row(
                    prompts.get(i).tokens(), maxTokens, sampling.sampler(draws.applyAsInt(i)), tokenizer.stream());
        }
    }

    /**
     * Generates up to {@code maxTokens} tokens for each prompt.
     *
     * @param controllers of each prompt
     * @param job counts the tokens of all rows
     */
    List<Completion> run(
            Passes passes, Positions positions, List<Controller> controllers, Conductor conductor, Progress job) {
        var steered = prompts.stream()
                .map(prompt ->
                        positions.ofPrompt(prompt.tokens().length, positions.usesRoles() ? prompt.roles() : null))
                .toList();
        var now = controllers;
        int[] next = choose(0, passes.prompts(steered), conductor);
        int step = 1;
        for (; step < maxTokens && next != null; step++) {
            job.advance(rows.length);
            model.transformer().lifetime.check(step, maxTokens, "tokens");
            var wanted = conductor.controllers(step, now);
            if (!same(wanted, now)) {
                passes.steer(wanted);
                now = wanted;
            }
            next = choose(step, passes.next(step, next, generated(positions, step - 1), ended()), conductor);
        }
        job.advance((long) rows.length * (maxTokens - step + 1)); // the last, and those that stop tokens spared
        var completions = new ArrayList<Completion>();
        for (int i = 0; i < rows.length; i++) {
            Row row = rows[i];
            row.generated.append(row.stream.finish());
            completions.add(new Completion(
                    prompts.get(i).text(),
                    row.generated.toString(),
                    prompts.get(i).tokens(),
                    Arrays.copyOf(row.tokens, row.length),
                    row.ended,
                    controllers.get(i).name(),
                    positions,
                    measures ? measured(i, pass -> pass.strengths().get(0)) : new double[0][],
                    measured(i, Passes.Measured::energies)));
        }
        return completions;
    }

    private static boolean same(List<Controller> wanted, List<Controller> now) {
        Check.length("the conductor's controllers", wanted.size(), now.size());
        return IntStream.range(0, now.size()).allMatch(i -> wanted.get(i) == now.get(i));
    }

    /** Returns whether each row's generated token of this index is steered, [B][1]. */
    private List<boolean[]> generated(Positions positions, int index) {
        return prompts.stream()
                .map(prompt ->
                        new boolean[] {positions.ofGenerated(prompt.tokens().length, index, prompt.chat() != null)})
                .toList();
    }

    private boolean[] ended() {
        var ended = new boolean[rows.length];
        for (int i = 0; i < rows.length; i++) {
            ended[i] = rows[i].ended;
        }
        return ended;
    }

    /** Returns a measurement of each pass that chose a token of row i. */
    private double[][] measured(int i, Function<Passes.Measured, double[][]> measurement) {
        return passes.stream()
                .limit(rows[i].length)
                .map(pass -> measurement.apply(pass)[i])
                .toArray(double[][]::new);
    }

    /** Chooses a token for each row. Returns the next pass's tokens; null if the texts have ended. */
    private int[] choose(int index, Passes.Result pass, Conductor conductor) {
        passes.add(pass.measured());
        var choices = pass.logits()
                .choices(Arrays.stream(rows).map(row -> row.sampler).toList(), i -> rows[i].free && !rows[i].ended);
        int[] next = new int[rows.length];
        var pieces = new String[rows.length];
        boolean open = false;
        for (int i = 0; i < rows.length; i++) {
            Row row = rows[i];
            pieces[i] = "";
            if (row.ended) {
                continue;
            }
            int token = token(i, index, next, conductor, choices);
            row.tokens[row.length++] = token;
            next[i] = token;
            row.ended = tokenizer.stopTokens().contains(token);
            open |= !row.ended;
            if (!row.ended) {
                pieces[i] = row.stream.accept(token);
                row.generated.append(pieces[i]);
            }
        }
        return conductor.after(new Conductor.Step(index, next.clone(), pieces, ended(), pass)) && open ? next : null;
    }

    private int token(int i, int index, int[] chosen, Conductor conductor, IntUnaryOperator choices) {
        int given = conductor.token(i, index, Arrays.copyOf(chosen, i));
        rows[i].free = given == Conductor.FREE;
        if (rows[i].free) {
            return choices.applyAsInt(i);
        }
        model.prompts().require(new int[] {given}, 0);
        rows[i].sampler.accept(given);
        return given;
    }
}
