package rudder.checkpoint.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import rudder.checkpoint.tokenizer.Vocabulary.Kind;

/**
 * Encodes text as SentencePiece's BPE does, in the manner of llama.cpp (GGUF's tokenizer model {@code llama}): of all
 * neighbours whose union is a token, the best-scored are joined, the leftmost first among equals, again and again. A
 * character that the vocabulary lacks is spelled in bytes.
 */
final class ScoredMerges implements PieceEncoder {
    private final Map<String, Integer> ids; // what text can become: no control token
    private final float[] scores;
    private final int[] bytes = new int[256]; // id of each byte's token, or -1
    private final int unknown;
    private final boolean spaceFirst;

    /**
     * Takes a vocabulary.
     *
     * @param scores of each token
     * @param spaceFirst whether a space is put before each piece
     * @throws IllegalArgumentException if there is not one finite score for each token, or a character may have no
     *     token
     */
    ScoredMerges(Vocabulary vocabulary, float[] scores, boolean spaceFirst) {
        if (scores.length != vocabulary.size()) {
            throw new IllegalArgumentException("tokenizer.ggml.scores: found " + scores.length
                    + ", wanted one for each of the " + vocabulary.size() + " tokens; fetch the file again");
        }
        this.scores = scores;
        this.spaceFirst = spaceFirst;
        this.ids = new HashMap<>(2 * vocabulary.size());
        Arrays.fill(bytes, -1);
        for (int id = 0; id < vocabulary.size(); id++) {
            String token = vocabulary.tokens().get(id);
            if (Float.isNaN(scores[id])) {
                throw new IllegalArgumentException("tokenizer.ggml.scores: token " + id + " has the score " + scores[id]
                        + ", wanted a number; fetch the file again");
            }
            switch (vocabulary.kind(id)) {
                case NORMAL, USER_DEFINED -> ids.putIfAbsent(token, id);
                case BYTE -> bytes[vocabulary.bytes(id)[0] & 0xff] = id;
                default -> {}
            }
        }
        this.unknown = vocabulary.kinds().indexOf(Kind.UNKNOWN);
        if (unknown < 0 && Arrays.stream(bytes).anyMatch(id -> id < 0)) {
            throw new IllegalArgumentException(
                    "tokenizer.ggml.tokens: found neither all 256 bytes nor an unknown token,"
                            + " wanted one of the two; fetch the file again");
        }
    }

    private record Pair(int left, int right, int length, float score) implements Comparable<Pair> {
        @Override
        public int compareTo(Pair other) {
            return score != other.score ? Float.compare(other.score, score) : Integer.compare(left, other.left);
        }
    }

    @Override
    public int[] encode(String piece, boolean first) {
        String text = (spaceFirst ? " " + piece : piece).replace(' ', '\u2581');
        int[] starts = new int[text.codePointCount(0, text.length()) + 1];
        int n = starts.length - 1;
        for (int i = 0, at = 0; i < n; i++, at += Character.charCount(text.codePointAt(at))) {
            starts[i] = at;
        }
        starts[n] = text.length();
        int[] length = new int[n]; // in characters; 0: joined to its left neighbour
        int[] previous = new int[n];
        int[] next = new int[n];
        for (int i = 0; i < n; i++) {
            length[i] = starts[i + 1] - starts[i];
            previous[i] = i - 1;
            next[i] = i + 1 < n ? i + 1 : -1;
        }
        var queue = new PriorityQueue<Pair>();
        for (int i = 1; i < n; i++) {
            offer(queue, text, starts, length, i - 1, i);
        }
        for (Pair best = queue.poll(); best != null; best = queue.poll()) {
            int left = best.left;
            int right = best.right;
            if (length[left] == 0 || length[right] == 0 || length[left] + length[right] != best.length) {
                continue; // one of the two was joined meanwhile
            }
            length[left] += length[right];
            length[right] = 0;
            next[left] = next[right];
            if (next[left] >= 0) {
                previous[next[left]] = left;
            }
            offer(queue, text, starts, length, previous[left], left);
            offer(queue, text, starts, length, left, next[left]);
        }
        var found = new Ids();
        for (int i = n == 0 ? -1 : 0; i >= 0; i = next[i]) {
            write(text.substring(starts[i], starts[i] + length[i]), found);
        }
        return found.toArray();
    }

    private void offer(PriorityQueue<Pair> queue, String text, int[] starts, int[] length, int left, int right) {
        if (left < 0 || right < 0) {
            return;
        }
        int both = length[left] + length[right];
        Integer id = ids.get(text.substring(starts[left], starts[left] + both));
        if (id != null) {
            queue.add(new Pair(left, right, both, scores[id]));
        }
    }

    private void write(String symbol, Ids found) {
        Integer id = ids.get(symbol);
        if (id != null) {
            found.add(id);
            return;
        }
        byte[] utf8 = symbol.getBytes(StandardCharsets.UTF_8);
        for (byte b : utf8) {
            if (bytes[b & 0xff] < 0) {
                if (found.last() != unknown) { // unknown characters behind one another are one token
                    found.add(unknown);
                }
                return;
            }
        }
        for (byte b : utf8) {
            found.add(bytes[b & 0xff]);
        }
    }

    private static final class Ids {
        private int[] ids = new int[16];
        private int size;

        void add(int id) {
            if (size == ids.length) {
                ids = Arrays.copyOf(ids, 2 * size);
            }
            ids[size++] = id;
        }

        int last() {
            return size == 0 ? -1 : ids[size - 1];
        }

        int[] toArray() {
            return Arrays.copyOf(ids, size);
        }
    }

    @Override
    public void close() {} // nothing but Java memory
}
