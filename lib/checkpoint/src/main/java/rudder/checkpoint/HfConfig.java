package rudder.checkpoint;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import rudder.checkpoint.text.StrictJson;

/**
 * Reads a {@link ModelConfig} from a {@code config.json} in Hugging Face's layout, with the rules of transformers 4.57
 * and 5.24. An absent field has the default of its architecture; a null field is switched off.
 *
 * <p>Each field is in one of three lists: Rudder uses it, or implements one value of it, or it changes no number. If
 * the file has any other field or value, loading fails and names the field.
 *
 * <p>Source: the configuration and modelling files of the seven architectures in transformers 4.57 and 5.24.
 */
public final class HfConfig {

    /** Sizes that every file must have. */
    private static final Set<String> SIZES =
            Set.of("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads");

    /** Fields that change neither logits nor the residual stream: training, generation, bookkeeping. */
    private static final Set<String> HARMLESS = Set.of(
            "_attn_implementation",
            "_attn_implementation_autoset",
            "_name_or_path",
            "_sliding_window_pattern",
            "architectures",
            "attention_dropout",
            "bad_words_ids",
            "begin_suppress_tokens",
            "bos_token_id",
            "cache_implementation",
            "chunk_size_feed_forward",
            "decoder_start_token_id",
            "diversity_penalty",
            "do_sample",
            "dtype",
            "early_stopping",
            "embd_pdrop",
            "encoder_no_repeat_ngram_size",
            "eos_token_id",
            "exponential_decay_length_penalty",
            "finetuning_task",
            "forced_bos_token_id",
            "forced_eos_token_id",
            "id2label",
            "initializer_range",
            "is_llama_config",
            "label2id",
            "length_penalty",
            "max_length",
            "min_length",
            "model_type",
            "no_repeat_ngram_size",
            "num_beam_groups",
            "num_beams",
            "num_return_sequences",
            "output_attentions",
            "output_hidden_states",
            "output_scores",
            "pad_token_id",
            "prefix",
            "pretraining_tp",
            "problem_type",
            "remove_invalid_values",
            "repetition_penalty",
            "resid_pdrop",
            "return_dict",
            "return_dict_in_generate",
            "sep_token_id",
            "suppress_tokens",
            "task_specific_params",
            "temperature",
            "tf_legacy_loss",
            "tokenizer_class",
            "top_k",
            "top_p",
            "torch_dtype",
            "torchscript",
            "transformers.js_config",
            "transformers_version",
            "typical_p",
            "unsloth_fixed",
            "unsloth_version",
            "use_bfloat16",
            "use_cache");

    /** Fields beside the {@code text_config} of a model for text and images. */
    private static final Set<String> IMAGES =
            Set.of("boi_token_index", "eoi_token_index", "image_token_index", "mm_tokens_per_image", "vision_config");

    /** Fields by which quantised checkpoints say how, the second one those of MLX. */
    private static final Set<String> QUANTISED = Set.of("quantization_config", "quantization");

    /** Fields of which Rudder implements one value; any other changes the computation. */
    private static final Map<String, Object> FIXED = fields(
            Map.of(),
            "add_cross_attention",
            false,
            "attention_bias",
            false,
            "is_decoder",
            false,
            "is_encoder_decoder",
            false,
            "mlp_bias",
            false,
            "partial_rotary_factor",
            1.0,
            "pruned_heads",
            Map.of(),
            "rope_interleaved",
            false,
            "tie_encoder_decoder",
            false,
            "use_bidirectional_attention",
            false,
            "use_mrope",
            false);

