package rudder.model.pass;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.IntStream;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.HeapLaws;
import rudder.model.decoder.Texts;
import rudder.model.engine.Lifetime;
import rudder.model.transformer.SteeredPass;

/**
 * Reads known tokens of many texts on the heap, some at a time.
 *
 * @param lifetime of the model, which may end between passes
 */
record HeapReading(Lifetime lifetime, Decoder decoder) {

    /** Tokens in one pass. */
    static final int TOKENS = 128;
    /** Tokens that several beginnings share before it pays to read them once. */
    private static final int SHARED = 8;

    /**
     * What steers the tokens that are read.
     *
     * @param tokens tells which of each text's tokens are steered
     * @param where the tokens are, for messages
     */
    record Steering(HeapLaws laws, List<boolean[]> tokens, String where) {
        /** Whether a token before the last of a text is steered, so that no unsteered keys and values serve. */
        private boolean isEarlier() {
            return SteeredPass.of(null, tokens).earlier();
        }
    }

    /** Receives what a pass leaves. */
    interface Then {
        /**
         * @param text the text of each token of the pass
         * @param index of each token in its text
         */
        void accept(Texts.Step step, int[] text, int[] index);
    }

    /**
     * Reads prompts.
     *
     * @param texts empty, one for each prompt
     * @param steering null if nothing is steered
     * @param then receives the last tokens alone
     */
    void readPrompts(Texts texts, List<int[]> prompts, Steering steering, Then then) {
        beginPrompts(texts, prompts, steering);
        read(texts, prompts, steering, then);
    }

    /**
     * Reads prompts' beginnings: all tokens but the last of each.
     *
     * @param texts empty, one for each prompt
     * @param steering of the prompts, with their last tokens; null if nothing is steered
     */
    void beginPrompts(Texts texts, List<int[]> prompts, Steering steering) {
        var beginnings = prompts.stream()
                .map(tokens -> Arrays.copyOf(tokens, tokens.length - 1))
                .toList();
        if (steering != null && steering.isEarlier()) {
            read(texts, beginnings, steering, null);
        } else {
            begin(texts, beginnings);
        }
    }

    /**
     * Reads unsteered beginnings, each once, and what they share once; those that the decoder keeps are not read. The
     * first text of those that begin alike reads for all: a text of its own would take as much memory again.
     */
    void begin(Texts texts, List<int[]> beginnings) {
        var missing = new LinkedHashMap<IntBuffer, List<Integer>>();
        var read = new ArrayList<>(beginnings);
        for (int i = 0; i < beginnings.size(); i++) {
            int[] tokens = beginnings.get(i);
            if (tokens.length > 0 && !texts.beginKept(i, tokens)) {
                var alike = missing.computeIfAbsent(IntBuffer.wrap(tokens), t -> new ArrayList<>());
                alike.add(i);
                read.set(i, alike.size() == 1 ? tokens : new int[0]);
            }
        }
        if (missing.isEmpty()) {
            return;
        }
        var distinct = missing.keySet().stream().map(IntBuffer::array).toList();
        int shared = shared(distinct);
        if (shared > 0) {
            var readers = missing.values().stream().map(alike -> alike.get(0)).toList();
            begin(texts, readers, Arrays.copyOf(distinct.get(0), shared));
        }
        read(texts, read, null, null);
        missing.forEach((tokens, alike) -> {
            int reader = alike.get(0);
            texts.keep(reader, tokens.array());
            alike.stream().skip(1).forEach(i -> texts.begin(i, texts, reader));
        });
    }

    /** Begins some texts with the same tokens, which the decoder keeps: other prompts may share them too. */
    private void begin(Texts texts, List<Integer> some, int... shared) {
        var prefix = decoder.texts(shared.length);
        if (!prefix.beginKept(0, shared)) {
            read(prefix, List.of(shared), null, null);
            prefix.keep(0, shared);
        }
        for (int i : some) {
            texts.begin(i, prefix, 0);
        }
    }

    /** Returns how many tokens several beginnings share, if it pays to read these once; else 0. */
    private static int shared(List<int[]> beginnings) {
        int[] first = beginnings.get(0);
        int shared = beginnings.stream()
                .mapToInt(tokens -> {
                    int differs = Arrays.mismatch(first, tokens);
                    return differs < 0 ? tokens.length : differs;
                })
                .min()
                .orElse(0);
        return beginnings.size() > 1 && shared >= SHARED ? shared : 0;
    }

    /**
     * Reads what is left of all texts, some tokens at a time.
     *
     * @param tokens of each text, those that it has read among them
     * @param steering null if nothing is steered
     * @param then may be null
     */
    void read(Texts texts, List<int[]> tokens, Steering steering, Then then) {
        var text = new int[TOKENS];
        var index = new int[TOKENS];
        int all = IntStream.range(0, texts.size())
                .map(i -> tokens.get(i).length - texts.length(i))
                .sum();
        int done = 0;
        int n = 0;
        for (int i = 0; i < tokens.size(); i++) {
            for (int t = texts.length(i); t < tokens.get(i).length; t++) {
                text[n] = i;
                index[n] = t;
                if (++n == TOKENS || done + n == all) {
                    pass(texts, tokens, Arrays.copyOf(text, n), Arrays.copyOf(index, n), steering, then);
                    done += n;
                    n = 0;
                    lifetime.check(done, all, "tokens");
                }
            }
        }
    }

    private static void pass(Texts texts, List<int[]> tokens, int[] text, int[] index, Steering steering, Then then) {
        var next = new int[text.length];
        var steered = new boolean[text.length];
        for (int i = 0; i < next.length; i++) {
            next[i] = tokens.get(text[i])[index[i]];
            steered[i] = steering != null && steering.tokens.get(text[i])[index[i]];
        }
        var step = texts.read(text, next, steering == null ? null : steering.laws, steered, false);
        if (steering != null) {
            HeapPasses.refuseOverflow(step, next.length, steering.where);
        }
        if (then != null) {
            then.accept(step, text, index);
        }
    }
}
