package rudder.checkpoint;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import rudder.checkpoint.format.GgufFile;

/**
 * Reads a {@link ModelConfig} from the metadata of a GGUF file.
 *
 * <p>Each key of the architecture is in one of three lists: Rudder uses it, or implements one value of it, or it
 * changes no number. If the file has any other key or value, loading fails and names the key.
 *
 * <p>Source: the keys are those of llama.cpp's {@code gguf-py/gguf/constants.py}; their defaults are those of its
 * {@code llama-model.cpp}.
 */
final class GgufConfig {

    /** The architectures, each with the keys that it reads in addition to {@link #COMMON}. */
    private static final Map<String, Set<String>> ARCHITECTURES = Map.of(
            "llama",
            Set.of("attention.sliding_window"),
            "qwen2",
            Set.of(),
            "qwen3",
            Set.of(),
            "gemma2",
            Set.of("attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"),
            "gemma3",
            Set.of(
                    "attention.sliding_window",
                    "attention.sliding_window_pattern",
                    "final_logit_softcapping",
                    "rope.freq_base_swa"),
            "phi3",
            Set.of("attention.sliding_window"));

    private static final Set<String> COMMON = Set.of(
            "block_count",
            "embedding_length",
            "feed_forward_length",
            "context_length",
            "attention.head_count",
            "attention.head_count_kv",
            "attention.key_length",
            "attention.value_length",
            "attention.layer_norm_rms_epsilon",
            "attention.scale",
            "rope.freq_base",
            "rope.dimension_count",
            "rope.scale_linear",
            "rope.scaling.type",
            "rope.scaling.factor",
            "rope.scaling.original_context_length",
            "rope.scaling.attn_factor",
            "rope.scaling.yarn_attn_factor",
            "rope.scaling.yarn_beta_fast",
            "rope.scaling.yarn_beta_slow");

    /** Keys that change neither logits nor the residual stream. */
    private static final Set<String> HARMLESS = Set.of("vocab_size", "tensor_data_layout", "rope.scaling.finetuned");

    /** Keys of which Rudder implements one number; any other changes the computation. */
    private static final Map<String, Double> FIXED = Map.ofEntries(
            Map.entry("attention.sliding_window", 0.),
            Map.entry("attn_logit_softcapping", 0.),
            Map.entry("final_logit_softcapping", 0.),
            Map.entry("expert_count", 0.),
            Map.entry("expert_used_count", 0.),
            Map.entry("attention.max_alibi_bias", 0.),
            Map.entry("attention.clamp_kqv", 0.),
            Map.entry("logit_scale", 1.),
            Map.entry("embedding_scale", 1.),
            Map.entry("residual_scale", 1.),
            Map.entry("rope.scaling.yarn_ext_factor", 1.),
            Map.entry("rope.scaling.yarn_log_multiplier", 0.));

    private static final Map<String, Boolean> FIXED_FLAGS =
            Map.of("attention.causal", true, "use_parallel_residual", false);

    private static final double DEFAULT_BASE = 10_000;

    /** Gemma 3 repeats five local blocks and one global block. */
    private static final int GEMMA_PERIOD = 6;

    /** llama.cpp tells the 27B models, whose scale of q.k is another, by their numbers of blocks. */
    private static final Map<String, Integer> BLOCKS_OF_27B = Map.of("gemma2", 46, "gemma3", 62);

    private static final String ROTARY_DIVISORS = "rope_freqs.weight";

    private final GgufFile file;
    private final String architecture;

    private GgufConfig(GgufFile file) {
        this.file = file;
        this.architecture = file.architecture();
    }

    /**
     * Reads the configuration of a model.
     *
     * @throws IllegalArgumentException if the architecture, or a key of it, is unknown or not supported; the message
     *     names it
     */
    static ModelConfig parse(GgufFile file) {
        var config = new GgufConfig(file);
        config.requireSupported();
        return config.model();
    }

