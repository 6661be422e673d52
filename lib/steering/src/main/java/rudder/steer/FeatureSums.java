package rudder.steer;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.LanguageModel;
import rudder.model.plant.ResidualTrace;
import rudder.theory.control.Rollout;

/**
 * {@link Features} from sums over chunks of texts, for processes that share the texts. First each chunk's states are
 * summed, which gives the means and the directions. Then each chunk's squared deviations along the directions are
 * summed, which gives the spread. {@link Features#contrast} sums the same chunks in the same order, so the features are
 * the same to the last bit.
 *
 * <pre>{@code
 * var sums = FeatureSums.of(model, set, ReadAt.LAST);
 * var means = sums.means(sums.chunks().stream().map(chunk -> chunk.sum(model)).toList());
 * var features = means.features(sums.chunks().stream().map(chunk -> means.squares(chunk).of(model)).toList());
 * }</pre>
 */
public final class FeatureSums {

    /** So many texts of a side make a chunk. */
    public static final int CHUNK = 64;

    /**
     * Some texts of one side, as tokens.
     *
     * @param positive whether they show the feature
     * @param spans the tokens to read of each text; null for the last ones
     */
    public record Chunk(boolean positive, List<int[]> tokens, List<TokenSpan> spans) implements Serializable {

        /** Returns the sum of the texts' states z_k, [T+1][d]. */
        public double[][] sum(LanguageModel model) {
            var sum = new ChunkedSum();
            runs(model).forEach(run -> sum.add(run.states()));
            return sum.total();
        }

        private Stream<Rollout> runs(LanguageModel model) {
            return model.streamTraces(tokens, spans).map(ResidualTrace::rollout);
        }
    }

    /**
     * The second pass over a chunk.
     *
     * @param directions v_k, [T+1][d]
     * @param strengths the side's mean of v_k.z_k, [T+1]
     */
    public record Squares(Chunk chunk, double[][] directions, double[] strengths) implements Serializable {

        /** Returns the sum of {@code (v_k.z_k - strength)^2} over the texts, [T+1]. */
        public double[] of(LanguageModel model) {
            var sum = new ChunkedSum();
            chunk.runs(model).forEach(run -> sum.add(new double[][] {Features.squares(run, directions, strengths)}));
            return sum.total()[0];
        }
    }

    private final String name;
    private final String plant;
    private final String read;
    private final List<Chunk> chunks;

    private FeatureSums(String name, String plant, String read, List<Chunk> chunks) {
        this.name = name;
        this.plant = plant;
        this.read = read;
        this.chunks = chunks;
    }

    /**
     * Cuts a contrast set into chunks, as {@link Features#contrast(LanguageModel, ContrastSet, ReadAt)} does.
     *
     * @throws IllegalArgumentException if a text has no such token
     */
    public static FeatureSums of(LanguageModel model, ContrastSet set, ReadAt at) {
        return of(model, set, at, model::encode);
    }

    /**
     * Cuts a contrast set of messages into chunks, as {@link Features#contrastInChat(LanguageModel, ContrastSet,
     * ReadAt)} does.
     */
    public static FeatureSums inChat(LanguageModel model, ContrastSet set, ReadAt at) {
        return of(model, set, at, model::encodeChat);
    }

    private static FeatureSums of(LanguageModel model, ContrastSet set, ReadAt at, Function<String, int[]> encode) {
        var chunks = new ArrayList<Chunk>();
        for (boolean positive : new boolean[] {true, false}) {
            var texts = positive ? set.positive() : set.negative();
            for (int first = 0; first < texts.size(); first += CHUNK) {
                var tokens = texts.subList(first, Math.min(texts.size(), first + CHUNK)).stream()
                        .map(encode)
                        .toList();
                chunks.add(new Chunk(positive, tokens, at.spans(tokens)));
            }
        }
        return new FeatureSums(set.name(), model.sha256(), at.toString(), List.copyOf(chunks));
    }

    /** Returns the chunks, those of the positive side first. */
    public List<Chunk> chunks() {
        return chunks;
    }

    /**
     * Joins the first pass.
     *
     * @param sums of the chunks, in their order
     * @throws IllegalArgumentException naming the block, if both sides have the same mean state there
     */
    public Means means(List<double[][]> sums) {
        var positive = new ChunkedSum();
        var negative = new ChunkedSum();
        for (int i = 0; i < chunks.size(); i++) {
            var chunk = chunks.get(i);
            (chunk.positive ? positive : negative)
                    .addChunk(sums.get(i), chunk.tokens().size());
        }
        double[][] with = Features.mean(positive);
        double[][] without = Features.mean(negative);
        return new Means(with, without, Features.axes(name, with, without, Features.DIFFERENCE));
    }

    /** The mean states of both sides. */
    public final class Means {
        private final double[][] with;
        private final double[][] without;
        private final Features.Axes axes;

        private Means(double[][] with, double[][] without, Features.Axes axes) {
            this.with = with;
            this.without = without;
            this.axes = axes;
        }

        /** Returns the second pass over a chunk. */
        public Squares squares(Chunk chunk) {
            return new Squares(
                    chunk, axes.directions(), Features.strengths(axes.directions(), chunk.positive ? with : without));
        }

        /**
         * Joins the second pass.
         *
         * @param squares of the chunks, in their order
         */
        public Features features(List<double[]> squares) {
            var positive = new ChunkedSum();
            var negative = new ChunkedSum();
            for (int i = 0; i < chunks.size(); i++) {
                var chunk = chunks.get(i);
                (chunk.positive ? positive : negative)
                        .addChunk(
                                new double[][] {squares.get(i)}, chunk.tokens().size());
            }
            return Features.of(
                    name,
                    axes,
                    Features.side(positive, with, axes.directions()),
                    Features.side(negative, without, axes.directions()),
                    plant,
                    read);
        }
    }

    @Override
    public String toString() {
        return "FeatureSums[" + name + ", " + chunks.size() + " chunks, " + read + "]";
    }
}
