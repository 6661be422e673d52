package rudder.model.transformer;

import ai.djl.ndarray.NDManager;
import java.nio.IntBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What the unsteered model has read of prompts, entries from one controller to the next: where the last token is the
 * first that is steered, all controllers read the tokens before it common. What all prompts of a batch begin with, as
 * chats do, is read once for all of them. The batches used longest ago go first. Threads may share it.
 */
public final class PrefixCache {

    /** Bytes for a model's own. */
    public static final long LIMIT = 96L << 20;

    /** Tokens that are worth a pass of their own. */
    private static final int LEAST_COMMON = 8;

    /** A batch: its left-padded tokens, one column for each that the cache has. */
    private record Entry(int[][] tokens, KvCache cache) {
        boolean is(int[][] others, int[] pads) {
            return Arrays.equals(cache.pads, pads) && Arrays.deepEquals(tokens, others);
        }

        /** Columns that hold what these sequences begin with too, and no more than {@code most} of row i's. */
        int cachedColumns(List<int[]> sequences, int[] most) {
            return IntStream.range(0, tokens.length)
                    .map(row -> {
                        int[] mine = tokens[row];
                        int pad = cache.pads[row];
                        int differs = Arrays.mismatch(
                                mine, pad, mine.length, sequences.get(row), 0, sequences.get(row).length);
                        return pad + Math.min(differs < 0 ? mine.length - pad : differs, most[row]);
                    })
                    .min()
                    .orElse(0);
        }

        long bytes() {
            return cache.bytes(cache.columns());
        }

        /** Columns of these sequences, laid out as these prompts are, that it does not hold. */
        int uncachedColumns(List<int[]> sequences, int[] most) {
            return end(sequences, cache.pads) - cachedColumns(sequences, most);
        }
    }

    /** Owns what is entries. */
    public final NDManager manager;

    private final Transformer transformer;
    private final long limit;
    private final Deque<Entry> entries = new ArrayDeque<>(); // the one used last comes first

    /** @param limit bytes of keys and values that are entries at most */
    public PrefixCache(Transformer transformer, long limit) {
        this.transformer = transformer;
        this.limit = limit;
        manager = transformer.manager.newSubManager();
    }

    /**
     * Makes an empty cache one that has seen all but the last column of left-padded prompts [B][L].
     *
     * @return the last column [B][1]
     */
    public int[][] read(int[][] prompts, KvCache cache) {
        int columns = prompts[0].length - 1;
        fill(
                cache,
                Arrays.stream(prompts).map(row -> Arrays.copyOf(row, columns)).toArray(int[][]::new));
        return Arrays.stream(prompts).map(row -> new int[] {row[columns]}).toArray(int[][]::new);
    }

    private void fill(KvCache cache, int[][] tokens) {
        int columns = tokens[0].length;
        if (columns == 0) {
            return;
        }
        // several controllers may have the same prompt: it is read once
        var rows = IntStream.range(0, tokens.length)
                .mapToObj(row -> IntBuffer.wrap(tokens[row], cache.pads[row], columns - cache.pads[row]))
                .toList();
        var distinct = rows.stream().distinct().toList();
        if (cache.bytes(columns) / rows.size() * distinct.size() > limit) {
            read(cache, tokens);
            return;
        }
        int[] places = rows.stream().mapToInt(distinct::indexOf).toArray();
        int[] firsts = distinct.stream().mapToInt(rows::indexOf).toArray();
        int[][] some = Arrays.stream(firsts).mapToObj(row -> tokens[row]).toArray(int[][]::new);
        int[] pads = Arrays.stream(firsts).map(row -> cache.pads[row]).toArray();
        if (!copyIfCached(some, pads, cache, places)) {
            var own = new KvCache(manager, transformer.config, transformer.type, pads, columns);
            try {
                read(own, some); // other threads go on meanwhile
            } catch (RuntimeException | Error e) {
                own.close();
                throw e;
            }
            insert(new Entry(some, own), cache, places);
        }
    }

    private synchronized boolean copyIfCached(int[][] tokens, int[] pads, KvCache cache, int... rows) {
        var found = entries.stream().filter(one -> one.is(tokens, pads)).findFirst();
        found.ifPresent(one -> copyTo(one, one.cache.columns(), cache, rows));
        return found.isPresent();
    }

