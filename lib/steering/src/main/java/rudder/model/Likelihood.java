package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import rudder.model.transformer.DeviceLaws;
import rudder.model.transformer.KvCache;
import rudder.model.transformer.PaddedTokens;
import rudder.model.transformer.Transformer;

/** Computes how likely a model, steered or not, finds given tokens. */
record Likelihood(Transformer transformer) {

    /** Positions whose logits are held at once. */
    private static final int CHUNK = 64;
    /** Continuations that are read side by side: each has a copy of its prompt's keys and values. */
    private static final int MANY = 16;

    /**
     * KL divergence in nats of the steered next-token distribution p from the unsteered q, {@code sum_x p(x) ln(p(x) /
     * q(x))}, after each of the tokens from the prompt's last on.
     */
    double[] divergences(int[] prompt, int[] written, DeviceLaws laws, Positions positions) {
        int[] read = Arrays.copyOf(written, written.length - 1); // the last token written is never read
        double[] divergences = new double[written.length];
        try (NDManager scope = transformer.manager.newSubManager();
                KvCache free = transformer.cache(new int[1], prompt.length + read.length);
                KvCache steered = transformer.cache(new int[1], prompt.length + read.length)) {
            NDArray q = states(scope, prompt, read, free, null, positions);
            NDArray p = states(scope, prompt, read, steered, laws, positions);
            for (int first = 0; first < divergences.length; first += CHUNK) {
                int end = Math.min(divergences.length, first + CHUNK);
                try (NDManager within = scope.newSubManager()) {
                    var chunk = new NDIndex().addSliceDim(first, end);
                    NDArray logP = transformer.logits(p.get(within, chunk)).logSoftmax(-1); // [chunk, vocabulary]
                    NDArray logQ = transformer.logits(q.get(within, chunk)).logSoftmax(-1);
                    double[] some = logP.exp()
                            .muli(logP.sub(logQ))
                            .sum(new int[] {-1})
                            .toType(DataType.FLOAT64, false)
                            .toDoubleArray();
                    System.arraycopy(some, 0, divergences, first, some.length);
                }
            }
        }
        return divergences;
    }

    /** States z_T [1 + m, d] at a prompt's last token and at m tokens written behind it. */
    private NDArray states(
            NDManager scope, int[] prompt, int[] written, KvCache cache, DeviceLaws laws, Positions positions) {
        NDArray last = lastOf(scope, new int[][] {prompt}, cache, laws, positions);
        return written.length == 0
                ? last
                : NDArrays.concat(new NDList(
                        last,
                        transformer
                                .run(scope, new int[][] {written}, cache, positions.generated ? laws : null, true, null)
                                .reshape(written.length, transformer.config.dimension())));
    }

    /** States z_T [B, d] at the last tokens of left-padded prompts [B][L]. */
    private NDArray lastOf(NDManager scope, int[][] prompts, KvCache cache, DeviceLaws laws, Positions positions) {
        int[][] unread = positions.earlier ? prompts : transformer.prefixes.read(prompts, cache);
        return Transformer.last(
                        transformer.run(scope, unread, cache, positions.last ? laws : null, positions.earlier, null))
                .reshape(-1, transformer.config.dimension());
    }

    /** Negative log-likelihood of tokens from..n-1 of each sequence, in nats; all of them side by side. */
    double[][] surprisals(List<int[]> sequences, int[] from) {
        var read = sequences.stream()
                .map(sequence -> Arrays.copyOf(sequence, sequence.length - 1))
                .toList(); // behind the last token nothing is predicted
        int[] before = IntStream.range(0, from.length)
                .map(row -> Math.min(from[row] - 1, read.get(row).length))
                .toArray();
        try (NDManager scope = transformer.manager.newSubManager();
                KvCache cache = transformer.prefixes.open(read, before)) {
            int[] pads = cache.pads;
            int start = cache.columns();
            if (start == cache.capacity) {
                return new double[pads.length][0];
            }
            // zeros before and behind the shorter ones: no token that counts sees them
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
     * Negative log-likelihood of the tokens of each prompt's continuations, in nats: prompts are read side by side,
     * then continuations of like length are, whosever they are.
     *
     * @param laws one for each prompt
     * @return [prompt][continuation][token]
     */
    double[][][] surprisals(
            List<int[]> prompts, List<List<int[]>> continuations, DeviceLaws laws, Positions positions) {
        var padded = PaddedTokens.of(prompts);
        int[] pads = padded.pads();
        int columns = padded.columns();
        var all = continuations.stream().flatMap(List::stream).toList();
        int[] owner = IntStream.range(0, pads.length)
                .flatMap(i -> continuations.get(i).stream().mapToInt(continuation -> i))
                .toArray();
        try (NDManager scope = transformer.manager.newSubManager();
                KvCache read = transformer.cache(pads, columns)) {
            NDArray last = lastOf(scope, padded.tokens(), read, laws, positions);
            var behind = new NDArray
                    [all.size()]; // states at all tokens but the last [1, length - 1, d]; null where there is no other
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
                    // zeros behind the shorter ones: no token that counts sees them
                    int[][] next = Arrays.stream(rows)
                            .mapToObj(i -> Arrays.copyOf(all.get(i), longest - 1))
                            .toArray(int[][]::new);
                    NDArray x = transformer.run(
                            scope, next, cache, positions.generated ? laws.of(theirs) : null, true, null);
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
            var each = Arrays.stream(surprisals(states, all)).iterator();
            return continuations.stream()
                    .map(some -> some.stream().map(continuation -> each.next()).toArray(double[][]::new))
                    .toArray(double[][][]::new);
        }
    }

    /**
     * -ln p of tokens that follow states z_T: of all texts together, so that the matrix behind the logits is read once
     * for many of them.
     *
     * @param states of all texts, one behind another, [.., d]
     * @param next the tokens of each text, one for each of its states
     */
    private double[][] surprisals(NDList states, List<int[]> next) {
        int[] tokens = next.stream().flatMapToInt(Arrays::stream).toArray();
        double[] all = new double[tokens.length];
        if (tokens.length > 0) {
            NDArray z = NDArrays.concat(states); // [n, d]
            for (int first = 0; first < tokens.length; first += CHUNK) {
                int end = Math.min(tokens.length, first + CHUNK);
                try (NDManager within = z.getManager().newSubManager()) {
                    NDArray chunk = z.get(within, new NDIndex().addSliceDim(first, end));
                    double[] some = surprisal(
                            transformer.logits(chunk).logSoftmax(-1),
                            Arrays.copyOfRange(tokens, first, end)); // [chunk, vocabulary]
                    System.arraycopy(some, 0, all, first, some.length);
                }
            }
        }
        var each = new double[next.size()][];
        for (int row = 0, at = 0; row < each.length; at += each[row++].length) {
            each[row] = Arrays.copyOfRange(all, at, at + next.get(row).length);
        }
        return each;
    }

    /** -ln p of one token a row of ln p [n, vocabulary]. */
    private static double[] surprisal(NDArray logP, int... tokens) {
        NDArray index =
                logP.getManager().create(Arrays.stream(tokens).asLongStream().toArray(), new Shape(tokens.length, 1));
        return logP.gather(index, 1).neg().toType(DataType.FLOAT64, false).toDoubleArray();
    }
}
