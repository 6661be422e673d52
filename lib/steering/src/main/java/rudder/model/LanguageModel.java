package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.checkpoint.RandomWeights;
import rudder.checkpoint.TensorNames;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.store.ModelFile;
import rudder.checkpoint.store.ModelStore;
import rudder.checkpoint.tokenizer.Message;
import rudder.checkpoint.tokenizer.Tokenizer;
import rudder.model.transformer.Devices;
import rudder.model.transformer.EngineAlgebra;
import rudder.model.transformer.ParallelBatches;
import rudder.model.transformer.Transformer;
import rudder.theory.DenseAlgebra;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/**
 * A decoder-only transformer as a plant: T blocks acting on a residual stream of width d. Loads, traces, linearises,
 * and writes text; never changes. The only thing a user closes.
 *
 * <pre>{@code
 * var model = LanguageModel.load("SmolLM2-135M-Instruct");   // LanguageModel[SmolLM2-135M-Instruct, 30 blocks, d=576, float32, cpu]
 * model.generate("Once upon a time", 60)
 * }</pre>
 */
public final class LanguageModel extends TextGenerator implements AutoCloseable {

    private final ModelFile file;
    private final Checkpoint checkpoint;
    private final Transformer transformer;

    private LanguageModel(ModelFile file, Checkpoint checkpoint, Transformer transformer) {
        this.file = file;
        this.checkpoint = checkpoint;
        this.transformer = transformer;
    }

    /**
     * Loads a model onto the device that the environment's RUDDER_DEVICE names ({@code cpu}, {@code gpu:0}), without
     * one onto the first GPU, or the CPU where there is none. Weights are float32 unless RUDDER_DTYPE is
     * {@code float16}: then weight matrices are stored in half precision, and so are the unit vectors that they
     * multiply; states, norms, softmax, keys, values and Jacobians stay float32, regulators float64. That halves a
     * model's memory; it is meant for GPUs; on a CPU products of many rows are slower.
     *
     * @param nameOrPath whatever {@link ModelStore#fetch} takes: a name, a GGUF file, or a folder in Hugging Face's
     *     layout. A folder without a {@code tokenizer.json} serves for tokens; only texts are refused then, with an
     *     IllegalStateException
     * @throws IllegalArgumentException if the name is unknown, the architecture is not supported, or a tensor is
     *     missing, misshapen or not finite, or RUDDER_DEVICE names no device that is there, or RUDDER_DTYPE another
     *     precision
     * @throws IllegalStateException if it would not fit into this machine's memory, see {@link MemoryPlan}; on a GPU
     *     the engine alone judges
     * @throws IOException if the file cannot be fetched or read
     */
    public static LanguageModel load(String nameOrPath) throws IOException {
        return load(ModelStore.fetch(nameOrPath), Devices.precision());
    }

    static LanguageModel load(ModelFile file, DataType stored) throws IOException {
        return of(file, Checkpoint.open(file.path()), stored);
    }

    /**
     * A model of any shape with random weights, made in memory: what the shape costs can be measured, what it says
     * means nothing. It has no tokenizer; prompts are given as tokens. Weights are as in {@link RandomCheckpoint},
     * device and precision as in {@link #load}.
     *
     * @throws IllegalStateException if it would not fit into this machine's memory
     */
    public static LanguageModel random(ModelShape shape, long seed) {
        var weights = new RandomWeights(shape, seed);
        var config = shape.config();
        return of(
                new ModelFile(shape.name(), Path.of(""), weights.sha256(), "none", shape.architecture()),
                new Checkpoint(
                        weights,
                        TensorNames.huggingFace(weights, config.postNorms()),
                        config,
                        Tokenizer.ofNumbers(shape.vocabulary(), Set.of())),
                Devices.precision());
    }

    private static LanguageModel of(ModelFile file, Checkpoint checkpoint, DataType stored) {
        NDManager manager = null;
        try {
            manager = NDManager.newBaseManager(Devices.chosen(), "PyTorch");
            if (!manager.getDevice().isGpu()) {
                MemoryPlan.of(file.name(), checkpoint.config(), 1, 1, 1)
                        .storedAs(stored)
                        .requireLoadable(MemoryPlan.available());
            }
            return new LanguageModel(
                    file,
                    checkpoint,
                    new Transformer(checkpoint.tensors(), checkpoint.names(), checkpoint.config(), manager, stored));
        } catch (RuntimeException | Error e) {
            if (manager != null) {
                manager.close();
            }
            checkpoint.close();
            throw e;
        }
    }

