package rudder.model.engine;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.OptionalInt;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import rudder.checkpoint.tokenizer.Ranked;

/**
 * Chooses the tokens of one sequence. The draws depend only on the seed, the row and the sequence's own tokens, so that
 * a sequence is the same alone and in a batch. The whole vocabulary is never sorted. Not thread-safe.
 */
public final class Sampler {
    private static final int BINS_PER_UNIT = 8; // of (largest - logit) / temperature
    private static final int BINS = 32 * BINS_PER_UNIT; // the last bin takes all weights below exp(-32)

    private static final int NUCLEUS = 256; // tokens among which a nucleus is sought before all are
    private static final int MOST = 4096; // more candidates cost more than all logits

    private final double temperature;
    private final int topK;
    private final double topP;
    private final float penalty;
    private final Random random;
    private final BitSet seen = new BitSet(); // tokens of the prompt and of the text so far
    private double drawn = Double.NaN; // for the next choice; NaN before it is drawn

    private float[] logits; // null between choices
    private int offset;
    private int size;
    private float largest;

    /**
     * @param temperature 0 for the largest logit; with the others as in {@code Sampling}
     * @param row the number of the sequence in its list; 0 when alone
     * @param prompt the tokens before the first choice; the repetition penalty counts them too
     */
    public Sampler(
            double temperature, int topK, double topP, double repetitionPenalty, long seed, int row, int... prompt) {
        this.temperature = temperature;
        this.topK = topK;
        this.topP = topP;
        penalty = (float) repetitionPenalty;
        random = new Random(mix(mix(seed) + row));
        accept(prompt);
    }

    /** Adds tokens to the sequence that {@link #next} did not choose. */
    public void accept(int... tokens) {
        for (int token : tokens) {
            seen.set(token);
        }
    }

    public int next(float[] logits) {
        return next(logits, 0, logits.length);
    }

    /**
     * Chooses the next token and adds it to the sequence. Draws one random number unless decoding is greedy.
     *
     * @param logits logits[offset .. offset + size), one for each token id; not modified
     * @throws IllegalArgumentException if a logit is NaN or +infinity, or all are -infinity
     */
    public int next(float[] logits, int offset, int size) {
        return take(proposed(logits, offset, size));
    }

    /**
     * Returns the token that {@link #next} would choose, and adds nothing. The random number serves the next choice, so
     * that a proposal that nobody takes changes no later token.
     */
    public int proposed(float[] logits, int offset, int size) {
        this.logits = logits;
        this.offset = offset;
        this.size = size;
        try {
            int best = best();
            largest = logit(best);
            return temperature == 0 || topK == 1 ? best : draw();
        } finally {
            this.logits = null; // the sampler of a text that ends here would hold those of all texts
        }
    }

    /** Adds the token that was {@link #proposed} to the sequence, and returns it. */
    public int take(int token) {
        drawn = Double.NaN;
        accept(token);
        return token;
    }

    /** Returns whether a nucleus is sought in the whole vocabulary, whose weight {@link #nextOf} then needs. */
    public boolean needsWeight() {
        return temperature != 0 && topK == 0 && topP < 1;
    }

    public double temperature() {
        return temperature;
    }

    public float penalty() {
        return penalty;
    }

    /** Returns the tokens whose logits the repetition penalty changes. */
    public int[] penalised() {
        return penalty == 1 ? new int[0] : seen.stream().toArray();
    }

    /** Returns with how many of the largest logits {@link #nextOf} can choose a token; 0 if it takes all logits. */
    public int candidates(int vocabulary) {
        if (temperature == 0) {
            return 1;
        }
        int wanted = topK > 0 ? topK : topP < 1 ? NUCLEUS : vocabulary;
        return wanted > MOST || wanted >= vocabulary ? 0 : wanted;
    }

    /**
     * Chooses as {@link #next} does, among the largest logits. Draws nothing if they do not suffice.
     *
     * @param ranked the keys of as many tokens as {@link #candidates} says, after the repetition penalty, sorted
     * @param weight sum of exp((logit - largest) / temperature) over the vocabulary, if {@link #needsWeight}
     * @return empty if the logits are not finite, or the nucleus holds more tokens: {@code next} then decides
     */
    public OptionalInt nextOf(long[] ranked, double weight) {
        largest = Ranked.value(ranked[0]);
        if (!Float.isFinite(largest)) {
            return OptionalInt.empty();
        }
        int token = Ranked.id(ranked[0]);
        if (temperature != 0 && topK != 1) {
            double some = sum(ranked.length, weights(ranked));
            if (needsWeight() && !(some >= topP * weight)) {
                return OptionalInt.empty();
            }
            token = pickOf(ranked, needsWeight() ? weight : some);
        }
        return OptionalInt.of(take(token));
    }

