package rudder.model.transformer;

import ai.djl.ndarray.NDManager;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;
import rudder.model.engine.PaddedTokens;

/**
 * Keeps the keys and values of prompts that the unsteered model has read. Controllers that first steer at a prompt's
 * last token share all tokens before it, so the model reads these once for all controllers. A beginning that all
 * prompts of a batch have in common, as chats do, is read once for the batch.
 *
 * <p>The cache has a size limit; the batches used longest ago go first. It is thread-safe.
 */
public final class PrefixCache {

    /** Size limit of a model's own cache, in bytes. */
    public static final long LIMIT = 96L << 20;

    /** The shortest common beginning that is worth a pass of its own, in tokens. */
    private static final int LEAST_COMMON = 8;

    /** A cached batch, with the keys and values of all its columns. */
    private record Entry(PaddedTokens tokens, KvCache cache) {

        long bytes() {
            return cache.bytes(cache.columns());
        }
    }

    /** Owns all cached keys and values. */
    public final NDManager manager;

    private final Transformer transformer;
    private final long limit;
    private final Deque<Entry> entries = new ArrayDeque<>(); // the one used last comes first

    /** @param limit size limit of the cached keys and values, in bytes */
    public PrefixCache(Transformer transformer, long limit) {
        this.transformer = transformer;
        this.limit = limit;
        manager = transformer.manager.newSubManager();
    }

    /**
     * Fills an empty KV cache with all but the last column of some prompts.
     *
     * @param cache with the prompts' padding
     * @return the last column [B][1]
     */
    public int[][] read(PaddedTokens prompts, KvCache cache) {
        int last = prompts.columns() - 1;
        fill(cache, prompts.before(last));
        return prompts.from(last);
    }

    private void fill(KvCache cache, PaddedTokens tokens) {
        int columns = tokens.columns();
        if (columns == 0) {
            return;
        }
        // several controllers may have the same prompt: the model reads it once
        var rows = IntStream.range(0, tokens.size()).mapToObj(tokens::row).toList();
        var distinct = rows.stream().distinct().toList();
        if (cache.bytes(columns) / rows.size() * distinct.size() > limit) {
            run(tokens, cache);
            return;
        }
        int[] sources = rows.stream().mapToInt(distinct::indexOf).toArray();
        var some = tokens.rows(distinct.stream().mapToInt(rows::indexOf).toArray());
        if (!copyIfCached(some, cache, sources)) {
            var own = new KvCache(manager, transformer.config, transformer.type, some.pads(), columns);
            try {
                run(some, own); // without the lock, so that other threads go on meanwhile
            } catch (RuntimeException | Error e) {
                own.close();
                throw e;
            }
            insert(new Entry(some, own), cache, sources);
        }
    }

    private void run(PaddedTokens tokens, KvCache cache) {
        try (var scope = transformer.manager.newSubManager()) {
            transformer.run(scope, readCommonPrefix(tokens, cache), cache, null, false, null);
        }
    }

    /**
     * Fills an empty KV cache with the common beginning of some prompts. The model reads a beginning once, for this
     * batch and for later ones.
     *
     * @param cache with the prompts' padding
     * @return the remaining columns, at least one
     */
    public int[][] readCommonPrefix(PaddedTokens prompts, KvCache cache) {
        int common = prompts.commonPrefix();
        if (prompts.size() == 1 || common < LEAST_COMMON) {
            return prompts.tokens();
        }
        var beginning = new int[common];
        prompts.row(0).get(beginning);
        try (var one = transformer.cache(new int[1], common)) {
            fill(one, PaddedTokens.of(List.of(beginning)));
            one.copyTo(cache, common, new int[prompts.size()]);
        }
        return prompts.from(common);
    }

    private synchronized boolean copyIfCached(PaddedTokens tokens, KvCache cache, int... rows) {
        var found =
                entries.stream().filter(entry -> entry.tokens.matches(tokens)).findFirst();
        found.ifPresent(entry -> copyTo(entry, cache, rows));
        return found.isPresent();
    }

    private synchronized void insert(Entry entry, KvCache cache, int... rows) {
        if (copyIfCached(entry.tokens, cache, rows)) {
            entry.cache.close(); // another thread has read the same batch meanwhile
            return;
        }
        while (entries.stream().mapToLong(Entry::bytes).sum() > limit - entry.bytes()) {
            entries.removeLast().cache.close();
        }
        copyTo(entry, cache, rows);
    }

    private void copyTo(Entry entry, KvCache cache, int... rows) {
        entries.remove(entry);
        entries.addFirst(entry);
        entry.cache.copyTo(cache, entry.cache.columns(), rows);
    }

    /**
     * Returns a KV cache already filled with the beginnings of these sequences, read now or before as this same batch.
     * Beginnings of other batches are not used: their rounding is another, and a likelihood would depend on what the
     * model happened to read before. The caller closes the result.
     *
     * @param before length of each sequence's beginning, in tokens
     */
    public KvCache open(List<int[]> sequences, int[] before) {
        var beginnings = PaddedTokens.of(IntStream.range(0, before.length)
                .mapToObj(row -> Arrays.copyOf(sequences.get(row), before[row]))
                .toList());
        var cache = transformer.cache(beginnings.pads(), end(sequences, beginnings.pads()));
        fill(cache, beginnings);
        return cache;
    }

    /** Returns the number of columns that sequences take behind this padding. */
    private static int end(List<int[]> sequences, int[] pads) {
        return IntStream.range(0, pads.length)
                .map(row -> pads[row] + sequences.get(row).length)
                .max()
                .orElseThrow();
    }
}
