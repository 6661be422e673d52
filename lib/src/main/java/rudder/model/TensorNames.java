package rudder.model;

/**
 * What a checkpoint calls its tensors. A block's names are patterns with the block's index in place of {@code %d}; the suffixes
 * {@code .weight} and {@code .bias} are added by the reader.
 */
record TensorNames(String embedding, String finalNorm, String head, String attentionNorm, String query, String key, String value,
        String output, String queryNorm, String keyNorm, String postAttentionNorm, String mlpNorm, String gate, String up, String down,
        String postMlpNorm) {

    /** The names of GGUF files, alike for every architecture. */
    static final TensorNames GGUF = new TensorNames("token_embd", "output_norm", "output", "blk.%d.attn_norm", "blk.%d.attn_q",
            "blk.%d.attn_k", "blk.%d.attn_v", "blk.%d.attn_output", "blk.%d.attn_q_norm", "blk.%d.attn_k_norm",
            "blk.%d.post_attention_norm", "blk.%d.ffn_norm", "blk.%d.ffn_gate", "blk.%d.ffn_up", "blk.%d.ffn_down",
            "blk.%d.post_ffw_norm");
}
