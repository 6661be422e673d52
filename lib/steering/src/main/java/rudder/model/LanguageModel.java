package rudder.model;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.store.ModelFile;
import rudder.checkpoint.tokenizer.Message;
import rudder.checkpoint.tokenizer.MessageSpans;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.checkpoint.tokenizer.Tokenizer;
import rudder.model.decoder.Decoder;
import rudder.model.engine.Devices;
import rudder.model.engine.EngineAlgebra;
import rudder.model.memory.MemoryPlan;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.model.transformer.PrefixCache;
import rudder.model.transformer.Transformer;
import rudder.theory.Check;
import rudder.theory.DenseAlgebra;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/**
 * A decoder-only transformer as a plant: T blocks (transformer layers) that act on a residual stream of width d. Loads,
 * generates, traces and linearises. A model does not change.
 *
 * <p>Long calls end within a second of an interrupt of their thread, with a
 * {@link java.util.concurrent.CancellationException} that says how far they came; {@link rudder.theory.Stop} has the
 * rule. Thread-safe.
 *
 * <p>Users close the objects that they open: models, classifiers and sentence encoders ({@code rudder.eval}), and
 * files. Views, plants, traces and the model's tokenizer need no closing.
 *
 * <pre>{@code
 * var model = LanguageModel.load("SmolLM2-135M-Instruct");
 * model.generate("Once upon a time", 60)
 * }</pre>
 */
public final class LanguageModel extends TextGenerator implements AutoCloseable {

    private final ModelFile file;
    private final Checkpoint checkpoint;
    private final Transformer transformer;
    private final PrefixCache prefixes;
    private final String source; // null where no name or path was given
    private volatile Decoder decoder; // null where the engine writes single texts too

    LanguageModel(ModelFile file, Checkpoint checkpoint, Transformer transformer, Decoder decoder, String source) {
        this.file = file;
        this.checkpoint = checkpoint;
        this.transformer = transformer;
        this.decoder = decoder;
        this.source = source;
        prefixes = new PrefixCache(transformer, PrefixCache.LIMIT);
    }

    /**
     * Loads a model. The environment's RUDDER_DEVICE names its device: {@code cpu}, or {@code gpu:0}. The default is
     * the first GPU, or the CPU where there is none.
     *
     * <p>Weights stay packed as their file has them or are held as float32, as RUDDER_WEIGHTS says: {@code auto}, the
     * default, keeps float32 copies of what the engine uses often, if they fit into half of the available memory;
     * {@code packed} never does; {@code float32} does so at once. Arithmetic is float32 in any case. With
     * RUDDER_DTYPE={@code float16}, weight matrices and the unit vectors that they multiply are float16. States, norms,
     * softmax, keys, values and Jacobians stay float32, and regulators float64. This halves the memory and is meant for
     * GPUs; on a CPU, products of many rows are slower.
     *
     * @param nameOrPath whatever {@link rudder.checkpoint.store.ModelStore#fetch} takes: a name, a GGUF file, or a
     *     folder in Hugging Face's layout; {@code ~/} at its beginning is the user's home. If the folder has no
     *     {@code tokenizer.json}, the model takes tokens, and texts throw an IllegalStateException.
     * @throws IllegalArgumentException if the name is unknown, the architecture is not supported, or a tensor is
     *     missing, misshapen or not finite; or if RUDDER_DEVICE names no device of this machine, RUDDER_DTYPE another
     *     precision, or RUDDER_WEIGHTS another form
     * @throws IllegalStateException if the model does not fit into its device's free memory, see {@link MemoryPlan}
     * @throws IOException if the file cannot be fetched or read
     */
    public static LanguageModel load(String nameOrPath) throws IOException {
        return ModelLoader.chosen().load(nameOrPath);
    }

    /**
     * Loads a model as {@link #load(String)} does, with its weight matrices rounded to a few bits
     * ({@link rudder.checkpoint.RoundedWeights}). The model counts as another one: its {@link #sha256} differs, and it
     * refuses controllers that were measured before rounding unless they are {@link Controller#forAnyPlant}.
     *
     * @param bits width of a rounded weight, 2 to 8
     * @throws IllegalArgumentException also if the width is another
     */
    public static LanguageModel loadRounded(String nameOrPath, int bits) throws IOException {
        return ModelLoader.chosen().rounded(nameOrPath, bits);
    }

    /**
     * Makes a model of any shape with random weights, in memory. It serves to measure time and memory of the shape; its
     * texts mean nothing. It has no tokenizer: give prompts as tokens. The weights are those of
     * {@link rudder.checkpoint.RandomCheckpoint}; device and precision are chosen as in {@link #load}.
     *
     * @throws IllegalStateException if it does not fit into this machine's memory
     */
    public static LanguageModel random(ModelShape shape, long seed) {
        return ModelLoader.chosen().random(shape, seed);
    }

