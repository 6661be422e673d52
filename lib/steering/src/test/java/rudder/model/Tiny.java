package rudder.model;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import rudder.checkpoint.format.GgufBytes;
import rudder.checkpoint.store.ModelFile;
import rudder.kernel.PackedMatrix;
import rudder.model.transformer.Keep;
import rudder.model.transformer.Transformer;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/**
 * One tiny model of each family, with random weights that make its attention pick and its blocks bend: every law in
 * milliseconds.
 */
public enum Tiny {

    /** Rows stored for interleaved rotary pairs. */
    LLAMA(4, 4, 2, 12, 0),
    /** Biases on queries, keys and values. */
    QWEN2(4, 6, 3, 8, 0),
    /**
     * Query and key norms, norms after each sublayer, scaled embedding, five blocks that see 5 tokens and one that sees
     * all.
     */
    GEMMA3(6, 4, 2, 16, 5);

    public static final int D = 48;
    static final int CONTEXT = 640;
    static final int VOCABULARY = 260;
    public static final List<String> TEXTS =
            List.of("the sea", "s", "in these inner seas the tide rises, then it sets again", "a wave then", "oh!");
    private static final int F = 72;
    private static final float GLOBAL_BASE = 500;
    private static final String CHATML = "{% for message in messages %}"
            + "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    public final int horizon;
    final int heads;
    final int keyHeads;
    final int width;
    final int window;
    private final Map<DataType, LanguageModel> models = new EnumMap<>(DataType.class);

    Tiny(int horizon, int heads, int keyHeads, int width, int window) {
        this.horizon = horizon;
        this.heads = heads;
        this.keyHeads = keyHeads;
        this.width = width;
        this.window = window;
    }

    /** A float32 tensor, its shape slowest axis first. */
    public record Tensor(long[] shape, float[] values) {}

    /** Skips a test of the heap where models do not compute there. */
    static void needsHeap() {
        assumeTrue(PackedMatrix.available(), "this processor has vectors below 256 bits");
        assumeTrue(LLAMA.model(DataType.FLOAT32).decoder() != null, "a GPU or RUDDER_WEIGHTS leaves all to the engine");
    }

    /** The internals of a model, for tests of their package. */
    public static Transformer transformer(LanguageModel model) {
        return model.transformer();
    }

    /** Lets the engine read texts and compute logits so often that it keeps all weights that it needs. */
    public static void useEngine(LanguageModel model) {
        int[] text = {7, 7};
        var likelihoods = model.steered(Controller.none()).placement().engineLikelihoods();
        for (int i = 0; i < 4; i++) { // each reads the text, and the text behind it
            likelihoods.surprisals(
                    List.of(text),
                    List.of(List.of(text)),
                    List.of(Controller.none()),
                    List.of(new boolean[4]),
                    n -> {});
        }
    }

    public String architecture() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The shared model in double precision; nobody closes it. */
    public LanguageModel model() {
        return model(DataType.FLOAT64);
    }

    /** The shared model; nobody closes it. */
    public synchronized LanguageModel model(DataType type) {
        return models.computeIfAbsent(type, t -> load(t, tensors(), file -> {}));
    }

    /** A model of the given tensors and of metadata that may be added to. */
    public LanguageModel load(DataType type, Map<String, Tensor> tensors, Consumer<GgufBytes> more) {
        GgufBytes gguf = metadata(architecture());
        more.accept(gguf);
        return load(type, with(tensors, gguf));
    }

    public static LanguageModel load(DataType type, GgufBytes gguf) {
        return load(type, gguf, "0".repeat(64));
    }

    /** The file of this model, its weights included. */
    public GgufBytes gguf() {
        return with(tensors(), metadata(architecture()));
    }

    /** Adds tensors to a file. */
    public static GgufBytes with(Map<String, Tensor> tensors, GgufBytes gguf) {
        tensors.forEach((name, tensor) -> gguf.tensor(name, tensor.shape, tensor.values));
        return gguf;
    }

    /** A model of its own whose weights are held as this says. */
    LanguageModel load(Keep keep) {
        return load(DataType.FLOAT32, gguf(), "0".repeat(64), keep);
    }

