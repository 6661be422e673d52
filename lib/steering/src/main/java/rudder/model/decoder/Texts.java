package rudder.model.decoder;

import java.util.stream.IntStream;
import rudder.kernel.PackedInput;

/** Some texts, one or more: their keys and values. Not thread-safe. */
public final class Texts {

    private final Decoder decoder;
    private final int[] room;
    private final int[] all; // the texts' numbers
    private final HeapCache[] caches; // null before a text begins
    private DecoderPass pass; // of the width that was needed last

    Texts(Decoder decoder, int... room) {
        this.decoder = decoder;
        this.room = room.clone();
        all = IntStream.range(0, room.length).toArray();
        caches = new HeapCache[room.length];
    }

    private HeapCache cache(int text) {
        if (caches[text] == null) {
            caches[text] = empty(room[text]);
        }
        return caches[text];
    }

    private HeapCache empty(int room) {
        var config = decoder.config;
        return new HeapCache(config.horizon(), config.keyValueHeads(), config.headDimension(), room);
    }

    /**
     * The states and inputs of one pass, whose columns are tokens. States last until these texts read on.
     *
     * @param width of a row
     * @param states z_0..z_T, [T+1][d, width]
     * @param inputs u_0..u_{T-1} on the residual stream, [T][d, width]; null where there is none
     * @param mixed inputs on the heads, multiplied by the output matrix, [T][d, width]; null where there is none
     * @param logits of the next tokens, [tokens, vocabulary]; null if they were not asked for
     */
    public record Step(int width, float[][] states, float[][] inputs, float[][] mixed, float[] logits) {}

    /** Returns the number of texts. */
    public int size() {
        return caches.length;
    }

    /** Returns the number of tokens that a text has read. */
    public int length(int text) {
        return caches[text] == null ? 0 : caches[text].length();
    }

    /**
     * Reads the next token of each text.
     *
     * @param laws null if none is steered
     * @param steered whether the laws steer each text's token
     */
    public Step next(int[] tokens, HeapLaws laws, boolean... steered) {
        return read(all, tokens, laws, steered, true, all.length);
    }

    /**
     * Reads some tokens of any texts; a text's own in their order. What comes of a token does not depend on how many
     * are read with it, to the bit.
     *
     * @param texts the text of each token
     * @param laws null if none is steered
     * @param steered whether the laws steer each token
     * @param logits whether they are asked for
     */
    public Step read(int[] texts, int[] tokens, HeapLaws laws, boolean[] steered, boolean logits) {
        return read(texts, tokens, laws, steered, logits, Math.max(PackedInput.MANY, texts.length));
    }

    private Step read(int[] texts, int[] tokens, HeapLaws laws, boolean[] steered, boolean logits, int columns) {
        var own = new HeapCache[texts.length];
        var positions = new int[texts.length];
        var read = new int[caches.length];
        for (int i = 0; i < texts.length; i++) {
            own[i] = cache(texts[i]);
            positions[i] = own[i].length() + read[texts[i]]++;
        }
        if (pass == null || pass.width() != PackedInput.width(columns)) {
            pass = new DecoderPass(decoder, columns);
        }
        var inputs = laws == null ? null : laws.pass(pass.width(), texts, steered);
        var step = pass.run(own, positions, tokens, inputs, logits);
        for (var cache : own) {
            cache.advance();
        }
        return step;
    }

    /**
     * Returns -ln p of tokens that may follow those of the last step, in nats, without holding logits.
     *
     * @param step the last one that was read
     * @param columns of the tokens that each is behind, in the step
     * @param next one token for each column
     */
    public double[] surprisals(Step step, int[] columns, int[] next) {
        return pass.surprisals(step.states()[decoder.config.horizon()], columns, next);
    }

    /** Returns the keys of a text's first tokens, for each block [key heads, count, head dimension]. */
    public float[][] keys(int text, int count) {
        return cache(text).first(cache(text).keys, count);
    }

    /** Returns the values of a text's first tokens, as {@link #keys}. */
    public float[][] values(int text, int count) {
        return cache(text).first(cache(text).values, count);
    }

    /** Begins a text with what another has read. */
    public void begin(int text, Texts other, int from) {
        caches[text] = other.cache(from).copy(room[text]);
    }

    /** Begins a text with what another has read, which is empty afterwards: nothing is copied. */
    public void take(int text, Texts other, int from) {
        caches[text] = other.cache(from).moved(room[text]);
        other.drop(from);
    }

    /** Forgets what a text has read. */
    public void drop(int text) {
        caches[text] = null;
    }

    /** Begins a text with unsteered tokens that the decoder keeps. Returns whether it does. */
    public boolean beginKept(int text, int... tokens) {
        var kept = decoder.beginnings.find(tokens);
        kept.ifPresent(cache -> caches[text] = cache.copy(room[text]));
        return kept.isPresent();
    }

    /** Lets the decoder keep the unsteered tokens that a text has read. */
    public void keep(int text, int... tokens) {
        decoder.beginnings.keep(cache(text), tokens);
    }
}