    /** Returns the name that this model was loaded by. */
    public String name() {
        return file.name();
    }

    /**
     * Returns the argument of {@link #load} that gives this model again, also in another process; a path is absolute.
     * Empty for a model that was made in memory.
     */
    public Optional<String> source() {
        return Optional.ofNullable(source);
    }

    /** Returns the SHA-256 of the model's file, or files, in hexadecimal. */
    public String sha256() {
        return file.sha256();
    }

    /** Returns the architecture's name, as config.json or GGUF spells it: {@code llama} for instance. */
    public String architecture() {
        return transformer.config.architecture();
    }

    /** Returns T, the number of blocks. */
    public int horizon() {
        return transformer.config.horizon();
    }

    /** Returns d, the width of the residual stream. */
    public int dimension() {
        return transformer.config.dimension();
    }

    /** Returns the length of the longest sequence, in tokens. */
    public int contextLength() {
        return transformer.config.contextLength();
    }

    /** Returns the device of weights and states: {@code cpu}, or {@code gpu:0}. */
    public String device() {
        return Devices.name(transformer.manager.getDevice());
    }

    /** Returns the precision of the weight matrices: {@code float32} or {@code float16}. */
    public String precision() {
        return Devices.name(transformer.stored);
    }

    /** Returns the {@link #precision} that {@link #load} would choose. */
    public static String chosenPrecision() {
        return Devices.name(Devices.precision());
    }

    /**
     * Returns the memory that this model takes.
     *
     * @param prompts number of prompts to linearise at.
     * @param tokens length of each prompt, and of each text with its prompt.
     * @param batch number of texts generated side by side.
     */
    public MemoryPlan plan(int prompts, int tokens, int batch) {
        return ModelLoader.plan(name(), transformer, prompts, tokens, batch);
    }

    /** Returns double-precision matrix algebra on this model's device. */
    public DenseAlgebra algebra() {
        return new EngineAlgebra(transformer.manager, transformer.lifetime);
    }

    /**
     * Returns the text's tokens, after the BOS token if this model expects one.
     *
     * @throws IllegalArgumentException if there is no token, or more than the context holds
     */
    public int[] encode(String text) {
        return prompts().of(text, 0);
    }

    /**
     * Returns the tokens of a user's message in the form that an instruction-tuned model expects, up to where the
     * answer begins.
     *
     * @throws IllegalStateException if the model has no chat template
     */
    public int[] encodeChat(String message) {
        return encodeChat(List.of(Message.user(Check.given("the message", message))));
    }

    /**
     * Returns the tokens of a conversation, as {@link #encodeChat(String)} does of one message. If the last message is
     * the assistant's, the answer has begun: the tokens end within it, where the model goes on.
     */
    public int[] encodeChat(List<Message> conversation) {
        return prompts().ofChat(conversation, 0);
    }

    /**
     * Returns the tokens of a user's message and of an answer that has begun, as the chat template writes them. Some
     * templates trim the answer, or write it behind an empty thought.
     *
     * @throws IllegalStateException if the model has no chat template
     */
    public int[] encodeAnswered(String message, String answer) {
        return encodeChat(List.of(
                Message.user(Check.given("the message", message)),
                Message.assistant(Check.given("the answer", answer))));
    }

    /** Returns what makes tokens of prompts, and refuses those that this model cannot read. */
    PromptTokens prompts() {
        return new PromptTokens(this);
    }

    /** Returns the tokens' text. */
    public String decode(int[] tokens) {
        return tokenizer().decode(Check.given("the list of tokens", tokens));
    }

    /** Returns a view of this model through a controller. Throws if the controller belongs to another model. */
    public SteeredModel steered(Controller controller) {
        return steered(List.of(Check.given("the controller", controller)));
    }

    /**
     * Returns a view of this model through one controller for each prompt. Give the view as many prompts as it has
     * controllers; they still share batches.
     */
    public SteeredModel steered(List<Controller> controllers) {
        Setpoint measured = Check.each("controller", controllers).stream()
                .flatMap(controller -> controller.setpoint().stream())
                .findFirst()
                .orElse(null);
        return new SteeredModel(this, controllers, null, Positions.DEFAULT, measured, 0, Integer.MAX_VALUE);
    }