    private int best() {
        int best = -1;
        float most = Float.NEGATIVE_INFINITY;
        int next = penalty == 1 ? -1 : seen.nextSetBit(0); // the set is not asked for every token
        for (int id = 0; id < size; id++) {
            float logit = logits[offset + id];
            if (id == next) {
                logit = penalised(logit);
                next = seen.nextSetBit(id + 1);
            }
            if (logit > most) {
                best = id;
                most = logit;
            } else if (logit != logit) {
                throw unfit(id);
            }
        }
        if (best < 0 || most == Float.POSITIVE_INFINITY) {
            throw unfit(Math.max(best, 0));
        }
        return best;
    }

    private IllegalArgumentException unfit(int id) {
        return new IllegalArgumentException(
                "no token can be chosen: the logit of token " + id + " is " + logits[offset + id]
                        + ", wanted finite ones; an input steered too hard overflows, lower its strength");
    }

    /** Returns a logit after the repetition penalty. */
    private float logit(int id) {
        float logit = logits[offset + id];
        return penalty == 1 || !seen.get(id) ? logit : penalised(logit);
    }

    private float penalised(float logit) {
        return logit > 0 ? logit / penalty : logit * penalty;
    }

    /** Returns exp((logit - largest) / temperature): the probability up to a factor. */
    private double weight(float logit) {
        return Math.exp((logit - largest) / temperature);
    }

    private IntToDoubleFunction weights(long... ranked) {
        return i -> weight(Ranked.value(ranked[i]));
    }

    private int draw() {
        boolean all = topK == 0 || topK >= size;
        if (all && topP == 1) {
            return pick(size, id -> weight(logit(id)));
        }
        if (all) {
            double[] masses = masses();
            double total = Arrays.stream(masses).sum();
            return pickOf(upTo(reaching(topP * total, masses)), total);
        }
        long[] ranked = largest(topK);
        return pickOf(ranked, sum(ranked.length, weights(ranked)));
    }

    /** Draws one of the ranked tokens that reach topP of a total weight together. */
    private int pickOf(long[] ranked, double total) {
        var weights = weights(ranked);
        return Ranked.id(ranked[pick(nucleus(ranked.length, weights, topP * total), weights)]);
    }

    /** Draws one of n tokens, each with a probability proportional to its weight. */
    private int pick(int n, IntToDoubleFunction weight) {
        if (Double.isNaN(drawn)) {
            drawn = random.nextDouble();
        }
        double point = drawn * sum(n, weight); // in [0, sum)
        double sum = 0;
        int i = 0;
        while ((sum += weight.applyAsDouble(i)) <= point) {
            i++;
        }
        return i;
    }

    private static double sum(int n, IntToDoubleFunction weight) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += weight.applyAsDouble(i);
        }
        return sum;
    }

    /** Returns how many of the first n tokens reach a weight together; at least one. */
    private static int nucleus(int n, IntToDoubleFunction weight, double enough) {
        double sum = 0;
        int some = 0;
        do {
            sum += weight.applyAsDouble(some++);
        } while (sum < enough && some < n);
        return some;
    }

    // Finds a nucleus without sorting the vocabulary. Likelier bins hold likelier tokens, so the fewest bins that reach
    // topP hold the nucleus and few other tokens.

    private int bin(int id) {
        return (int) Math.min(BINS - 1, BINS_PER_UNIT * (largest - logit(id)) / temperature);
    }

    /** Returns the weight in each bin. */
    private double[] masses() {
        double[] masses = new double[BINS];
        for (int id = 0; id < size; id++) {
            masses[bin(id)] += weight(logit(id));
        }
        return masses;
    }

    private static int reaching(double enough, double[] masses) {
        int bin = 0;
        for (double sum = masses[0]; sum < enough && bin < BINS - 1; ) {
            sum += masses[++bin];
        }
        return bin;
    }

    /** Returns the tokens of the bins 0 to {@code last}, ranked. */
    private long[] upTo(int last) {
        long[] ranked = new long[64];
        int n = 0;
        for (int id = 0; id < size; id++) {
            if (bin(id) <= last) {
                ranked = n == ranked.length ? Arrays.copyOf(ranked, 2 * n) : ranked;
                ranked[n++] = Ranked.key(logit(id), id);
            }
        }
        Arrays.sort(ranked, 0, n);
        return Arrays.copyOf(ranked, n);
    }

    /** Returns the tokens with the k largest logits, ranked; of equal logits, those with the lowest ids. */
    private long[] largest(int k) {
        PriorityQueue<Long> kept = new PriorityQueue<>(k, Comparator.reverseOrder()); // the smallest on top
        for (int id = 0; id < size; id++) {
            long key = Ranked.key(logit(id), id);
            if (id < k) {
                kept.add(key);
            } else if (key < kept.peek()) {
                kept.poll();
                kept.add(key);
            }
        }
        return kept.stream().mapToLong(Long::longValue).sorted().toArray();
    }

    /** Spreads a number's bits over all 64 bits, so that neighbouring seeds and rows draw unrelated numbers. */
    private static long mix(long x) {
        x = (x ^ x >>> 30) * 0xbf58476d1ce4e5b9L; // the finalizer of splitmix64
        x = (x ^ x >>> 27) * 0x94d049bb133111ebL;
        return x ^ x >>> 31;
    }
}
