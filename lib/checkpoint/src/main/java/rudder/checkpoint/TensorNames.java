package rudder.checkpoint;

import java.util.regex.Pattern;
import rudder.checkpoint.format.TensorSource;

/**
 * What a checkpoint calls its tensors. A block's names are patterns with the block's index in place of {@code %d}; the
 * suffixes {@code .weight} and {@code .bias} are added by the reader.
 *
 * @param others names of tensors that a text needs none of; any further one that is not read is refused
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

    /** The names of GGUF files, alike for every architecture. */
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
            Pattern.compile("(?!)"));

    private static final String EMBEDDING = "embed_tokens";

    /**
     * The names in Hugging Face's layout. The text model may be a part of a larger one: what stands before
     * {@code embed_tokens} stands before all its names; its images' tensors are left alone.
     *
     * @param postNorms whether outputs are normed too: then {@code post_attention_layernorm} is attention's, otherwise
     *     it is the MLP's input's
     * @throws IllegalArgumentException if the source has not exactly one {@code embed_tokens.weight}
     */
    public static TensorNames huggingFace(TensorSource source, boolean postNorms) {
        String suffix = EMBEDDING + ".weight";
        var found = source.names().stream()
                .filter(name -> name.equals(suffix) || name.endsWith("." + suffix))
                .toList();
        if (found.size() != 1) {
            throw new IllegalArgumentException(source + ": found " + found + ", wanted one tensor " + suffix
                    + ": it is no checkpoint of a decoder in Hugging Face's layout");
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