    /** What it was loaded by. */
    public String name() {
        return file.name();
    }

    /** SHA-256 of the weights' file, in hexadecimal. */
    public String sha256() {
        return file.sha256();
    }

    /** T, number of blocks. */
    public int horizon() {
        return transformer.config.horizon();
    }

    /** d, width of the residual stream. */
    public int dimension() {
        return transformer.config.dimension();
    }

    /** Longest sequence of tokens. */
    public int contextLength() {
        return transformer.config.contextLength();
    }

    /** Where weights and states live: {@code cpu}, or {@code gpu:0}. */
    public String device() {
        return Devices.name(transformer.manager.getDevice());
    }

    /** How weight matrices are stored: {@code float32} or {@code float16}. */
    public String precision() {
        return transformer.stored.name().toLowerCase(Locale.ROOT);
    }

    /** How {@link #load} would store them. */
    public static String chosenPrecision() {
        return Devices.precision().name().toLowerCase(Locale.ROOT);
    }

    /** What this model takes in memory, for so many prompts of so many tokens, and texts written at once. */
    public MemoryPlan plan(int prompts, int tokens, int batch) {
        return MemoryPlan.of(name(), transformer.config, prompts, tokens, batch).storedAs(transformer.stored);
    }

    /** Heavy double-precision products on this model's device. */
    public DenseAlgebra algebra() {
        return new EngineAlgebra(transformer.manager);
    }

    /**
     * The text's tokens, behind the token that this model wants first, if it wants one.
     *
     * @throws IllegalArgumentException if there is no token, or more than the context holds
     */
    public int[] encode(String text) {
        return encode(text, 0);
    }

    /** {@link #encode} of a prompt after which {@code room} tokens must fit. */
    int[] encode(String text, int room) {
        return requireTokens(tokenizer().encode(text), room);
    }

    /**
     * Returns the tokens of a user's message in the form that an instruction-tuned model expects, up to where the
     * answer begins.
     *
     * @throws IllegalStateException if the model has no chat template
     */
    public int[] encodeChat(String message) {
        return encodeChat(List.of(Message.user(message)));
    }

    /** Returns the tokens of a conversation, as {@link #encodeChat(String)} does of one message. */
    public int[] encodeChat(List<Message> conversation) {
        return encodeChat(conversation, 0);
    }

    /** Returns {@link #encodeChat(String)} followed by the answer's tokens, as if the model had generated them. */
    public int[] encodeAnswered(String message, String answer) {
        int[] asked = encodeChat(message);
        int[] begun = tokenizer().encodePlain(answer);
        int[] all = Arrays.copyOf(asked, asked.length + begun.length);
        System.arraycopy(begun, 0, all, asked.length, begun.length);
        return requireTokens(all, 0);
    }

    /** {@link #encodeChat(List)} of a conversation after which {@code room} tokens must fit. */
    int[] encodeChat(List<Message> conversation, int room) {
        return requireTokens(tokenizer().encodeChat(conversation), room);
    }