    private static final Map<String, Object> COMMON = fields(
            Map.of(),
            "hidden_act",
            "silu",
            "rms_norm_eps",
            1e-6,
            "rope_theta",
            1e4,
            "rope_scaling",
            null,
            "rope_parameters",
            null,
            "num_key_value_heads",
            null,
            "head_dim",
            null,
            "tie_word_embeddings",
            false);
    private static final Map<String, Object> GEMMA = fields(
            COMMON,
            "hidden_activation",
            "gelu_pytorch_tanh",
            "head_dim",
            256L,
            "tie_word_embeddings",
            true,
            "query_pre_attn_scalar",
            256L,
            "sliding_window",
            4096L,
            "layer_types",
            null);
    private static final Map<String, Object> QWEN = fields(
            COMMON,
            "max_position_embeddings",
            32_768L,
            "use_sliding_window",
            false,
            "sliding_window",
            4096L,
            "max_window_layers",
            28L,
            "layer_types",
            null);

    /** The fields that each architecture reads, in addition to the sizes, with their defaults. */
    private static final Map<String, Map<String, Object>> DEFAULTS = Map.of(
            "llama", fields(COMMON, "max_position_embeddings", 2048L),
            "mistral",
                    fields(
                            COMMON,
                            "max_position_embeddings",
                            131_072L,
                            "sliding_window",
                            4096L,
                            "num_key_value_heads",
                            8L),
            "gemma2",
                    fields(
                            GEMMA,
                            "max_position_embeddings",
                            8192L,
                            "num_key_value_heads",
                            4L,
                            "attn_logit_softcapping",
                            50.0,
                            "final_logit_softcapping",
                            30.0),
            "gemma3_text",
                    fields(
                            GEMMA,
                            "vocab_size",
                            262_208L,
                            "hidden_size",
                            2304L,
                            "intermediate_size",
                            9216L,
                            "num_hidden_layers",
                            26L,
                            "num_attention_heads",
                            8L,
                            "num_key_value_heads",
                            4L,
                            "max_position_embeddings",
                            131_072L,
                            "rope_theta",
                            1e6,
                            "rope_local_base_freq",
                            1e4,
                            "sliding_window_pattern",
                            6L,
                            "attn_logit_softcapping",
                            null,
                            "final_logit_softcapping",
                            null),
            "phi3",
                    fields(
                            COMMON,
                            "rms_norm_eps",
                            1e-5,
                            "max_position_embeddings",
                            4096L,
                            "sliding_window",
                            null,
                            "original_max_position_embeddings", // of scaled angles only
                            4096L),
            "qwen2", QWEN,
            "qwen3", fields(QWEN, "head_dim", 128L));

    /**
     * What Phi 3's files call their own code, which transformers runs only if told to; its own class computes the same.
     */
    private static final Map<String, Object> PHI_CODE = Map.of(
            "AutoConfig", "configuration_phi3.Phi3Config", "AutoModelForCausalLM", "modeling_phi3.Phi3ForCausalLM");

    private static Map<String, Object> fields(Map<String, Object> base, Object... pairs) {
        var fields = new HashMap<>(base);
        for (int i = 0; i < pairs.length; i += 2) {
            fields.put((String) pairs[i], pairs[i + 1]);
        }
        return fields;
    }

    private final String where;
    private final String architecture;
    private final Map<String, Object> values;

    private HfConfig(String where, String architecture, Map<String, Object> values) {
        this.where = where;
        this.architecture = architecture;
        this.values = values;
    }

