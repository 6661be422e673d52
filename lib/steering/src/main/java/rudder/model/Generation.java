package rudder.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.tokenizer.TextStream;
import rudder.checkpoint.tokenizer.Tokenizer;
import rudder.model.engine.Sampler;
import rudder.model.pass.Passes;

/** Writes one batch of texts: chooses a token for each after every pass. */
final class Generation {

    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final List<Prompt> prompts;
    private final int maxTokens;
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
     */
    Generation(LanguageModel model, List<Prompt> prompts, IntUnaryOperator draws, int maxTokens, Sampling sampling) {
        this.model = model;
        tokenizer = model.tokenizer();
        this.prompts = prompts;
        this.maxTokens = maxTokens;
        rows = new Row[prompts.size()];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = new Row(
                    prompts.get(i).tokens(), maxTokens, sampling.sampler(draws.applyAsInt(i)), tokenizer.stream());
        }
    }

    /**
     * Generates up to {@code maxTokens} tokens for each prompt.
     *
     * @param onText receives the first row's text, in whole characters
     * @param job counts the tokens of all rows
     */
    List<Completion> run(
            Passes passes, Positions positions, List<String> controllers, Consumer<String> onText, Progress job) {
        var steered = prompts.stream()
                .map(prompt ->
                        positions.ofPrompt(prompt.tokens().length, positions.usesRoles() ? prompt.roles() : null))
                .toList();
        int[] next = choose(passes.prompts(steered), onText);
        int step = 1;
        for (; step < maxTokens && next != null; step++) {
            job.advance(rows.length);
            model.transformer().lifetime.check(step, maxTokens, "tokens");
            next = choose(passes.next(step, next, generated(positions, step - 1)), onText);
        }
        job.advance((long) rows.length * (maxTokens - step + 1)); // the last, and those that stop tokens spared
        var completions = new ArrayList<Completion>();
        for (int i = 0; i < rows.length; i++) {
            Row row = rows[i];
            String rest = row.stream.finish();
            row.generated.append(rest);
            if (i == 0) {
                onText.accept(rest);
            }
            completions.add(new Completion(
                    prompts.get(i).text(),
                    row.generated.toString(),
                    prompts.get(i).tokens(),
                    Arrays.copyOf(row.tokens, row.length),
                    row.ended,
                    controllers.get(i),
                    positions,
                    row.strengths.toArray(double[][]::new),
                    row.energies.toArray(double[][]::new)));
        }
        return completions;
    }

    /** Returns whether each row's generated token of this index is steered, [B][1]. */
    private List<boolean[]> generated(Positions positions, int index) {
        return prompts.stream()
                .map(prompt ->
                        new boolean[] {positions.ofGenerated(prompt.tokens().length, index, prompt.chat() != null)})
                .toList();
    }

    /** Chooses a token for each row. Returns the next pass's tokens; null if every row has ended. */
    private int[] choose(Passes.Result pass, Consumer<String> onText) {
        int vocabulary = pass.logits().length / rows.length;
        int[] next = new int[rows.length];
        boolean open = false;
        for (int i = 0; i < rows.length; i++) {
            Row row = rows[i];
            if (row.ended) {
                continue;
            }
            int token = row.sampler.next(pass.logits(), i * vocabulary, vocabulary);
            row.tokens[row.length++] = token;
            next[i] = token;
            if (pass.strengths() != null) {
                row.strengths.add(pass.strengths()[i]);
            }
            row.energies.add(pass.energies()[i]);
            row.ended = tokenizer.stopTokens().contains(token);
            open |= !row.ended;
            if (!row.ended) {
                String piece = row.stream.accept(token);
                row.generated.append(piece);
                if (i == 0) {
                    onText.accept(piece);
                }
            }
        }
        return open ? next : null;
    }
}