    /** The tokens, if there is one, all are this vocabulary's, and {@code room} more fit. */
    int[] requireTokens(int[] tokens, int room) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException(
                    "the prompt is empty: " + name() + " needs at least one token to continue");
        }
        if (tokens.length + room > contextLength()) {
            throw new IllegalArgumentException("the prompt has " + tokens.length + " tokens"
                    + (room > 0 ? " and " + room + " are to follow" : "") + "; the context of " + name() + " holds "
                    + contextLength() + ": shorten the prompt or ask for fewer tokens");
        }
        for (int token : tokens) {
            if (token < 0 || token >= transformer.config.vocabulary()) {
                throw new IllegalArgumentException("token id " + token + ": " + name() + " has the ids 0 to "
                        + (transformer.config.vocabulary() - 1));
            }
        }
        return tokens;
    }

    /** The tokens' text. */
    public String decode(int[] tokens) {
        return tokenizer().decode(tokens);
    }

    /** This model through a controller. */
    public SteeredModel steered(Controller controller) {
        return steered(List.of(controller));
    }

    /**
     * This model through a controller for each of the prompts that it is to be given, which are written side by side
     * all the same.
     */
    public SteeredModel steered(List<Controller> controllers) {
        return new SteeredModel(
                this,
                controllers,
                null,
                Positions.DEFAULT,
                controllers.stream()
                        .flatMap(controller -> controller.setpoint().stream())
                        .findFirst()
                        .orElse(null),
                0,
                Integer.MAX_VALUE);
    }

    /**
     * This model through a controller that is made anew at every token: from the plant that all tokens before it, as
     * they were steered, make of the model, with the token's own unsteered run as its nominal one. One sequence at a
     * time or many, but at each token a linearisation for each.
     *
     * @param maker what makes it
     * @param measured the feature whose strengths completions carry, or null
     */
    public SteeredModel steeredPerToken(Function<PromptPlant, Controller> maker, Setpoint measured) {
        return new SteeredModel(this, List.of(), maker, Positions.DEFAULT, measured, 0, Integer.MAX_VALUE);
    }

    private SteeredModel unsteered() {
        return steered(Controller.none());
    }

    @Override
    LanguageModel model() {
        return this;
    }

    @Override
    List<Completion> generate(
            List<int[]> prompts, List<String> texts, int maxTokens, Sampling sampling, Consumer<String> onText) {
        return unsteered().generate(prompts, texts, maxTokens, sampling, onText);
    }

    /** The residual stream of the prompt's last token. */
    public ResidualTrace trace(String prompt) {
        return unsteered().trace(prompt);
    }

    /** {@link #trace} of each prompt, several at once. */
    public List<ResidualTrace> traces(List<String> prompts) {
        return unsteered().traces(prompts);
    }

    /**
     * {@link #traces} of prompts given as tokens, as the stream is read, a batch at a time: for more prompts than
     * memory holds traces.
     */
    public Stream<ResidualTrace> streamTraces(List<int[]> prompts) {
        return unsteered().streamTraces(prompts);
    }

    /**
     * What the attention heads of every block put out at the prompts' last tokens, side by side, before they are mixed:
     * [prompt][T][{@link #headsWidth}].
     */
    public double[][][] headOutputs(List<String> prompts) {
        return unsteered().heads(encoded(prompts));
    }

    /** Attention heads of a block. */
    public int heads() {
        return transformer.config.heads();
    }

    /** Numbers that the heads of a block put out together. */
    public int headsWidth() {
        return transformer.config.headsWidth();
    }

    /** Next-token logits after the tokens, [vocabulary]. */
    public float[] logits(int[] tokens) {
        return unsteered().logits(tokens);
    }

    /** The dynamical system that a prompt makes of this model. */
    public PromptPlant plant(String prompt) {
        return plant(encode(prompt));
    }

    /** {@link #plant} of each prompt, several prefilled at once. */
    public List<PromptPlant> plants(List<String> prompts) {
        return unsteered().plants(encoded(prompts));
    }

    /** As above, for a prompt given as tokens. */
    public PromptPlant plant(int[] tokens) {
        return unsteered().plants(List.of(tokens)).get(0);
    }

    /**
     * Mean over prompts of each block's Jacobian A_k = d phi_k / d z at the prompts' last tokens.
     *
     * @return A_0..A_{T-1}, [d, d] each, in double precision from single-precision products
     * @throws IllegalStateException if they, and as many gains, would not fit into Java's heap or this machine's
     *     memory, see {@link MemoryPlan}
     */
    public List<DMatrixRMaj> meanJacobians(List<String> prompts) {
        return meanJacobiansOfTokens(encoded(prompts));
    }

    /** {@link #meanJacobians} of prompts given as tokens. */
    public List<DMatrixRMaj> meanJacobiansOfTokens(List<int[]> prompts) {
        int longest = prompts.stream().mapToInt(tokens -> tokens.length).max().orElse(1);
        plan(Math.max(1, prompts.size()), longest, 1)
                .requireDense(Runtime.getRuntime().maxMemory(), MemoryPlan.available());
        var mean = meanJacobianOf(prompts);
        var jacobians = new ArrayList<DMatrixRMaj>();
        try (Progress job =
                Progress.of("Jacobians of " + horizon() + " blocks at " + prompts.size() + " prompts", horizon())) {
            for (int k = 0; k < horizon(); k++) {
                jacobians.add(mean.apply(k));
                job.advance(1);
            }
        }
        return jacobians;
    }

    /**
     * {@link #meanJacobians} one at a time: the function makes A_k whenever it is asked, and holds the prompts' keys
     * and values only. It lives as long as this model.
     */
    public IntFunction<DMatrixRMaj> meanJacobian(List<String> prompts) {
        return meanJacobianOf(encoded(prompts));
    }

    private IntFunction<DMatrixRMaj> meanJacobianOf(List<int[]> prompts) {
        if (prompts.isEmpty()) {
            throw new IllegalArgumentException("no prompts to linearise at: wanted at least one");
        }
        var plants = unsteered().plants(prompts);
        return k -> {
            try (NDManager scope = transformer.manager.newSubManager()) {
                NDArray sum = null;
                for (PromptPlant plant : plants) {
                    try (NDManager within = scope.newSubManager()) {
                        NDArray a = plant.jacobian(within, k);
                        if (sum == null) {
                            a.attach(scope);
                            sum = a;
                        } else {
                            sum.addi(a);
                        }
                    }
                }
                return EngineAlgebra.down(sum.divi(plants.size()));
            }
        };
    }

    private List<int[]> encoded(List<String> prompts) {
        return prompts.stream().map(this::encode).toList();
    }

    /** Negative log-likelihood in nats of tokens 2..n given those before them, [n - 1]. */
    public double[] surprisals(int[] tokens) {
        return surprisals(List.of(tokens), 1)[0];
    }

    /**
     * The same of each sequence's tokens {@code from}..n-1 alone, several sequences side by side: what stands before
     * them is read, and not predicted.
     *
     * @param from of each sequence, at least 1
     * @return [sequence][n - from], nothing where from is n or more
     */
    public double[][] surprisals(List<int[]> sequences, int... from) {
        sequences.forEach(tokens -> requireTokens(tokens, 0));
        // halves of some, so that both threads have work; of a few, all at once
        int batch = Math.max(SteeredModel.BATCH / 2, Math.min(SteeredModel.BATCH, (sequences.size() + 1) / 2));
        return ParallelBatches.of(
                        transformer.manager.getDevice(),
                        sequences.size(),
                        batch,
                        (first, end) -> new Likelihood(transformer)
                                .surprisals(sequences.subList(first, end), Arrays.copyOfRange(from, first, end)),
                        done -> {})
                .stream()
                .flatMap(Arrays::stream)
                .toArray(double[][]::new);
    }

    /** exp of the mean {@link #surprisals} of the text's tokens. */
    public double perplexity(String text) {
        return perplexity(encode(text), 1);
    }

    /** exp of the mean surprisal of tokens {@code from}..n-1, given all before each; from is at least 1. */
    public double perplexity(int[] tokens, int from) {
        return Math.exp(Arrays.stream(surprisals(List.of(tokens), from)[0])
                .average()
                .orElseThrow(() ->
                        new IllegalArgumentException("perplexity needs at least one token after the first " + from)));
    }

    public Transformer transformer() {
        return transformer;
    }

    /**
     * Returns the model's tokenizer. It lives as long as this model, which closes it.
     *
     * <p>It encodes texts without this model's checks on length, and gives access to the chat template.
     */
    public Tokenizer tokenizer() {
        return checkpoint.tokenizer();
    }

    /** Frees the weights and closes their file. */
    @Override
    public void close() {
        transformer.close();
        checkpoint.close();
        System.gc(); // what was computed with it may be larger than what is kept, and the next model may need the room
    }

    @Override
    public String toString() {
        return "LanguageModel[" + name() + ", " + horizon() + " blocks, d=" + dimension() + ", " + precision() + ", "
                + device() + "]";
    }
}