    /**
     * Returns the configuration that a {@code config.json} describes; for a model of text and images, that of the text
     * model.
     *
     * @param json the content of the file
     * @param where the file's name in messages
     * @throws IllegalArgumentException if a field is missing, malformed, unknown or not supported; the message names it
     */
    public static ModelConfig parse(Map<String, Object> json, String where) {
        if ("gemma3".equals(json.get("model_type")) && json.get("text_config") instanceof Map<?, ?> inner) {
            var outer = new HashMap<>(json);
            outer.remove("text_config");
            Object tied = outer.remove("tie_word_embeddings");
            refuseUnknown(outer, IMAGES, where);
            Map<String, Object> text = new LinkedHashMap<>();
            if (tied != null) {
                // transformers 4.57 asks the text's field, 5.24 the other one
                Object own = inner.get("tie_word_embeddings");
                if (own != null && !own.equals(tied)) {
                    throw new IllegalArgumentException(where + ": field 'tie_word_embeddings' is " + tied + ", and "
                            + own + " in text_config, wanted the same in both. Use another checkpoint.");
                }
                text.put("tie_word_embeddings", tied);
            }
            inner.forEach((key, value) -> text.put((String) key, value));
            text.putIfAbsent("model_type", "gemma3_text");
            return parse(text, where + ", text_config");
        }
        if (!(json.get("model_type") instanceof String architecture) || !DEFAULTS.containsKey(architecture)) {
            throw new IllegalArgumentException(
                    where + ": model_type is " + StrictJson.shown(json.get("model_type")) + ", supported are "
                            + new TreeSet<>(DEFAULTS.keySet())
                            + " and gemma3 with its text_config. Use a checkpoint of one of these, or open an issue.");
        }
        var known = new TreeSet<>(DEFAULTS.get(architecture).keySet());
        known.addAll(SIZES);
        var values = new HashMap<>(DEFAULTS.get(architecture));
        values.putAll(json);
        var rest = new HashMap<>(json);
        // Gemma 2's files say the window twice, and transformers reads the other field
        rest.remove("sliding_window_size", values.get("sliding_window"));
        // early conversions of Llama say the longest text twice, and transformers reads the other field
        rest.remove("max_sequence_length", values.get("max_position_embeddings"));
        if (architecture.equals("phi3")) {
            rest.remove("auto_map", PHI_CODE);
        }
        refuseUnknown(rest, known, where);
        return new HfConfig(where, architecture, values).model();
    }

    private static void refuseUnknown(Map<String, Object> json, Set<String> known, String where) {
        json.forEach((key, value) -> {
            if (value == null
                    || known.contains(key)
                    || HARMLESS.contains(key)
                    || FIXED.containsKey(key) && same(FIXED.get(key), value)) {
                return;
            }
            if (QUANTISED.contains(key) && value instanceof Map<?, ?> how) {
                throw new IllegalArgumentException(where + ": field '" + key + "' says that the weights are quantised"
                        + (how.containsKey("quant_method") ? ", by " + StrictJson.shown(how.get("quant_method")) : "")
                        + (how.containsKey("bits") ? ", to " + StrictJson.shown(how.get("bits")) + " bits" : "")
                        + ", wanted weights in F32, F16 or BF16. Use the model's unquantised checkpoint, or a GGUF file"
                        + " of it.");
            }
            throw new IllegalArgumentException(where + ": field '" + key + "' is " + StrictJson.shown(value) + ", "
                    + (FIXED.containsKey(key)
                            ? "wanted " + FIXED.get(key) + ", the only value that Rudder supports."
                            : "wanted only fields that Rudder knows: this one may change what the model computes.")
                    + " Use another checkpoint, or open an issue.");
        });
    }

    private static boolean same(Object wanted, Object found) {
        return wanted instanceof Number w && found instanceof Number f
                ? w.doubleValue() == f.doubleValue()
                : wanted.equals(found);
    }

