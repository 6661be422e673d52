package rudder.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.IntSupplier;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.tokenizer.TextStream;
import rudder.checkpoint.tokenizer.Tokenizer;
import rudder.model.engine.Sampler;
import rudder.model.pass.Passes;
import rudder.theory.Check;
import rudder.theory.control.Controller;

/**
 * Writes texts: chooses a token for each after every pass. Where the passes have fewer places than there are texts, a
 * text that ends leaves its place to the next one.
 */
final class Generation {

    /** The part of the places that must be free before texts begin: prompts that are read together cost less. */
    private static final int FREE = 16;

    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final List<Prompt> prompts;
    private final Positions positions;
    private final int maxTokens;
    private final IntFunction<Sampler> samplers;
    private final boolean measures;
    private final Row[] rows; // null before a text begins
    private final BitSet going = new BitSet();
    private final int[] next; // token of each text that goes on
    private final boolean[] steered; // whether that is steered
    private final List<Measured> passes = new ArrayList<>();
    private int begun;

    /** What a pass measured, without its logits; row i is that of text {@code texts[i]}. */
    private record Measured(int[] texts, Passes.Measured rows) {}

    /** One text: the tokens generated so far. A pass chose each. */
    private final class Row {
        final int[] tokens = new int[maxTokens];
        final Sampler sampler;
        final TextStream stream = tokenizer.stream();
        final StringBuilder generated = new StringBuilder();
        final int first; // pass
        int length;
        boolean ended; // with a stop token
        boolean free = true; // the model chose the last token, not the conductor

        Row(int[] prompt, Sampler sampler, int first) {
            sampler.accept(prompt);
            this.sampler = sampler;
            this.first = first;
        }
    }

    /**
     * @param positions that are steered
     * @param draws the number of each text in the whole list. The sampler's seed depends on it, so that batches of any
     *     size give the same tokens
     * @param measures whether completions report the first feature that the passes measure
     */
    Generation(
            LanguageModel model,
            List<Prompt> prompts,
            Positions positions,
            IntUnaryOperator draws,
            int maxTokens,
            Sampling sampling,
            boolean measures) {
        this.model = model;
        tokenizer = model.tokenizer();
        this.prompts = prompts;
        this.positions = positions;
        this.maxTokens = maxTokens;
        this.measures = measures;
        samplers = i -> sampling.sampler(draws.applyAsInt(i));
        rows = new Row[prompts.size()];
        next = new int[rows.length];
        steered = new boolean[rows.length];
    }

    /**
     * Generates up to {@code maxTokens} tokens for each prompt.
     *
     * @param controllers of each prompt
     * @param job counts the tokens of all rows
     */
    List<Completion> run(Passes forward, List<Controller> controllers, Conductor conductor, Progress job) {
        var now = controllers;
        begin(forward);
        boolean goesOn = true;
        for (int index = 0; goesOn && !going.isEmpty(); index++) {
            if (index > 0) {
                check(forward, index);
                var wanted = conductor.controllers(index, now);
                if (!same(wanted, now)) {
                    Check.each("controller", wanted).forEach(one -> SteeredModel.requireFits(model, one));
                    forward.steer(wanted);
                    now = wanted;
                }
            }
            goesOn = choose(index, forward.next(next, steered, going), conductor, job);
            int free = forward.places() - going.cardinality();
            if (goesOn && begun < rows.length && free * FREE >= forward.places()) {
                begin(forward);
            }
        }
        going.stream().forEach(i -> job.advance(maxTokens - rows[i].length)); // the conductor spared them
        return IntStream.range(0, rows.length)
                .mapToObj(i -> completion(i, controllers.get(i)))
                .toList();
    }

    /** Stops where the work must end. */
    private void check(Passes forward, int index) {
        if (forward.places() < rows.length) {
            model.transformer().lifetime.check(begun - going.cardinality(), rows.length, "texts");
        } else {
            model.transformer().lifetime.check(index, maxTokens, "tokens");
        }
    }

