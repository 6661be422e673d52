package rudder.model.decoder;

import java.util.Arrays;
import rudder.kernel.Cores;
import rudder.kernel.Floats;
import rudder.kernel.PackedInput;

/**
 * How likely the head finds given tokens behind some columns. A part of the vocabulary is multiplied at a time, and of
 * its logits a sum is left. The logits of a whole pass would take more memory than the pass itself.
 */
final class LogSums {

    /** Tokens of the vocabulary in one part, whose logits stay in a core's cache. */
    private static final int PART = 256;

    private final Decoder decoder;
    private final PackedInput states;
    private final int width;
    private final int vocabulary;

    /** @param states normed, one a column */
    LogSums(Decoder decoder, PackedInput states) {
        this.decoder = decoder;
        this.states = states;
        width = states.width();
        vocabulary = decoder.config.vocabulary();
    }

    /**
     * Returns {@code ln sum_x exp(logit(x)) - logit(next)}, in nats.
     *
     * @param columns the state behind which each token comes; a state may be named several times
     * @param next one token for each of them
     */
    double[] surprisals(int[] columns, int[] next) {
        int parts = (vocabulary + PART - 1) / PART;
        int size = 2 * width + next.length; // of a part: each column's largest logit and sum, and the logits of next
        var found = new float[parts * size];
        Cores.Rows rows = (first, end, out, base) -> {
            for (int part = first; part < end; part++) {
                part(part, columns, next, out, base + part * size);
            }
        };
        Cores.share(parts, 1, size, rows, found, 0);
        double[] surprisals = new double[next.length];
        for (int j = 0; j < next.length; j++) {
            float logit = found[next[j] / PART * size + 2 * width + j];
            surprisals[j] = logSum(found, parts, size, columns[j]) - logit;
        }
        return surprisals;
    }

    private void part(int part, int[] columns, int[] next, float[] out, int at) {
        int from = part * PART;
        int end = Math.min(vocabulary, from + PART);
        var logits = new float[(end - from) * width];
        decoder.logits(states, from, end, logits, -from * width);
        Floats.sumExp(logits, end - from, width, out, at);
        Arrays.fill(out, at + 2 * width, at + 2 * width + next.length, 0);
        for (int j = 0; j < next.length; j++) {
            if (next[j] >= from && next[j] < end) {
                out[at + 2 * width + j] = logits[(next[j] - from) * width + columns[j]];
            }
        }
    }

    private double logSum(float[] found, int parts, int size, int column) {
        double most = Double.NEGATIVE_INFINITY;
        for (int part = 0; part < parts; part++) {
            most = Math.max(most, found[part * size + column]);
        }
        double sum = 0;
        for (int part = 0; part < parts; part++) {
            sum += found[part * size + width + column] * Math.exp(found[part * size + column] - most);
        }
        return most + Math.log(sum);
    }
}