    private void requireSupported() {
        if (!ARCHITECTURES.containsKey(architecture)) {
            throw new IllegalArgumentException(file + ": general.architecture is '" + architecture
                    + "', supported are "
                    + ARCHITECTURES.keySet().stream().sorted().toList()
                    + ". Convert another checkpoint of one of these, or open an issue.");
        }
        var known = new HashSet<>(COMMON);
        known.addAll(HARMLESS);
        known.addAll(ARCHITECTURES.get(architecture));
        for (String key : file.keys()) {
            String suffix = key.startsWith(architecture + ".") ? key.substring(architecture.length() + 1) : null;
            if (suffix == null || known.contains(suffix)) {
                continue;
            }
            if (FIXED.containsKey(suffix)) {
                requireFixed(suffix, FIXED.get(suffix));
            } else if (FIXED_FLAGS.containsKey(suffix)) {
                boolean wanted = FIXED_FLAGS.get(suffix);
                require(
                        file.flag(key, wanted) == wanted,
                        suffix,
                        !wanted,
                        wanted + ", the only value that Rudder supports");
            } else {
                throw new IllegalArgumentException(file + ": metadata key '" + key
                        + "', wanted only keys that Rudder knows: this one may change what the model computes."
                        + " Use another checkpoint, or open an issue.");
            }
        }
    }

    private void requireFixed(String suffix, double wanted) {
        double found = file.real(key(suffix), wanted);
        require(found == wanted, suffix, found, wanted + ", the only value that Rudder supports for " + architecture);
    }

    private void require(boolean ok, String suffix, Object found, String wanted) {
        if (!ok) {
            throw new IllegalArgumentException(file + ": metadata key '" + key(suffix) + "' is " + found + ", wanted "
                    + wanted + ". Use another checkpoint, or open an issue.");
        }
    }

    private ModelConfig model() {
        boolean gemma = architecture.startsWith("gemma");
        int horizon = ModelConfig.blocks(architecture, count("block_count"));
        int dimension = count("embedding_length");
        int heads = count("attention.head_count");
        int headDimension = count("attention.key_length", dimension / heads);
        for (String same : List.of("attention.value_length", "rope.dimension_count")) {
            int found = count(same, headDimension);
            require(found == headDimension, same, found, headDimension + ", the width of a head");
        }
        return new ModelConfig(
                architecture,
                horizon,
                dimension,
                heads,
                count("attention.head_count_kv", heads),
                headDimension,
                count("feed_forward_length"),
                file.strings("tokenizer.ggml.tokens").size(),
                count("context_length"),
                file.real(key("attention.layer_norm_rms_epsilon")),
                gemma ? Activation.GELU_TANH : Activation.SILU,
                gemma ? Math.sqrt(dimension) : 1,
                attentionScale(horizon, dimension, heads, headDimension),
                architecture.equals("gemma2") ? file.real(key("attn_logit_softcapping"), 50) : 0,
                file.real(key("final_logit_softcapping"), architecture.equals("gemma2") ? 30 : 0),
                spans(horizon, headDimension),
                file.names().stream().anyMatch(name -> name.matches("blk\\.\\d+\\.attn_[qkv]\\.bias")),
                architecture.equals("qwen3") || architecture.equals("gemma3"),
                gemma,
                !file.has(TensorNames.GGUF.head() + ".weight"),
                architecture.equals("llama"),
                0);
    }

    private double attentionScale(int horizon, int dimension, int heads, int headDimension) {
        boolean large = horizon == BLOCKS_OF_27B.getOrDefault(architecture, 0);
        return positive("attention.scale", 1 / Math.sqrt(large ? (double) dimension / heads : headDimension));
    }

    private List<AttentionSpan> spans(int horizon, int headDimension) {
        double base = base("rope.freq_base");
        RotaryScaling scaling = scaling(base, headDimension);
        var global = new AttentionSpan(base, scaling, 0);
        int window = window();
        if (window == 0) {
            return IntStream.range(0, horizon).mapToObj(block -> global).toList();
        }
        // Gemma 3 alone has other angles in its local blocks, and they are not scaled
        var local = architecture.equals("gemma3")
                ? new AttentionSpan(base("rope.freq_base_swa"), RotaryScaling.NONE, window)
                : new AttentionSpan(base, scaling, window);
        int period =
                switch (architecture) {
                    case "gemma2" -> 2;
                    case "gemma3" -> count("attention.sliding_window_pattern", GEMMA_PERIOD);
                    default -> 0;
                };
        return IntStream.rangeClosed(1, horizon)
                .mapToObj(block -> period > 0 && block % period == 0 ? global : local)
                .toList();
    }

