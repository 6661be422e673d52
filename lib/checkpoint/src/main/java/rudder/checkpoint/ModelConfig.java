package rudder.checkpoint;

import java.util.List;

/**
 * What distinguishes one decoder-only transformer from another: a size for each matrix and a switch for each variation.
 * One block description ({@code Block}) serves every architecture; an architecture is this record and a
 * {@link TensorNames}.
 *
 * @param architecture name in the checkpoint, {@code llama} for instance
 * @param horizon T, number of blocks
 * @param dimension d, width of the residual stream
 * @param heads number of query heads
 * @param keyValueHeads number of key and value heads; each serves heads / keyValueHeads query heads
 * @param headDimension width of a head
 * @param feedForward f, width inside the gated MLP
 * @param vocabulary number of tokens
 * @param contextLength longest sequence the model was made for
 * @param epsilon added to the mean square in every norm
 * @param activation the gate's nonlinearity
 * @param embeddingScale factor on the embedding (Gemma: sqrt(d))
 * @param attentionScale factor on q.k
 * @param attentionCap soft bound on the scaled q.k; 0: none
 * @param logitCap soft bound on the logits; 0: none
 * @param spans per block: rotary angles and attention window
 * @param biases whether queries, keys and values have a bias
 * @param queryKeyNorms whether queries and keys pass an RMS norm per head
 * @param postNorms whether attention's and the MLP's outputs pass an RMS norm before they are added
 * @param tiedHead whether the embedding serves as the head that makes logits
 * @param interleavedHeads whether the file stores query and key rows permuted for interleaved rotary pairs
 * @param gainOffset what is added to a norm's stored gain: 1 where the file holds w of a factor 1 + w
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

    public ModelConfig {
        spans = List.copyOf(spans);
        require(
                architecture,
                horizon > 0 && dimension > 0 && feedForward > 0 && vocabulary > 0 && contextLength > 0,
                "block count, widths, vocabulary and context length must be positive");
        require(
                architecture,
                headDimension > 0 && headDimension % 2 == 0,
                "head dimension must be even, found " + headDimension);
        require(
                architecture,
                keyValueHeads > 0 && heads % keyValueHeads == 0,
                "query heads (" + heads + ") must be a multiple of key and value heads (" + keyValueHeads + ")");
        require(architecture, spans.size() == horizon, "one attention span a block");
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

    private static void require(String architecture, boolean ok, String what) {
        if (!ok) {
            throw new IllegalArgumentException("Model configuration (" + architecture + "): " + what);
        }
    }

    /** All weights, norms and biases. */
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

    /** The distinct spans, in order of first use; a pass prepares angles and masks once for each. */
    public List<AttentionSpan> distinctSpans() {
        return spans.stream().distinct().toList();
    }

    /** h w: numbers that the heads of a block put out together. */
    public int headsWidth() {
        return heads * headDimension;
    }
}
