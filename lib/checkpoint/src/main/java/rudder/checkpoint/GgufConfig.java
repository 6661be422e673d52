package rudder.checkpoint;

import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import rudder.checkpoint.format.GgufFile;

/**
 * Reads a {@link ModelConfig} from the metadata of a GGUF file.
 *
 * <p>Source: the keys are those of llama.cpp's {@code gguf-py/gguf/constants.py}; the values of Gemma 3 are those of
 * its configuration in transformers 4.57.
 */
final class GgufConfig {

    private static final Set<String> ARCHITECTURES = Set.of("llama", "qwen2", "gemma3");

    private static final double DEFAULT_BASE = 10_000;

    /** Gemma 3 repeats five local blocks and one global block. */
    private static final int GEMMA_PERIOD = 6;

    private final GgufFile file;
    private final String architecture;

    private GgufConfig(GgufFile file) {
        this.file = file;
        this.architecture = file.architecture();
    }

    /**
     * Reads the configuration of a model.
     *
     * @throws IllegalArgumentException if the architecture is none of llama, qwen2 and gemma3, or the file has scaled
     *     rotary angles or experts
     */
    static ModelConfig parse(GgufFile file) {
        var config = new GgufConfig(file);
        config.requireSupported();
        return config.model();
    }

    private void requireSupported() {
        if (!ARCHITECTURES.contains(architecture)) {
            throw new IllegalArgumentException(file + ": architecture '" + architecture
                    + "' is not supported; supported are llama, qwen2 and gemma3."
                    + " Convert another checkpoint of one of these, or open an issue.");
        }
        for (String key : List.of("rope.scaling.type", "expert_count")) {
            if (has(key)) {
                throw new IllegalArgumentException(file + ": " + architecture + "." + key
                        + " is set; scaled rotary angles and expert layers are not supported"
                        + " from GGUF. Use a checkpoint without it.");
            }
        }
    }

    private ModelConfig model() {
        boolean gemma = architecture.equals("gemma3");
        int horizon = ModelConfig.blocks(architecture, count("block_count"));
        int dimension = count("embedding_length");
        int heads = count("attention.head_count");
        int headDimension = count("attention.key_length", dimension / heads);
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
                1 / Math.sqrt(headDimension),
                0,
                0,
                spans(horizon, gemma),
                file.names().stream().anyMatch(name -> name.matches("blk\\.\\d+\\.attn_[qkv]\\.bias")),
                gemma,
                gemma,
                !file.has(TensorNames.GGUF.head() + ".weight"),
                architecture.equals("llama"),
                0);
    }

    /** Local blocks exist in Gemma 3 only; their rotary base is 10,000, and that of its global blocks is the file's. */
    private List<AttentionSpan> spans(int horizon, boolean gemma) {
        double base = file.real(key("rope.freq_base"), DEFAULT_BASE);
        var global = new AttentionSpan(base, RotaryScaling.NONE, 0);
        var local =
                gemma ? new AttentionSpan(DEFAULT_BASE, RotaryScaling.NONE, count("attention.sliding_window")) : global;
        return IntStream.rangeClosed(1, horizon)
                .mapToObj(block -> block % GEMMA_PERIOD == 0 ? global : local)
                .toList();
    }

    private String key(String suffix) {
        return architecture + "." + suffix;
    }

    private boolean has(String suffix) {
        return file.hasKey(key(suffix));
    }

    private int count(String suffix) {
        long count = file.integer(key(suffix));
        if (count < 1 || count > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(file + ": " + key(suffix) + " is " + count + ", wanted 1 to "
                    + Integer.MAX_VALUE + "; the file is damaged, fetch it again");
        }
        return (int) count;
    }

    private int count(String suffix, int otherwise) {
        return has(suffix) ? count(suffix) : otherwise;
    }
}