    /** Returns the window of local blocks; 0 if all blocks see all tokens. */
    private int window() {
        String suffix = "attention.sliding_window";
        if (!has(suffix)) {
            require(!architecture.equals("gemma3"), suffix, "missing", "the window of Gemma 3's local blocks");
            return architecture.equals("gemma2") ? 4096 : 0;
        }
        long window = file.integer(key(suffix));
        require(window >= 0 && window <= Integer.MAX_VALUE, suffix, window, "0 to " + Integer.MAX_VALUE);
        return (int) window;
    }

    private RotaryScaling scaling(double base, int headDimension) {
        String kind = file.string(key("rope.scaling.type"), "linear");
        double factor = positive(has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear", 1);
        if (!kind.equals("yarn")) {
            requireFixed("rope.scaling.attn_factor", 1);
        }
        RotaryScaling scaling =
                switch (kind) {
                    case "none" -> RotaryScaling.NONE;
                    case "linear" -> new RotaryScaling.Linear(factor);
                    case "yarn" -> yarn(factor, base, headDimension);
                    default -> {
                        require(
                                false,
                                "rope.scaling.type",
                                kind,
                                "none, linear or yarn, the kinds that Rudder supports");
                        yield null;
                    }
                };
        return file.has(ROTARY_DIVISORS) ? divided(scaling, headDimension) : scaling;
    }

    /**
     * As llama.cpp and its converter have it: {@code yarn_attn_factor} is the amplitude itself, {@code attn_factor} a
     * factor on it.
     */
    private RotaryScaling yarn(double factor, double base, int headDimension) {
        require(base != 1, "rope.freq_base", base, "another base than 1, for which yarn is not defined");
        double context = count("rope.scaling.original_context_length", count("context_length"));
        double amplitude = positive("rope.scaling.attn_factor", 1)
                * positive("rope.scaling.yarn_attn_factor", RotaryScaling.Yarn.amplitude(factor, 1));
        double fast = positive("rope.scaling.yarn_beta_fast", 32);
        double slow = positive("rope.scaling.yarn_beta_slow", 1);
        double start = Math.max(0, Math.floor(RotaryScaling.Yarn.pair(fast, context, base, headDimension)));
        double end =
                Math.min(headDimension - 1, Math.ceil(RotaryScaling.Yarn.pair(slow, context, base, headDimension)));
        return new RotaryScaling.Yarn(factor, amplitude, start, Math.max(.001, end - start));
    }

    /** The divisors of Llama 3.1, one for each rotary pair. */
    private RotaryScaling divided(RotaryScaling then, int headDimension) {
        float[] divisors = file.read(ROTARY_DIVISORS);
        if (!architecture.equals("llama") || divisors.length != headDimension / 2) {
            throw new IllegalArgumentException(file + ": tensor " + ROTARY_DIVISORS + " has " + divisors.length
                    + " values in the architecture " + architecture + ", wanted " + headDimension / 2
                    + " in the architecture llama, or none. Use another conversion of the model.");
        }
        return new RotaryScaling.Divided(
                IntStream.range(0, divisors.length).mapToObj(i -> divisors[i]).toList(), then);
    }

    private String key(String suffix) {
        return architecture + "." + suffix;
    }

    private boolean has(String suffix) {
        return file.hasKey(key(suffix));
    }

    /** Returns a positive number; llama.cpp takes 0 for absent. */
    private double positive(String suffix, double otherwise) {
        double value = file.real(key(suffix), 0);
        require(value >= 0 && Double.isFinite(value), suffix, value, "a positive number, or 0 for the default");
        return value == 0 ? otherwise : value;
    }

    /** Returns a rotary base; a stored 0 is no default. */
    private double base(String suffix) {
        double value = file.real(key(suffix), DEFAULT_BASE);
        require(value > 0 && Double.isFinite(value), suffix, value, "a positive number");
        return value;
    }

    private int count(String suffix) {
        long value = file.integer(key(suffix));
        require(value >= 1 && value <= Integer.MAX_VALUE, suffix, value, "1 to " + Integer.MAX_VALUE);
        return (int) value;
    }

    private int count(String suffix, int otherwise) {
        return has(suffix) ? count(suffix) : otherwise;
    }
}