    /** Begins as many texts as there are free places. */
    private void begin(Passes forward) {
        int first = begun;
        begun = Math.min(rows.length, first + forward.places() - going.cardinality());
        var of = new ArrayList<boolean[]>();
        for (int i = first; i < begun; i++) {
            int[] tokens = prompts.get(i).tokens();
            rows[i] = new Row(tokens, samplers.apply(i), passes.size());
            of.add(positions.ofPrompt(
                    tokens.length, positions.usesRoles() ? prompts.get(i).roles() : null));
            going.set(i);
            next[i] = tokens[tokens.length - 1];
            steered[i] = of.get(i - first)[tokens.length - 1];
        }
        forward.begin(first, begun, of);
    }

    private static boolean same(List<Controller> wanted, List<Controller> now) {
        Check.length("the conductor's controllers", wanted.size(), now.size());
        return IntStream.range(0, now.size()).allMatch(i -> wanted.get(i) == now.get(i));
    }

    private boolean[] ended() {
        var ended = new boolean[rows.length];
        for (int i = 0; i < begun; i++) {
            ended[i] = rows[i].ended;
        }
        return ended;
    }

    private Completion completion(int i, Controller controller) {
        Row row = rows[i];
        row.generated.append(row.stream.finish());
        return new Completion(
                prompts.get(i).text(),
                row.generated.toString(),
                prompts.get(i).tokens(),
                Arrays.copyOf(row.tokens, row.length),
                row.ended,
                controller.name(),
                positions,
                measures ? measured(i, pass -> pass.strengths().get(0)) : new double[0][],
                measured(i, Passes.Measured::energies));
    }

    /** Returns a measurement of each pass that chose a token of row i. */
    private double[][] measured(int i, Function<Passes.Measured, double[][]> measurement) {
        int first = rows[i].first;
        return passes.subList(first, first + rows[i].length).stream()
                .map(pass -> measurement.apply(pass.rows)[Arrays.binarySearch(pass.texts, i)])
                .toArray(double[][]::new);
    }

    /** Chooses a token for each text that goes on. Returns whether the conductor lets them. */
    private boolean choose(int index, Passes.Result pass, Conductor conductor, Progress job) {
        passes.add(new Measured(pass.texts(), pass.measured()));
        int[] texts = pass.texts();
        var choices = pass.logits()
                .choices(
                        Arrays.stream(texts).mapToObj(i -> rows[i].sampler).toList(),
                        row -> rows[texts[row]].free && going.get(texts[row]));
        int[] chosen = new int[rows.length];
        var pieces = new String[rows.length];
        Arrays.fill(pieces, "");
        for (int at = 0; at < texts.length; at++) {
            int i = texts[at];
            if (!going.get(i)) {
                continue;
            }
            Row row = rows[i];
            int own = at;
            chosen[i] = token(i, chosen, conductor, () -> choices.applyAsInt(own));
            row.tokens[row.length++] = chosen[i];
            row.ended = tokenizer.stopTokens().contains(chosen[i]);
            if (!row.ended) {
                pieces[i] = row.stream.accept(chosen[i]);
                row.generated.append(pieces[i]);
            }
            goOn(i);
            job.advance(going.get(i) ? 1 : maxTokens - row.length + 1); // a stop token spares the others
        }
        return conductor.after(new Conductor.Step(index, chosen, pieces, ended(), pass));
    }

    /** Prepares the token that was chosen last, unless the text is over. */
    private void goOn(int i) {
        Row row = rows[i];
        going.set(i, !row.ended && row.length < maxTokens);
        next[i] = row.ended ? 0 : row.tokens[row.length - 1];
        steered[i] = positions.ofGenerated(
                prompts.get(i).tokens().length, row.length - 1, prompts.get(i).chat() != null);
    }

    private int token(int i, int[] chosen, Conductor conductor, IntSupplier choice) {
        Row row = rows[i];
        int given = conductor.token(i, row.length, Arrays.copyOf(chosen, i));
        row.free = given == Conductor.FREE;
        if (row.free) {
            return choice.getAsInt();
        }
        model.prompts().require(new int[] {given}, 0);
        row.sampler.accept(given);
        return given;
    }
}