    /** {@link #load(DataType, GgufBytes)} under another checksum than all other tiny models have. */
    static LanguageModel load(DataType type, GgufBytes gguf, String sha256) {
        return load(type, gguf, sha256, null);
    }

    static LanguageModel load(DataType type, GgufBytes gguf, String sha256, Keep keep) {
        try {
            Path path = gguf.write(Files.createTempFile("tiny", ".gguf"));
            try {
                return new ModelLoader(type, keep).load(new ModelFile("tiny", path, sha256, "unknown", "unknown"));
            } finally {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sizes and tokenizer, under an architecture's name. */
    public GgufBytes metadata(String a) {
        return metadata(a, this == GEMMA3 ? scoredTokens() : byteTokens("in", "se"));
    }

    private GgufBytes metadata(String a, GgufBytes gguf) {
        gguf.string("general.architecture", a)
                .uint32(a + ".block_count", horizon)
                .uint32(a + ".embedding_length", D)
                .uint32(a + ".attention.head_count", heads)
                .uint32(a + ".attention.head_count_kv", keyHeads)
                .uint32(a + ".attention.key_length", width)
                .uint32(a + ".feed_forward_length", F)
                .uint32(a + ".context_length", CONTEXT)
                .float32(a + ".attention.layer_norm_rms_epsilon", 1e-5f)
                .float32(a + ".rope.freq_base", GLOBAL_BASE);
        return window == 0 ? gguf : gguf.uint32(a + ".attention.sliding_window", window);
    }

    /** Rotary base of a block. */
    public double base(int k) {
        return local(k) ? 10_000 : GLOBAL_BASE;
    }

    /** Whether a block sees the latest {@link #window} tokens only. */
    public boolean local(int k) {
        return this == GEMMA3 && k < 5;
    }

    public Map<String, Tensor> tensors() {
        var random = new Random(ordinal() + 1);
        var tensors = new LinkedHashMap<String, Tensor>();
        tensors.put("token_embd.weight", normal(random, this == GEMMA3 ? 1 / Math.sqrt(D) : 1, VOCABULARY, D));
        tensors.put("output_norm.weight", gain(random, D));
        if (this != GEMMA3) {
            tensors.put("output.weight", normal(random, 2 / Math.sqrt(D), VOCABULARY, D));
        }
        for (int k = 0; k < horizon; k++) {
            String block = "blk." + k + ".";
            tensors.put(block + "attn_norm.weight", gain(random, D));
            matrix(tensors, random, block + "attn_q.weight", heads * width, D);
            matrix(tensors, random, block + "attn_k.weight", keyHeads * width, D);
            matrix(tensors, random, block + "attn_v.weight", keyHeads * width, D);
            matrix(tensors, random, block + "attn_output.weight", D, heads * width);
            tensors.put(block + "ffn_norm.weight", gain(random, D));
            matrix(tensors, random, block + "ffn_gate.weight", F, D);
            matrix(tensors, random, block + "ffn_up.weight", F, D);
            matrix(tensors, random, block + "ffn_down.weight", D, F);
            if (this == QWEN2) {
                tensors.put(block + "attn_q.bias", normal(random, .5, heads * width));
                tensors.put(block + "attn_k.bias", normal(random, .5, keyHeads * width));
                tensors.put(block + "attn_v.bias", normal(random, .5, keyHeads * width));
            }
            if (this == GEMMA3) {
                tensors.put(block + "attn_q_norm.weight", gain(random, width));
                tensors.put(block + "attn_k_norm.weight", gain(random, width));
                tensors.put(block + "post_attention_norm.weight", gain(random, D));
                tensors.put(block + "post_ffw_norm.weight", gain(random, D));
            }
        }
        return tensors;
    }

    private static void matrix(Map<String, Tensor> tensors, Random random, String name, int rows, int columns) {
        tensors.put(name, normal(random, 1.3 / Math.sqrt(columns), rows, columns));
    }

    private static Tensor gain(Random random, int width) {
        Tensor gain = normal(random, .3, width);
        for (int i = 0; i < width; i++) {
            gain.values[i] += 1;
        }
        return gain;
    }

    private static Tensor normal(Random random, double deviation, long... shape) {
        float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return new Tensor(shape, values);
    }

    /** A model of the family that reads conversations in the marks of ChatML; no other shares it. */
    public LanguageModel chatting() {
        return chatting(DataType.FLOAT64);
    }

    /** {@link #chatting()} in another precision. */
    LanguageModel chatting(DataType type) {
        GgufBytes gguf = metadata(architecture(), byteTokens("<|im_start|>", "<|im_end|>"))
                .string("tokenizer.chat_template", CHATML);
        return load(type, with(tensors(), gguf));
    }

    /**
     * 256 bytes (id = byte), then the merged tokens "th" and "the", and two more: merged ones, or control tokens where
     * they look so. Without control tokens nothing ends a text.
     */
    private static GgufBytes byteTokens(String third, String fourth) {
        boolean controls = third.startsWith("<|");
        String[] merges = controls ? new String[] {"t h", "th e"} : new String[] {"t h", "th e", "i n", "s e"};
        String[] tokens = new String[VOCABULARY];
        int shifted = 256;
        for (int b = 0; b < 256; b++) {
            boolean itself = b > 32 && b < 127 || b > 160 && b != 173;
            tokens[b] = Character.toString(itself ? b : shifted++);
        }
        System.arraycopy(new String[] {"th", "the", third, fourth}, 0, tokens, 256, 4);
        long[] kinds = filled(1);
        Arrays.fill(kinds, 258, 260, controls ? 3 : 1);
        return new GgufBytes()
                .string("tokenizer.ggml.model", "gpt2")
                .string("tokenizer.ggml.pre", "smollm")
                .strings("tokenizer.ggml.tokens", tokens)
                .int32s("tokenizer.ggml.token_type", kinds)
                .strings("tokenizer.ggml.merges", merges);
    }

    /** Unknown, BOS, 256 bytes, two scored tokens; BOS goes before every text, none ends one. */
    private static GgufBytes scoredTokens() {
        String[] tokens = new String[VOCABULARY];
        long[] kinds = filled(6);
        float[] scores = new float[VOCABULARY];
        tokens[0] = "<unk>";
        tokens[1] = "<bos>";
        kinds[0] = 2;
        kinds[1] = 3;
        for (int b = 0; b < 256; b++) {
            tokens[2 + b] = "<0x%02X>".formatted(b);
        }
        tokens[258] = "e";
        tokens[259] = "\u2581";
        kinds[258] = kinds[259] = 1;
        scores[258] = -1;
        scores[259] = -2;
        return new GgufBytes()
                .string("tokenizer.ggml.model", "llama")
                .strings("tokenizer.ggml.tokens", tokens)
                .int32s("tokenizer.ggml.token_type", kinds)
                .floats("tokenizer.ggml.scores", scores)
                .value("tokenizer.ggml.add_space_prefix", 7, new byte[] {0})
                .value("tokenizer.ggml.add_bos_token", 7, new byte[] {1})
                .uint32("tokenizer.ggml.bos_token_id", 1);
    }

    private static long[] filled(long value) {
        return LongStream.generate(() -> value).limit(VOCABULARY).toArray();
    }

    /** Tokens of a prompt, any but the special ones. */
    public static int[] tokens(int n, long seed) {
        return new Random(seed).ints(n, 2, VOCABULARY).toArray();
    }

    /** Random unit directions, with targets about lambda away from the origin. */
    public Setpoint setpoint(double lambda) {
        var random = new Random(5);
        double[][] directions =
                IntStream.rangeClosed(0, horizon).mapToObj(k -> unit(random)).toArray(double[][]::new);
        double[] gaps = random.doubles(horizon + 1, .5, 2).toArray();
        return Setpoint.of(directions, gaps, random.doubles(horizon + 1, -1, 1).toArray(), lambda, "random");
    }

    private static double[] unit(Random random) {
        double[] x = random.doubles(D, -1, 1).toArray();
        double norm = Math.sqrt(Arrays.stream(x).map(value -> value * value).sum());
        return Arrays.stream(x).map(value -> value / norm).toArray();
    }

    /** A-LQR from the mean Jacobians at two prompts. */
    public Controller lqr(Setpoint setpoint) {
        var jacobians = model().meanJacobiansOfTokens(List.of(tokens(4, 1), tokens(9, 2)));
        return Controller.lqr(Lqr.solve(LinearSystem.of(jacobians), new QuadraticCost(.1, 1, 1)), setpoint);
    }
}