    private void read(KvCache cache, int[][] tokens) {
        try (var scope = transformer.manager.newSubManager()) {
            transformer.run(scope, readCommonPrefix(tokens, cache), cache, null, false, null);
        }
    }

    /**
     * Makes an empty cache one that has seen what all of some left-padded prompts [B][L] begin with, as chats begin
     * with the same words to the model: that is read once, for this batch and for those after it.
     *
     * @return the columns that are left, at least one
     */
    public int[][] readCommonPrefix(int[][] prompts, KvCache cache) {
        int common = commonPrefix(prompts, cache.pads);
        if (prompts.length == 1 || common < LEAST_COMMON) {
            return prompts;
        }
        try (var one = transformer.cache(new int[1], common)) {
            fill(one, new int[][] {Arrays.copyOfRange(prompts[0], cache.pads[0], cache.pads[0] + common)});
            one.copyTo(cache, common, new int[prompts.length]);
        }
        return Arrays.stream(prompts)
                .map(row -> Arrays.copyOfRange(row, common, row.length))
                .toArray(int[][]::new);
    }

    /** How many tokens all rows begin with behind their padding; not all columns. */
    private static int commonPrefix(int[][] tokens, int[] pads) {
        int columns = tokens[0].length;
        return IntStream.range(0, pads.length)
                .map(row -> {
                    int differs = Arrays.mismatch(tokens[0], pads[0], columns, tokens[row], pads[row], columns);
                    return differs < 0 ? columns - pads[0] : differs;
                })
                .reduce(columns - 1, Math::min);
    }

    private synchronized void insert(Entry one, KvCache cache, int... rows) {
        if (copyIfCached(one.tokens, one.cache.pads, cache, rows)) {
            one.cache.close(); // another thread has read it too
            return;
        }
        while (entries.stream().mapToLong(Entry::bytes).sum() > limit - one.bytes()) {
            entries.removeLast().cache.close();
        }
        copyTo(one, one.cache.columns(), cache, rows);
    }

    private void copyTo(Entry one, int columns, KvCache cache, int... rows) {
        entries.remove(one);
        entries.addFirst(one);
        one.cache.copyTo(cache, columns, rows);
    }

    /**
     * A cache for sequences, to be closed, that has seen what they begin with: what a batch that is entries began with
     * too, if that is the better part of it, or else what is read now, and entries.
     *
     * @param before tokens of each sequence that it begins with
     */
    public KvCache open(List<int[]> sequences, int[] before) {
        int columns = Arrays.stream(before).max().orElseThrow();
        int[] pads = Arrays.stream(before).map(most -> columns - most).toArray();
        int end = end(sequences, pads);
        return closest(sequences, before, end - columns + columns / 2).orElseGet(() -> {
            var cache = transformer.cache(pads, end);
            fill(
                    cache,
                    PaddedTokens.of(IntStream.range(0, pads.length)
                                    .mapToObj(row -> Arrays.copyOf(sequences.get(row), before[row]))
                                    .toList())
                            .tokens());
            return cache;
        });
    }

    /**
     * One that has seen what the batch that leaves least to be read began with too; none if that leaves more columns
     * than these.
     */
    private synchronized Optional<KvCache> closest(List<int[]> sequences, int[] before, int columns) {
        return entries.stream()
                .filter(one -> one.tokens.length == before.length && one.uncachedColumns(sequences, before) <= columns)
                .min(Comparator.comparingInt(one -> one.uncachedColumns(sequences, before)))
                .map(one -> {
                    var cache = transformer.cache(one.cache.pads, end(sequences, one.cache.pads));
                    copyTo(
                            one,
                            one.cachedColumns(sequences, before),
                            cache,
                            IntStream.range(0, before.length).toArray());
                    return cache;
                });
    }

    /** Columns that sequences take behind so much padding. */
    private static int end(List<int[]> sequences, int[] pads) {
        return IntStream.range(0, pads.length)
                .map(row -> pads[row] + sequences.get(row).length)
                .max()
                .orElseThrow();
    }
}