    /**
     * Returns a view of this model through a controller that is made anew for every token. The tokens before it, as
     * they were steered, define the token's plant; its nominal run is the token's own unsteered one. Each token of each
     * text costs the maker's linearisation.
     *
     * @param maker makes the controller of a token from its plant
     * @param measured the feature whose strengths completions report, or null
     */
    public SteeredModel steeredPerToken(Function<PromptPlant, Controller> maker, Setpoint measured) {
        return new SteeredModel(this, List.of(), maker, Positions.DEFAULT, measured, 0, Integer.MAX_VALUE);
    }

    private SteeredModel unsteered() {
        return steered(Controller.none());
    }

    Prefill prefill() {
        return new Prefill(this, unsteered().placement());
    }

    @Override
    LanguageModel model() {
        return this;
    }

    @Override
    List<Completion> generate(
            List<Prompt> prompts, int maxTokens, Sampling sampling, Optional<Consumer<String>> onText) {
        return unsteered().generate(prompts, maxTokens, sampling, onText);
    }

    /** Returns the residual stream of the prompt's last token. */
    public ResidualTrace trace(String prompt) {
        return unsteered().trace(prompt);
    }

    /** Returns the {@link #trace} of each prompt, computed in batches. */
    public List<ResidualTrace> traces(List<String> prompts) {
        return unsteered().traces(prompts);
    }

    /**
     * Returns the {@link #traces} of prompts given as tokens. The stream computes a batch at a time, when it is read,
     * so that the traces need not fit into memory together.
     */
    public Stream<ResidualTrace> streamTraces(List<int[]> prompts) {
        return unsteered().streamTraces(prompts);
    }

    /**
     * Streams traces as {@link #streamTraces(List)} does, of the mean of the states over some tokens of each prompt.
     * Only a span of one token is a rollout of a plant.
     *
     * @param spans the tokens of each prompt; null for the last ones
     * @throws IllegalArgumentException if prompts and spans differ in number, or a span ends behind its prompt
     */
    public Stream<ResidualTrace> streamTraces(List<int[]> prompts, List<TokenSpan> spans) {
        return spans == null ? streamTraces(prompts) : prefill().means(prompts, spans);
    }

    /**
     * Returns the outputs of all attention heads, concatenated, before the output matrix, averaged over some tokens of
     * each prompt: [prompt][T][{@link #headsWidth}].
     *
     * @param spans the tokens of each prompt; null for the last ones
     */
    public double[][][] headOutputs(List<int[]> prompts, List<TokenSpan> spans) {
        return prefill().heads(prompts, spans);
    }

    /**
     * Returns the tokens of the answer with which a conversation ends, in {@link #encodeChat(List)} of it.
     *
     * @throws IllegalArgumentException if the last message is not the assistant's, or its text has no token
     */
    public TokenSpan answerSpan(List<Message> conversation) {
        return MessageSpans.ofAnswer(encodeChat(conversation), conversation, this::encodeChat);
    }

    /** Returns the number of attention heads of a block. */
    public int heads() {
        return transformer.config.heads();
    }

    /** Returns the width of a block's concatenated head outputs. */
    public int headsWidth() {
        return transformer.config.headsWidth();
    }

    /** Returns the next-token logits after the tokens, [vocabulary]. */
    public float[] logits(int[] tokens) {
        return unsteered().logits(tokens);
    }

    /** Returns the dynamical system that a prompt makes of this model. */
    public PromptPlant plant(String prompt) {
        return plant(encode(prompt));
    }

    /** Returns the {@link #plant} of each prompt, prefilled in batches. */
    public List<PromptPlant> plants(List<String> prompts) {
        return prefill().plants(prompts().of(prompts));
    }

    /** Returns the {@link #plant(String)} of a prompt given as tokens. */
    public PromptPlant plant(int[] tokens) {
        return prefill().plants(List.of(tokens)).get(0);
    }

    /**
     * Returns the mean over prompts of each block's Jacobian A_k = d phi_k / d z at the prompts' last tokens.
     *
     * @return A_0..A_{T-1}, [d, d] each, in double precision from single-precision products.
     * @throws IllegalArgumentException if there is no prompt.
     * @throws IllegalStateException if the Jacobians and as many gains do not fit into Java's heap or this machine's
     *     memory, see {@link MemoryPlan}
     */
    public List<DMatrixRMaj> meanJacobians(List<String> prompts) {
        return meanJacobiansOfTokens(prompts().of(prompts));
    }

    /** Returns the {@link #meanJacobians} of prompts given as tokens. */
    public List<DMatrixRMaj> meanJacobiansOfTokens(List<int[]> prompts) {
        return new Jacobians(this, prompts).means();
    }

    /**
     * Returns a function that computes one of the {@link #meanJacobians} when it is asked. Between calls only the
     * prompts' keys and values are in memory. The function lives as long as this model.
     *
     * @throws IllegalArgumentException if there is no prompt
     */
    public IntFunction<DMatrixRMaj> meanJacobian(List<String> prompts) {
        return new Jacobians(this, prompts().of(prompts)).eachMean();
    }

