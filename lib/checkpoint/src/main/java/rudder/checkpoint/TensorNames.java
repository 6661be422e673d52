package rudder.checkpoint;

import java.util.regex.Pattern;
import rudder.checkpoint.format.TensorSource;

/**
 * The names of a checkpoint's tensors, without the suffixes {@code .weight} and {@code .bias}. The names of a block's
 * tensors are patterns with {@code %d} for the block's index.
 *
 * @param embedding token embedding
 * @param finalNorm norm before the head
 * @param head matrix that makes logits; absent if the embedding is the head
 * @param attentionNorm norm of attention's input
 * @param query projection to queries
 * @param key projection to keys
 * @param value projection to values
 * @param output projection of the heads' outputs
 * @param queryNorm norm of each query head, if any
 * @param keyNorm norm of each key head, if any
 * @param postAttentionNorm norm of attention's output, if any
 * @param mlpNorm norm of the MLP's input
 * @param gate projection to the MLP's gate
 * @param up projection to the MLP's inner width
 * @param down projection back to the residual stream
 * @param postMlpNorm norm of the MLP's output, if any
 * @param others tensors that text does not need; loading fails for any other tensor that is not read
 */
public record TensorNames(
        String embedding,
        String finalNorm,
        String head,
        String attentionNorm,
        String query,
        String key,
        String value,
        String output,
        String queryNorm,
        String keyNorm,
        String postAttentionNorm,
        String mlpNorm,
        String gate,
        String up,
        String down,
        String postMlpNorm,
        Pattern others) {

    /** The names in GGUF files, the same for every architecture. */
    static final TensorNames GGUF = new TensorNames(
            "token_embd",
            "output_norm",
            "output",
            "blk.%d.attn_norm",
            "blk.%d.attn_q",
            "blk.%d.attn_k",
            "blk.%d.attn_v",
            "blk.%d.attn_output",
            "blk.%d.attn_q_norm",
            "blk.%d.attn_k_norm",
            "blk.%d.post_attention_norm",
            "blk.%d.ffn_norm",
            "blk.%d.ffn_gate",
            "blk.%d.ffn_up",
            "blk.%d.ffn_down",
            "blk.%d.post_ffw_norm",
            Pattern.compile("rope_freqs\\.weight")); // read with the configuration

    private static final String EMBEDDING = "embed_tokens";

    /** Returns the name of block k's tensor. Its digits are those of the file, whatever the machine's language. */
    public static String ofBlock(String pattern, int k) {
        return pattern.replace("%d", Integer.toString(k));
    }

    /**
     * Returns the names in Hugging Face's layout. The text model may be a part of a larger model: the prefix of
     * {@code embed_tokens} is then the prefix of all its names, and tensors for images are ignored.
     *
     * @param postNorms whether outputs are normed too. If so, {@code post_attention_layernorm} norms attention's
     *     output; otherwise it norms the MLP's input
     * @throws IllegalArgumentException if the source does not have exactly one {@code embed_tokens.weight}
     */
    public static TensorNames huggingFace(TensorSource source, boolean postNorms) {
        String suffix = EMBEDDING + ".weight";
        var found = source.names().stream()
                .filter(name -> name.equals(suffix) || name.endsWith("." + suffix))
                .toList();
        if (found.size() != 1) {
            throw new IllegalArgumentException(source + ": found " + found + ", wanted one tensor " + suffix
                    + ": it is not a decoder in Hugging Face's layout; use another checkpoint");
        }
        String model = found.get(0).substring(0, found.get(0).length() - suffix.length());
        String head = source.has("language_model.lm_head.weight") ? "language_model.lm_head" : "lm_head";
        String block = model + "layers.%d.";
        return new TensorNames(
                model + EMBEDDING,
                model + "norm",
                head,
                block + "input_layernorm",
                block + "self_attn.q_proj",
                block + "self_attn.k_proj",
                block + "self_attn.v_proj",
                block + "self_attn.o_proj",
                block + "self_attn.q_norm",
                block + "self_attn.k_norm",
                block + "post_attention_layernorm",
                block + (postNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm"),
                block + "mlp.gate_proj",
                block + "mlp.up_proj",
                block + "mlp.down_proj",
                block + "post_feedforward_layernorm",
                Pattern.compile("(model\\.)?(vision_tower|multi_modal_projector)\\..*|.*\\.rotary_emb\\.inv_freq"));
    }
}
