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
import rudder.theory.Place;

/** A checkpoint's weights on the engine's device but for its {@link TokenMatrix token matrices}, which need it open, and the pass of tokens through its blocks. */
final class Transformer implements AutoCloseable {

    /** Positions whose logits are held at once. */
    private static final int CHUNK = 64;
    /** Continuations that are read side by side: each has a copy of its prompt's keys and values. */
    private static final int MANY = 16;

    final ModelConfig config;
    final NDManager manager;
    /** Of states, norms, softmax and whatever else is computed. */
    final DataType type;
    /** Of weight matrices. */
    final DataType stored;
    final Prefixes prefixes;
    private final List<Block> blocks;
    private final TokenMatrix embedding;
    private final NDArray embeddingScale; // null where it is 1
    private final TokenMatrix head; // the embedding where they are tied
    private final NDArray finalGain;
    private final Norm finalNorm;
    private final SoftCap logitCap; // null where there is none

    Transformer(TensorSource source, TensorNames names, ModelConfig config, NDManager manager, DataType stored) {
        this.config = config;
        this.manager = manager;
        this.stored = stored;
        type = stored == DataType.FLOAT16 ? DataType.FLOAT32 : stored;
        prefixes = new Prefixes(this, Prefixes.LIMIT);
        var weights = new Weights(source, names, config, manager, type, stored);
        embedding = weights.embedding();
        head = config.tiedHead() ? embedding : weights.head();
        finalGain = weights.finalGain();
        blocks = weights.blocks();
        finalNorm = blocks.get(0).norm();
        logitCap = weights.cap(config.logitCap());
        weights.refuseUnread();
        embeddingScale = config.embeddingScale() == 1 ? null : manager.create((float) config.embeddingScale()).toType(type, false);
    }