    /**
     * Returns a function like {@link #meanJacobian} that computes sums, for means over prompts of several processes.
     * The mean over many prompts sums {@value rudder.model.plant.PromptPlant#CHUNK} prompts at a time, then these sums
     * in order, in the model's precision.
     *
     * @param prompts tokens of at most {@value rudder.model.plant.PromptPlant#CHUNK} prompts
     * @throws IllegalArgumentException if there is no prompt
     */
    public IntFunction<DMatrixRMaj> jacobianSum(List<int[]> prompts) {
        return new Jacobians(this, prompts).eachSum();
    }

    /** Returns the negative log-likelihood in nats of tokens 2..n, each given the tokens before it, [n - 1]. */
    public double[] surprisals(int[] tokens) {
        return surprisals(List.of(tokens), 1)[0];
    }

    /**
     * Returns the negative log-likelihoods in nats of each sequence's tokens {@code from}..n-1, each given all tokens
     * before it. Sequences are read in batches.
     *
     * @param from of each sequence, at least 1: no token comes before the first
     * @return [sequence][n - from], empty where from is n or more
     */
    public double[][] surprisals(List<int[]> sequences, int... from) {
        return prefill().surprisals(sequences, from);
    }

    /**
     * Computes the gradient of {@code sum_{s>t} ln p(token_s | tokens before)} with respect to the output of every
     * block. Token t goes from the prompt's last to the one before the continuation's last. Keys and values of later
     * tokens are not held fixed. A closed form, computed in batches; nothing is kept between batches.
     *
     * @param reader receives each batch of texts from the last block to block 0, in this thread
     * @throws IllegalArgumentException if there is no text, or one does not fit the model's context
     * @throws IllegalStateException if a batch does not fit into this machine's memory
     */
    public void gradients(List<Continuation> texts, GradientReader reader) {
        new Gradients(this).each(texts, null, reader);
    }

    /**
     * Computes {@link #gradients(List, GradientReader)} of the model with a constant input behind each block, at every
     * token of prompts and continuations. A constant has no derivative, so only the states differ.
     *
     * @param inputs u_k, [T][d]
     * @throws IllegalArgumentException also if there is not one input of d finite numbers for each block
     */
    public void gradients(List<Continuation> texts, double[][] inputs, GradientReader reader) {
        new Gradients(this).each(texts, Check.given("the inputs", inputs), reader);
    }

    /**
     * Returns the gradient of the continuations' mean log-likelihood a token with respect to a constant input behind
     * each block, at the tokens of {@link #gradients(List, GradientReader)}: [T][d].
     *
     * @param inputs u_k, [T][d]; null for the unsteered model
     * @throws IllegalArgumentException as {@link #gradients(List, double[][], GradientReader)}
     */
    public double[][] meanGradient(List<Continuation> texts, double[][] inputs) {
        return new Gradients(this).mean(texts, inputs);
    }

    /** Returns exp of the mean of the {@link #surprisals} of the text's tokens. */
    public double perplexity(String text) {
        return perplexity(encode(text), 1);
    }

    /** Returns exp of the mean surprisal of tokens {@code from}..n-1, each given all before it; from is at least 1. */
    public double perplexity(int[] tokens, int from) {
        return prefill().perplexity(tokens, from);
    }

    Transformer transformer() {
        return transformer;
    }

    /** Returns what writes texts on the heap; null where the engine does. */
    Decoder decoder() {
        return decoder;
    }

    PrefixCache prefixes() {
        return prefixes;
    }

    /**
     * Returns the model's tokenizer. It lives as long as this model, which closes it.
     *
     * <p>It encodes texts without this model's checks on length, and gives access to the chat template.
     */
    public Tokenizer tokenizer() {
        transformer.lifetime.requireOpen();
        return checkpoint.tokenizer();
    }

    /**
     * Frees the weights and closes their file. Calls in other threads end with an IllegalStateException at their next
     * token or block, and this call waits for them. Later calls throw it too.
     *
     * @throws IllegalStateException if this thread is itself inside a call of this model
     */
    @Override
    public void close() {
        transformer.lifetime.close(() -> {
            transformer.close();
            checkpoint.close();
            decoder = null;
        });
        System.gc(); // frees the heap that results took, which the next model may need, and the mapped file
    }

    @Override
    public String toString() {
        return "LanguageModel[" + name() + ", " + horizon() + " blocks, d=" + dimension() + ", " + precision() + ", "
                + device() + "]";
    }
}
