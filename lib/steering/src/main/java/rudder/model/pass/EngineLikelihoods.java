package rudder.model.pass;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.model.engine.EngineAlgebra;
import rudder.model.engine.Overflow;
import rudder.model.engine.PaddedTokens;
import rudder.model.engine.ParallelBatches;
import rudder.model.transformer.DeviceLaws;
import rudder.model.transformer.KvCache;
import rudder.model.transformer.PrefixCache;
import rudder.model.transformer.SteeredPass;
import rudder.model.transformer.Transformer;
import rudder.theory.control.Controller;

/**
 * Computes likelihoods in the engine.
 *
 * @param prefixes keep what prompts have in common
 * @param makeLaws makes the laws of controllers
 */
public record EngineLikelihoods(
        Transformer transformer, PrefixCache prefixes, Function<List<Controller>, DeviceLaws> makeLaws)
        implements Likelihoods {

    /** Prompts in one batch where each has one continuation. */
    private static final int BATCH = 16;
    /** Prompts in one batch where each has several. */
    private static final int QUESTIONS = 10;

    /** Positions whose logits are in memory at the same time. */
    private static final int CHUNK = 64;
    /** Continuations in one batch. Each has a copy of its prompt's keys and values. */
    private static final int MANY = 16;

    /** The laws of some prompts' controllers, a row for each, and the tokens that they steer. */
    private record Steering(DeviceLaws laws, List<boolean[]> tokens) {
        SteeredPass prompts(List<int[]> prompts) {
            return SteeredPass.of(
                    laws,
                    IntStream.range(0, prompts.size())
                            .mapToObj(i -> Arrays.copyOf(tokens.get(i), prompts.get(i).length))
                            .toList());
        }

        /** Returns a pass over {@code count} tokens behind the prompts {@code owners}, which have these lengths. */
        SteeredPass behind(int count, int[] owners, int[] lengths) {
            return SteeredPass.of(
                    laws.of(owners),
                    IntStream.range(0, owners.length)
                            .mapToObj(i -> Arrays.copyOfRange(tokens.get(owners[i]), lengths[i], lengths[i] + count))
                            .toList());
        }
    }

    private <R> Stream<R> batches(int size, int batch, BiFunction<Integer, Integer, R[]> made, IntConsumer reached) {
        return ParallelBatches.of(transformer.manager.getDevice(), size, batch, made, reached).stream()
                .flatMap(Stream::of);
    }

    /** Returns the states z_T [B, d] at the prompts' last tokens. */
    private NDArray lastOf(NDManager scope, List<int[]> prompts, KvCache cache, Steering steering) {
        var padded = PaddedTokens.of(prompts);
        var pass = steering.prompts(prompts);
        int[][] unread = pass.earlier() ? padded.tokens() : prefixes.read(padded, cache);
        return Transformer.last(run(scope, unread, cache, pass, Overflow.IN_PROMPT))
                .reshape(-1, transformer.config.dimension());
    }

    private NDArray run(NDManager scope, int[][] tokens, KvCache cache, SteeredPass pass, String where) {
        NDArray x = transformer.run(scope, tokens, cache, pass.laws(), pass.everyToken(), null);
        if (pass.laws() != null) {
            Overflow.refuse(x, where);
        }
        return x;
    }

    @Override
    public double[][] surprisals(List<int[]> sequences, int[] from) {
        // half batches of a short list, so that both threads have work
        int batch = Math.max(BATCH / 2, Math.min(BATCH, (sequences.size() + 1) / 2));
        return batches(
                        sequences.size(),
                        batch,
                        (first, end) -> ofBatch(sequences.subList(first, end), Arrays.copyOfRange(from, first, end)),
                        done -> {})
                .toArray(double[][]::new);
    }

    @Override
    public double[][][] surprisals(
            List<int[]> prompts,
            List<List<int[]>> continuations,
            List<Controller> controllers,
            List<boolean[]> steered,
            IntConsumer reached) {
        return batches(
                        prompts.size(),
                        QUESTIONS,
                        (first, end) -> {
                            try (DeviceLaws laws = makeLaws.apply(controllers.subList(first, end))) {
                                return surprisals(
                                        prompts.subList(first, end),
                                        continuations.subList(first, end),
                                        new Steering(laws, steered.subList(first, end)));
                            }
                        },
                        reached)
                .toArray(double[][][]::new);
    }

    private double[][] ofBatch(List<int[]> sequences, int[] from) {
        var read = sequences.stream()
                .map(sequence -> Arrays.copyOf(sequence, sequence.length - 1))
                .toList(); // the last token predicts nothing
        int[] before = IntStream.range(0, from.length)
                .map(row -> Math.min(from[row] - 1, read.get(row).length))
                .toArray();
        try (NDManager scope = transformer.manager.newSubManager();
                KvCache cache = prefixes.open(read, before)) {
            int[] pads = cache.pads;
            int start = cache.columns();
            if (start == cache.capacity) {
                return new double[pads.length][0];
            }
            // zeros before and behind the shorter sequences: no token of a sequence sees them
            int[][] tokens = new int[pads.length][cache.capacity - start];
            var next = new ArrayList<int[]>();
            for (int row = 0; row < tokens.length; row++) {
                int known = Math.max(0, start - pads[row]);
                int[] sequence = sequences.get(row);
                int unread = read.get(row).length - known;
                if (unread > 0) {
                    System.arraycopy(sequence, known, tokens[row], pads[row] + known - start, unread);
                }
                next.add(Arrays.copyOfRange(sequence, before[row] + 1, sequence.length));
            }
            NDArray x = transformer.run(scope, tokens, cache, null, false, null); // [B, capacity - start, d]
            var states = new NDList();
            for (int row = 0; row < tokens.length; row++) {
                if (next.get(row).length > 0) {
                    int first = pads[row] + before[row] - start;
                    states.add(x.get(
                            scope, new NDIndex().addIndices(row).addSliceDim(first, first + next.get(row).length)));
                }
            }
            return surprisals(states, next);
        }
    }

    /**
     * Returns the negative log-likelihood in nats of the tokens of each prompt's continuations. Reads all prompts in
     * one batch, then batches of continuations of similar length, of whatever prompts.
     *
     * @return [prompt][continuation][token]
     */
    private double[][][] surprisals(List<int[]> prompts, List<List<int[]>> continuations, Steering steering) {
        var all = continuations.stream().flatMap(List::stream).toList();
        try (NDManager scope = transformer.manager.newSubManager()) {
            var states = states(scope, prompts, continuations, steering);
            var each = Arrays.stream(surprisals(states, all)).iterator();
            return continuations.stream()
                    .map(some -> some.stream().map(continuation -> each.next()).toArray(double[][]::new))
                    .toArray(double[][][]::new);
        }
    }

    /** Returns the states z_T at the tokens that predict each continuation, one continuation after another, [.., d]. */
    private NDList states(NDManager scope, List<int[]> prompts, List<List<int[]>> continuations, Steering steering) {
        var padded = PaddedTokens.of(prompts);
        int[] pads = padded.pads();
        int columns = padded.columns();
        var all = continuations.stream().flatMap(List::stream).toList();
        int[] owner = IntStream.range(0, pads.length)
                .flatMap(i -> continuations.get(i).stream().mapToInt(continuation -> i))
                .toArray();
        try (KvCache read = transformer.cache(pads, columns)) {
            NDArray last = lastOf(scope, prompts, read, steering);
            // states at all tokens but the last [1, length - 1, d]; null where there is no other token
            var behind = new NDArray[all.size()];
            int[] order = IntStream.range(0, behind.length)
                    .filter(i -> all.get(i).length > 1)
                    .boxed()
                    .sorted(Comparator.comparingInt(i -> -all.get(i).length))
                    .mapToInt(i -> i)
                    .toArray();
            for (int first = 0; first < order.length; first += MANY) {
                int[] rows = Arrays.copyOfRange(order, first, Math.min(order.length, first + MANY));
                int[] theirs = Arrays.stream(rows).map(i -> owner[i]).toArray();
                int longest = all.get(rows[0]).length;
                try (KvCache cache = transformer.cache(
                        Arrays.stream(theirs).map(i -> pads[i]).toArray(), columns + longest - 1)) {
                    read.copyTo(cache, columns, theirs);
                    // zeros behind the shorter continuations: none of their tokens sees them
                    int[][] next = Arrays.stream(rows)
                            .mapToObj(i -> Arrays.copyOf(all.get(i), longest - 1))
                            .toArray(int[][]::new);
                    int[] lengths = Arrays.stream(theirs)
                            .map(i -> prompts.get(i).length)
                            .toArray();
                    var pass = steering.behind(longest - 1, theirs, lengths);
                    NDArray x = run(scope, next, cache, pass, Overflow.IN_CONTINUATION);
                    for (int row = 0; row < rows.length; row++) {
                        behind[rows[row]] = x.get(
                                scope,
                                new NDIndex().addSliceDim(row, row + 1).addSliceDim(0, all.get(rows[row]).length - 1));
                    }
                }
            }
            var states = new NDList();
            for (int i = 0; i < behind.length; i++) {
                states.add(last.get(scope, new NDIndex().addSliceDim(owner[i], owner[i] + 1)));
                if (behind[i] != null) {
                    states.add(behind[i].reshape(-1, transformer.config.dimension()));
                }
            }
            return states;
        }
    }

    /**
     * Returns -ln p of the tokens that follow states z_T. Takes all texts together, so that a product with the large
     * output matrix serves many of them.
     *
     * @param states of all texts, one text after another, [.., d]
     * @param next the tokens of each text, one for each of its states
     */
    private double[][] surprisals(NDList states, List<int[]> next) {
        int[] tokens = next.stream().flatMapToInt(Arrays::stream).toArray();
        double[] all = new double[tokens.length];
        if (tokens.length > 0) {
            NDArray z = NDArrays.concat(states); // [n, d]
            for (int first = 0; first < tokens.length; first += CHUNK) {
                transformer.lifetime.check(first, tokens.length, "tokens");
                int end = Math.min(tokens.length, first + CHUNK);
                try (NDManager within = z.getManager().newSubManager()) {
                    NDArray chunk = z.get(within, new NDIndex().addSliceDim(first, end));
                    NDArray logP = transformer.logits(chunk).logSoftmax(-1); // [chunk, vocabulary]
                    double[] some = surprisal(logP, Arrays.copyOfRange(tokens, first, end));
                    System.arraycopy(some, 0, all, first, some.length);
                }
            }
        }
        return cut(all, next.stream().mapToInt(row -> row.length).toArray());
    }

    private static double[][] cut(double[] all, int... lengths) {
        var each = new double[lengths.length][];
        for (int row = 0, at = 0; row < each.length; at += each[row++].length) {
            each[row] = Arrays.copyOfRange(all, at, at + lengths[row]);
        }
        return each;
    }

    /** Returns -ln p of one token in each row of ln p [n, vocabulary]. */
    private static double[] surprisal(NDArray logP, int... tokens) {
        NDArray index =
                logP.getManager().create(Arrays.stream(tokens).asLongStream().toArray(), new Shape(tokens.length, 1));
        return EngineAlgebra.numbers(logP.gather(index, 1).neg());
    }
}