    /**
     * What a pass leaves behind at the last column.
     *
     * @param states entering each block and leaving the last [B, d]
     * @param inputs added to each block's output [B, d], null where none
     * @param mixed  what inputs on the heads come to behind the output matrix [B, d], null where none
     * @param heads  the heads' outputs, side by side, before any input [B, h w]; null unless they are asked for
     */
    record Trace(List<NDArray> states, List<NDArray> inputs, List<NDArray> mixed, List<NDArray> heads) {
        Trace() {
            this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), null);
        }

        static Trace withHeads() {
            return new Trace(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }
    }

    Block block(int k) {
        return blocks.get(k);
    }

    KvCache cache(int[] pads, int capacity) {
        return new KvCache(manager, config, type, pads, capacity);
    }

    /**
     * Runs the next tokens [B][L] through all blocks, z_{k+1} = phi_k(z_k) + u_k.
     *
     * @param scope      owns the result and what the trace keeps
     * @param laws       inputs, or null
     * @param everyToken whether inputs enter at every token or at the last one only
     * @param trace      filled, or null
     * @return the residual stream that leaves the last block [B, L, d]
     */
    NDArray run(NDManager scope, int[][] tokens, KvCache cache, DeviceLaws laws, boolean everyToken, Trace trace) {
        int length = tokens[0].length;
        NDArray x = embed(scope, tokens);
        var pass = new Pass(scope, type, config.distinctSpans(), config.headDimension(), cache.pads, cache.columns(), length);
        DeviceLaws.Pass inputs = laws == null ? null : laws.run(scope);
        for (Block block : blocks) {
            try (NDManager within = scope.newSubManager()) {
                x.attach(within);
                NDArray entering = x;
                NDArray out = block.forward(x, pass, cache, heads -> onHeads(scope, block, inputs, heads, everyToken, trace));
                NDArray u = inputs == null ? null : sum(input(inputs, Place.STATE, block, entering, everyToken),
                        input(inputs, Place.OUTPUT, block, out, everyToken));
                add(out, u, everyToken);
                if (trace != null) {
                    keep(scope, trace.states, last(entering));
                    keep(scope, trace.inputs, last(u));
                }
                out.attach(scope);
                x = out;
            }
        }
        if (trace != null) {
            keep(scope, trace.states, last(x));
        }
        cache.advance(length);
        return x;
    }

    private void onHeads(NDManager scope, Block block, DeviceLaws.Pass inputs, NDArray heads, boolean everyToken, Trace trace) {
        if (trace != null && trace.heads != null) {
            keep(scope, trace.heads, last(heads).duplicate());
        }
        NDArray u = inputs == null ? null : input(inputs, Place.HEADS, block, heads, everyToken);
        add(heads, u, everyToken);
        if (trace != null) {
            keep(scope, trace.mixed, u == null ? null : Tensors.linear(last(u), block.output(), null));
        }
    }

    private static NDArray input(DeviceLaws.Pass inputs, Place place, Block block, NDArray read, boolean everyToken) {
        return inputs.input(place, block.index(), everyToken ? read : last(read));
    }

    private static NDArray sum(NDArray a, NDArray b) {
        return a == null ? b : b == null ? a : a.add(b);
    }

    private static void add(NDArray x, NDArray u, boolean everyToken) {
        if (u != null) {
            (everyToken ? x : last(x)).addi(u);
        }
    }

    private void keep(NDManager scope, List<NDArray> list, NDArray lastColumn) {
        NDArray kept = lastColumn == null ? null : lastColumn.reshape(lastColumn.getShape().get(0), -1);
        if (kept != null) {
            kept.attach(scope);
        }
        list.add(kept);
    }

    private static NDArray last(NDArray x) {
        if (x == null) {
            return null;
        }
        long length = x.getShape().get(1);
        return length == 1 ? x : x.get(new NDIndex().addAllDim().addSliceDim(length - 1, length)); // [B, 1, d]
    }

    /** z_0 of each token, [n][d]. */
    double[][] embeddings(int[] tokens) {
        try (NDManager scope = manager.newSubManager()) {
            return toRows(embed(scope, new int[][] {tokens}));
        }
    }

    /** z_0: the tokens' embeddings [B, L, d]. */
    private NDArray embed(NDManager scope, int[][] tokens) {
        NDArray x = embedding.of(scope, tokens).toType(type, false);
        return embeddingScale == null ? x : x.mul(embeddingScale);
    }

    /** Next-token logits [.., vocabulary] of states z_T [.., d]. */
    NDArray logits(NDArray z) {
        NDArray logits = Tensors.linear(finalNorm.of(z).muli(finalGain), head.whole(), null);
        return logitCap == null ? logits : logitCap.of(logits);
    }

    /** Logits [B, vocabulary] at the last column of a pass's result [B, L, d]. */
    NDArray lastLogits(NDArray x) {
        return logits(last(x).reshape(-1, config.dimension()));
    }

    /**
     * KL divergence in nats of the steered next-token distribution p from the unsteered q, {@code sum_x p(x) ln(p(x) / q(x))}, after each of the tokens
     * from the prompt's last on.
     */
    double[] divergences(int[] prompt, int[] written, DeviceLaws laws, Positions positions) {
        int[] read = Arrays.copyOf(written, written.length - 1);              // the last token written is never read
        double[] divergences = new double[written.length];
        try (NDManager scope = manager.newSubManager(); KvCache free = cache(new int[1], prompt.length + read.length);
                KvCache steered = cache(new int[1], prompt.length + read.length)) {
            NDArray q = states(scope, prompt, read, free, null, positions);
            NDArray p = states(scope, prompt, read, steered, laws, positions);
            for (int first = 0; first < divergences.length; first += CHUNK) {
                int end = Math.min(divergences.length, first + CHUNK);
                try (NDManager within = scope.newSubManager()) {
                    var chunk = new NDIndex().addSliceDim(first, end);
                    NDArray logP = logits(p.get(within, chunk)).logSoftmax(-1); // [chunk, vocabulary]
                    NDArray logQ = logits(q.get(within, chunk)).logSoftmax(-1);
                    double[] some = logP.exp().muli(logP.sub(logQ)).sum(new int[] {-1}).toType(DataType.FLOAT64, false).toDoubleArray();
                    System.arraycopy(some, 0, divergences, first, some.length);
                }
            }
        }
        return divergences;
    }

    /** States z_T [1 + m, d] at a prompt's last token and at m tokens written behind it. */
    private NDArray states(NDManager scope, int[] prompt, int[] written, KvCache cache, DeviceLaws laws, Positions positions) {
        NDArray last = lastOf(scope, new int[][] {prompt}, cache, laws, positions);
        return written.length == 0 ? last : NDArrays.concat(new NDList(last, run(scope, new int[][] {written}, cache, positions.written ? laws : null, true, null)
                .reshape(written.length, config.dimension())));
    }

    /** States z_T [B, d] at the last tokens of left-padded prompts [B][L]. */
    private NDArray lastOf(NDManager scope, int[][] prompts, KvCache cache, DeviceLaws laws, Positions positions) {
        int[][] unread = positions.earlier ? prompts : prefixes.read(prompts, cache);
        return last(run(scope, unread, cache, positions.last ? laws : null, positions.earlier, null)).reshape(-1, config.dimension());
    }

    /** Negative log-likelihood of tokens from..n-1 of each sequence, in nats; all of them side by side. */
    double[][] surprisals(List<int[]> sequences, int[] from) {
        var read = sequences.stream().map(sequence -> Arrays.copyOf(sequence, sequence.length - 1)).toList();      // behind the last token nothing is predicted
        int[] before = IntStream.range(0, from.length).map(row -> Math.min(from[row] - 1, read.get(row).length)).toArray();
        try (NDManager scope = manager.newSubManager(); KvCache cache = prefixes.begin(read, before)) {
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
            NDArray x = run(scope, tokens, cache, null, false, null); // [B, capacity - start, d]
            var states = new NDList();
            for (int row = 0; row < tokens.length; row++) {
                if (next.get(row).length > 0) {
                    int first = pads[row] + before[row] - start;
                    states.add(x.get(scope, new NDIndex().addIndices(row).addSliceDim(first, first + next.get(row).length)));
                }
            }
            return surprisals(states, next);
        }
    }

    /**
     * Negative log-likelihood of the tokens of each prompt's continuations, in nats: prompts are read side by side, then continuations of like length are,
     * whosever they are.
     *
     * @param laws one for each prompt
     * @return [prompt][continuation][token]
     */
    double[][][] surprisals(List<int[]> prompts, List<List<int[]>> continuations, DeviceLaws laws, Positions positions) {
        int[] pads = new int[prompts.size()];
        int[][] tokens = Generation.padded(prompts, pads);
        int columns = tokens[0].length;
        var all = continuations.stream().flatMap(List::stream).toList();
        int[] owner = IntStream.range(0, pads.length).flatMap(i -> continuations.get(i).stream().mapToInt(continuation -> i)).toArray();
        try (NDManager scope = manager.newSubManager(); KvCache read = cache(pads, columns)) {
            NDArray last = lastOf(scope, tokens, read, laws, positions);
            var behind = new NDArray[all.size()]; // states at all tokens but the last [1, length - 1, d]; null where there is no other
            int[] order = IntStream.range(0, behind.length).filter(i -> all.get(i).length > 1).boxed()
                    .sorted(Comparator.comparingInt(i -> -all.get(i).length)).mapToInt(i -> i).toArray();
            for (int first = 0; first < order.length; first += MANY) {
                int[] rows = Arrays.copyOfRange(order, first, Math.min(order.length, first + MANY));
                int[] theirs = Arrays.stream(rows).map(i -> owner[i]).toArray();
                int longest = all.get(rows[0]).length;
                try (KvCache cache = cache(Arrays.stream(theirs).map(i -> pads[i]).toArray(), columns + longest - 1)) {
                    read.give(cache, columns, theirs);
                    // zeros behind the shorter ones: no token that counts sees them
                    int[][] next = Arrays.stream(rows).mapToObj(i -> Arrays.copyOf(all.get(i), longest - 1)).toArray(int[][]::new);
                    NDArray x = run(scope, next, cache, positions.written ? laws.of(theirs) : null, true, null);
                    for (int row = 0; row < rows.length; row++) {
                        behind[rows[row]] = x.get(scope, new NDIndex().addSliceDim(row, row + 1).addSliceDim(0, all.get(rows[row]).length - 1));
                    }
                }
            }
            var states = new NDList();
            for (int i = 0; i < behind.length; i++) {
                states.add(last.get(scope, new NDIndex().addSliceDim(owner[i], owner[i] + 1)));
                if (behind[i] != null) {
                    states.add(behind[i].reshape(-1, config.dimension()));
                }
            }
            var each = Arrays.stream(surprisals(states, all)).iterator();
            return continuations.stream().map(some -> some.stream().map(continuation -> each.next()).toArray(double[][]::new)).toArray(double[][][]::new);
        }
    }

    /**
     * -ln p of tokens that follow states z_T: of all texts together, so that the matrix behind the logits is read once for many of them.
     *
     * @param states of all texts, one behind another, [.., d]
     * @param next   the tokens of each text, one for each of its states
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
                    double[] some = surprisal(logits(chunk).logSoftmax(-1), Arrays.copyOfRange(tokens, first, end)); // [chunk, vocabulary]
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
        NDArray index = logP.getManager().create(Arrays.stream(tokens).asLongStream().toArray(), new Shape(tokens.length, 1));
        return logP.gather(index, 1).neg().toType(DataType.FLOAT64, false).toDoubleArray();
    }

    /** Vectors as rows on the device, [m, d]. */
    NDArray rows(NDManager scope, double[]... vectors) {
        double[] flat = Arrays.stream(vectors).flatMapToDouble(Arrays::stream).toArray();
        return scope.create(flat, new Shape(vectors.length, flat.length / vectors.length)).toType(type, false);
    }

    /** An array [m, n] as m vectors on the host. */
    static double[][] toRows(NDArray x) {
        double[] flat = x.toType(DataType.FLOAT64, false).toDoubleArray();
        int width = Math.toIntExact(x.getShape().get(x.getShape().dimension() - 1));
        double[][] rows = new double[flat.length / width][];
        Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, i * width, (i + 1) * width));
        return rows;
    }

    @Override
    public void close() {
        manager.close();
    }
}