    private ModelConfig model() {
        boolean gemma = architecture.startsWith("gemma");
        int horizon = ModelConfig.blocks(architecture, count("num_hidden_layers"));
        int dimension = count("hidden_size");
        int heads = count("num_attention_heads");
        int headDimension = isSet("head_dim") ? count("head_dim") : dimension / heads;
        String activation = gemma ? "hidden_activation" : "hidden_act"; // transformers ignores Gemma's hidden_act
        String wanted = gemma ? "gelu_pytorch_tanh" : "silu";
        if (isSet(activation) ? !values.get(activation).equals(wanted) : !gemma) {
            throw wrong(activation, "'" + wanted + "', the only one that Rudder supports for " + architecture);
        }
        var spans = new ArrayList<AttentionSpan>();
        var rotary = new HfRotary(this, headDimension);
        for (int k = 0; k < horizon; k++) {
            spans.add(span(k, horizon, rotary));
        }
        return new ModelConfig(
                architecture,
                horizon,
                dimension,
                heads,
                isSet("num_key_value_heads") ? count("num_key_value_heads") : heads,
                headDimension,
                count("intermediate_size"),
                count("vocab_size"),
                count("max_position_embeddings"),
                real("rms_norm_eps"),
                gemma ? Activation.GELU_TANH : Activation.SILU,
                gemma ? Math.sqrt(dimension) : 1,
                1 / Math.sqrt(gemma ? real("query_pre_attn_scalar") : headDimension),
                // Gemma 3 has this field too, and neither transformers 4.57 nor 5.24 uses it
                architecture.equals("gemma2") && isSet("attn_logit_softcapping") ? real("attn_logit_softcapping") : 0,
                isSet("final_logit_softcapping") ? real("final_logit_softcapping") : 0,
                spans,
                architecture.equals("qwen2"),
                architecture.equals("qwen3") || architecture.equals("gemma3_text"),
                gemma,
                flag("tie_word_embeddings"),
                false,
                gemma ? 1 : 0);
    }

    private AttentionSpan span(int k, int horizon, HfRotary rotary) {
        boolean local = isLocal(k, horizon);
        return rotary.span(local, local ? count("sliding_window") : 0);
    }

    /** Returns whether block k sees only its window. */
    private boolean isLocal(int k, int horizon) {
        boolean windows = !values.containsKey("use_sliding_window") || flag("use_sliding_window");
        if (isSet("layer_types")) {
            if (!(values.get("layer_types") instanceof List<?> types) || types.size() != horizon) {
                throw wrong("layer_types", "a list of " + horizon);
            }
            return switch (String.valueOf(types.get(k))) {
                case "full_attention" -> false;
                case "sliding_attention" -> {
                    if (!windows) {
                        throw wrong("use_sliding_window", "true, as layer_types has sliding_attention");
                    }
                    yield true;
                }
                default -> throw wrong("layer_types", "full_attention or sliding_attention for each block");
            };
        }
        return switch (architecture) {
            case "mistral", "phi3" -> isSet("sliding_window");
            case "gemma2" -> k % 2 == 0;
            case "gemma3_text" -> (k + 1) % count("sliding_window_pattern") != 0;
            case "qwen2", "qwen3" -> windows && isSet("sliding_window") && k >= integer("max_window_layers");
            default -> false;
        };
    }

    /** Returns a reader of an object inside this one; messages call it by the name. */
    HfConfig part(String name, Map<String, Object> fields) {
        return new HfConfig(where + ", " + name, architecture, fields);
    }

    boolean isArchitecture(String name) {
        return architecture.equals(name);
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    Object value(String key) {
        return values.get(key);
    }

    boolean isSet(String key) {
        return values.get(key) != null;
    }

    int count(String key) {
        long value = integer(key);
        if (value < 1 || value > Integer.MAX_VALUE) {
            throw wrong(key, "1 to " + Integer.MAX_VALUE);
        }
        return (int) value;
    }

    private long integer(String key) {
        if (values.get(key) instanceof Long value) {
            return value;
        }
        throw wrong(key, "an integer");
    }

    double real(String key) {
        if (values.get(key) instanceof Number value && ModelConfig.isFloat(value.doubleValue())) {
            return value.doubleValue();
        }
        throw wrong(key, "a positive number");
    }

    boolean flag(String key) {
        if (values.get(key) instanceof Boolean value) {
            return value;
        }
        throw wrong(key, "true or false");
    }

    IllegalArgumentException wrong(String key, String wanted) {
        return new IllegalArgumentException(where + ": field '" + key + "' is "
                + (values.containsKey(key) ? StrictJson.shown(values.get(key)) : "missing") + ", wanted " + wanted);
    }
}
