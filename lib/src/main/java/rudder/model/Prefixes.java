package rudder.model;

import ai.djl.ndarray.NDManager;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What the unsteered model has read of prompts, kept from one controller to the next: where the last token is the first that is steered, all controllers read the
 * tokens before it alike. The batches used longest ago go first.
 */
final class Prefixes {

    /** Bytes for a model's own. */
    static final long LIMIT = 128L << 20;

    /** A batch: its left-padded tokens, one column for each that the cache has. */
    private record Kept(int[][] tokens, KvCache cache) {
        boolean begins(int[][] longer, int[] pads) {
            return Arrays.equals(cache.pads, pads) && longer[0].length == cache.columns() + 1
                    && IntStream.range(0, tokens.length).allMatch(row -> Arrays.equals(tokens[row], 0, cache.columns(), longer[row], 0, cache.columns()));
        }

        /** Columns that hold what these sequences begin with too, and no more than {@code most} of row i's. */
        int shared(List<int[]> sequences, int[] most) {
            return IntStream.range(0, tokens.length).map(row -> {
                int[] mine = tokens[row];
                int pad = cache.pads[row];
                int differs = Arrays.mismatch(mine, pad, mine.length, sequences.get(row), 0, sequences.get(row).length);
                return pad + Math.min(differs < 0 ? mine.length - pad : differs, most[row]);
            }).min().orElse(0);
        }
    }

    /** Owns what is kept. */
    final NDManager manager;
    private final Transformer transformer;
    private final long limit;
    private final Deque<Kept> kept = new ArrayDeque<>();     // the one used last comes first

    /** @param limit bytes of keys and values that are kept at most */
    Prefixes(Transformer transformer, long limit) {
        this.transformer = transformer;
        this.limit = limit;
        manager = transformer.manager.newSubManager();
    }

    /**
     * Makes an empty cache one that has seen all but the last column of left-padded prompts [B][L].
     *
     * @return the last column [B][1]
     */
    synchronized int[][] read(int[][] prompts, KvCache cache) {
        int columns = prompts[0].length - 1;
        if (columns > 0) {
            var found = kept.stream().filter(one -> one.begins(prompts, cache.pads)).findFirst().orElse(null);
            if (found != null) {
                kept.remove(found);
                kept.addFirst(found);
                found.cache.give(cache, columns, rows(cache));
            } else {
                int[][] tokens = Arrays.stream(prompts).map(row -> Arrays.copyOf(row, columns)).toArray(int[][]::new);
                try (var scope = transformer.manager.newSubManager()) {
                    transformer.run(scope, tokens, cache, null, false, null);
                }
                keep(tokens, cache);
            }
        }
        return Arrays.stream(prompts).map(row -> new int[] {row[columns]}).toArray(int[][]::new);
    }

    private void keep(int[][] tokens, KvCache cache) {
        long room = limit - cache.bytes(cache.columns());
        if (room < 0) {
            return;
        }
        while (kept.stream().mapToLong(one -> one.cache.bytes(one.cache.columns())).sum() > room) {
            kept.removeLast().cache.close();
        }
        var own = new KvCache(manager, transformer.config, transformer.type, cache.pads, cache.columns());
        cache.give(own, cache.columns(), rows(cache));
        kept.addFirst(new Kept(tokens, own));
    }

    private static int[] rows(KvCache cache) {
        return IntStream.range(0, cache.pads.length).toArray();
    }

    /**
     * A cache for sequences, to be closed, that has seen what they begin with where a batch that is kept began so too: the one that leaves least to be read.
     *
     * @param most tokens of each sequence that need not be read
     */
    synchronized KvCache begin(List<int[]> sequences, int[] most) {
        int[] pads = new int[sequences.size()];
        int end = Generation.padded(sequences, pads)[0].length;
        int left = end;
        int columns = 0;
        KvCache from = null;
        for (var one : kept) {
            if (one.tokens.length == sequences.size()) {
                int theirs = IntStream.range(0, sequences.size()).map(row -> one.cache.pads[row] + sequences.get(row).length).max().orElseThrow();
                int shared = one.shared(sequences, most);
                if (theirs - shared < left) {
                    left = theirs - shared;
                    columns = shared;
                    end = theirs;
                    from = one.cache;
                }
            }
        }
        var cache = transformer.cache(from == null ? pads : from.pads, end);
        if (from != null) {
            from.give(cache, columns, rows(from));
        }
        return cache;
    }
}
