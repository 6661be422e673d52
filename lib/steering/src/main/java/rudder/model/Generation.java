package rudder.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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

    /** One text: the tokens generated so far, and the measurements of each pass. */
    private static final class Row {
        final int[] tokens;
        final Sampler sampler;
        final TextStream stream;
        final StringBuilder generated = new StringBuilder();
        final List<double[]> strengths = new ArrayList<>();
        final List<double[]> energies = new ArrayList<>();
        int length;
        boolean ended;

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
            next = choose(step, passes.next(step, next, generated(positions, step - 1)), conductor);
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
                    row.strengths.toArray(double[][]::new),
                    row.energies.toArray(double[][]::new)));
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

    /** Chooses a token for each row. Returns the next pass's tokens; null if the texts have ended. */
    private int[] choose(int index, Passes.Result pass, Conductor conductor) {
        int vocabulary = pass.logits().length / rows.length;
        int[] next = new int[rows.length];
        var pieces = new String[rows.length];
        var ended = new boolean[rows.length];
        boolean open = false;
        for (int i = 0; i < rows.length; i++) {
            Row row = rows[i];
            pieces[i] = "";
            ended[i] = row.ended;
            if (row.ended) {
                continue;
            }
            int token = token(i, index, next, conductor, pass.logits(), vocabulary);
            row.tokens[row.length++] = token;
            next[i] = token;
            if (measures) {
                row.strengths.add(pass.strengths().get(0)[i]);
            }
            row.energies.add(pass.energies()[i]);
            row.ended = tokenizer.stopTokens().contains(token);
            ended[i] = row.ended;
            open |= !row.ended;
            if (!row.ended) {
                pieces[i] = row.stream.accept(token);
                row.generated.append(pieces[i]);
            }
        }
        var step = new Conductor.Step(
                index, next.clone(), pieces, ended, pass.strengths(), pass.energies(), pass.logits());
        return conductor.after(step) && open ? next : null;
    }

    private int token(int i, int index, int[] chosen, Conductor conductor, float[] logits, int vocabulary) {
        int given = conductor.token(i, index, Arrays.copyOf(chosen, i));
        if (given == Conductor.FREE) {
            return rows[i].sampler.next(logits, i * vocabulary, vocabulary);
        }
        model.prompts().require(new int[] {given}, 0);
        rows[i].sampler.accept(given);
        return given;
    }
}
