package rudder.checkpoint;

import java.util.List;

/**
 * The configuration of a decoder-only transformer: the sizes of its matrices and a switch for each variation. One
 * description of a block ({@code Block}) serves every architecture, which is this record and a {@link TensorNames}.
 *
 * @param architecture the name in the checkpoint, {@code llama} for instance
 * @param horizon T, number of blocks (transformer layers)
 * @param dimension d, width of the residual stream
 * @param heads number of query heads
 * @param keyValueHeads number of key and value heads; each serves heads / keyValueHeads query heads
 * @param headDimension width of a head
 * @param feedForward f, width inside the gated MLP
 * @param vocabulary number of tokens
 * @param contextLength length in tokens of the longest sequence that the model was made for
 * @param epsilon the constant added to the mean square in every norm
 * @param activation nonlinearity of the MLP's gate
 * @param embeddingScale factor on the embedding (Gemma: sqrt(d))
 * @param attentionScale factor on q.k
 * @param attentionCap soft cap of the scaled q.k; 0: none
 * @param logitCap soft cap of the logits; 0: none
 * @param spans rotary angles and attention window of each block
 * @param biases whether queries, keys and values have a bias
 * @param queryKeyNorms whether queries and keys pass an RMS norm per head
 * @param postNorms whether the outputs of attention and MLP pass an RMS norm before they are added to the residual
 *     stream
 * @param tiedHead whether the embedding is also the head that makes logits
 * @param interleavedHeads whether the file stores query and key rows permuted for interleaved rotary pairs
 * @param gainOffset the number added to a norm's stored gain w: 1 if the norm multiplies by 1 + w, else 0
 */
public record ModelConfig(
        String architecture,
        int horizon,
        int dimension,
        int heads,
        int keyValueHeads,
        int headDimension,
        int feedForward,
        int vocabulary,
        int contextLength,
        double epsilon,
        Activation activation,
        double embeddingScale,
        double attentionScale,
        double attentionCap,
        double logitCap,
        List<AttentionSpan> spans,
        boolean biases,
        boolean queryKeyNorms,
        boolean postNorms,
        boolean tiedHead,
        boolean interleavedHeads,
        int gainOffset) {

    /** The largest public model has 126 blocks. */
    private static final int MOST_BLOCKS = 4096;
    /** The largest public model has a width of 18,432 and 128 heads. */
    private static final int WIDEST = 1 << 20;

    private static final int MOST_HEADS = 1 << 14;
    /** The largest public vocabulary has 262,208 tokens. */
    private static final int MOST_TOKENS = 1 << 21;

    /**
     * @throws IllegalArgumentException if a size is larger than that of any model, or the sizes do not fit one another;
     *     the message names them
     */
    public ModelConfig {
        spans = List.copyOf(spans);
        blocks(architecture, horizon);
        within(architecture, "width", dimension, WIDEST);
        within(architecture, "width of the MLP", feedForward, WIDEST);
        within(architecture, "number of query heads", heads, MOST_HEADS);
        within(architecture, "number of key and value heads", keyValueHeads, MOST_HEADS);
        within(architecture, "head dimension", headDimension, MOST_HEADS);
        within(architecture, "vocabulary", vocabulary, MOST_TOKENS);
        within(architecture, "context length", contextLength, Integer.MAX_VALUE);
        require(architecture, headDimension % 2 == 0, "head dimension must be even, found " + headDimension);
        require(
                architecture,
                heads % keyValueHeads == 0,
                "query heads (" + heads + ") must be a multiple of key and value heads (" + keyValueHeads + ")");
        require(
                architecture,
                spans.size() == horizon,
                "found " + spans.size() + " attention spans, wanted one for each of the " + horizon + " blocks");
        require(
                architecture,
                embeddingScale > 0
                        && Double.isFinite(embeddingScale)
                        && attentionScale > 0
                        && Double.isFinite(attentionScale),
                "the scales of embedding and attention must be positive, found " + embeddingScale + " and "
                        + attentionScale);
        require(
                architecture,
                attentionCap >= 0 && Double.isFinite(attentionCap) && logitCap >= 0 && Double.isFinite(logitCap),
                "soft caps must be positive, found " + attentionCap + " on attention and " + logitCap + " on logits");
        require(
                architecture,
                epsilon > 0 && Double.isFinite(epsilon),
                "norm epsilon must be positive, found " + epsilon);
    }

    /**
     * Returns the number of blocks, for readers that make a list of so many.
     *
     * @throws IllegalArgumentException if no model has so many
     */
    static int blocks(String architecture, int count) {
        within(architecture, "number of blocks", count, MOST_BLOCKS);
        return count;
    }

    private static void within(String architecture, String size, int found, int most) {
        require(
                architecture,
                found > 0 && found <= most,
                "the " + size + " is " + found + ", wanted 1 to " + most + "; the configuration is damaged");
    }

    private static void require(String architecture, boolean ok, String what) {
        if (!ok) {
            throw new IllegalArgumentException("Model configuration (" + architecture + "): " + what);
        }
    }

    /** Returns the number of parameters: weights, norms and biases. */
    public long parameters() {
        long d = dimension;
        long projected = (heads + 2L * keyValueHeads) * headDimension;
        long block = d * projected
                + (biases ? projected : 0)
                + (long) heads * headDimension * d
                + 3L * feedForward * d // attention, MLP
                + (postNorms ? 4 : 2) * d
                + (queryKeyNorms ? 2L * headDimension : 0); // norms
        return (tiedHead ? 1 : 2) * (long) vocabulary * d + horizon * block + d;
    }

    /** Returns the distinct spans in order of first use. A forward pass prepares angles and masks once for each. */
    public List<AttentionSpan> distinctSpans() {
        return spans.stream().distinct().toList();
    }

    /** Returns h w, the width of the outputs of all heads of a block: {@code heads * headDimension}. */
    public int headsWidth() {
        return heads * headDimension;
    }
}
