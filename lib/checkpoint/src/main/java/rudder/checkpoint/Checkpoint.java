package rudder.checkpoint;

import com.google.gson.stream.MalformedJsonException;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.format.TensorSource;
import rudder.checkpoint.text.FolderAdvice;
import rudder.checkpoint.text.StrictJson;
import rudder.checkpoint.text.TextFile;
import rudder.checkpoint.tokenizer.ChatTemplate;
import rudder.checkpoint.tokenizer.Tokenizer;
import rudder.checkpoint.tokenizer.TokenizerSettings;

/**
 * An open model on disk: a GGUF file, or a folder in Hugging Face's layout. Close a checkpoint that you opened; one
 * inside a {@code LanguageModel} is closed with it.
 *
 * @param tensors the weights
 * @param names the names of the weights
 * @param config the configuration of the architecture
 * @param tokenizer the tokenizer; without a {@code tokenizer.json} it reads no text
 */
public record Checkpoint(TensorSource tensors, TensorNames names, ModelConfig config, Tokenizer tokenizer)
        implements Closeable {

    /** The configuration of the architecture. */
    public static final String CONFIG = "config.json";
    /** Settings for generation; its stop tokens go before those of {@link #CONFIG}. */
    public static final String GENERATION = "generation_config.json";
    /** The tokenizer. */
    public static final String TOKENIZER = "tokenizer.json";
    /** Settings of the tokenizer; may hold the chat template. */
    public static final String TOKENIZER_CONFIG = "tokenizer_config.json";
    /** Special tokens, in folders saved before {@link #TOKENIZER_CONFIG} held them. */
    public static final String SPECIAL_TOKENS = "special_tokens_map.json";
    /** Added tokens, in folders saved before {@link #TOKENIZER_CONFIG} held them. */
    public static final String ADDED_TOKENS = "added_tokens.json";
    /** The chat template, if it is a file of its own. */
    public static final String CHAT_TEMPLATE = "chat_template.jinja";

    /** The chat template as a JSON object of one string, if {@link #CHAT_TEMPLATE} is missing. */
    public static final String CHAT_TEMPLATE_JSON = "chat_template.json";

    /**
     * Opens a model. A folder may lack its {@code tokenizer.json}; the tokenizer then throws an IllegalStateException
     * for every text.
     *
     * @throws IllegalArgumentException if the architecture or one of its settings is not supported
     * @throws IOException if a file is missing or malformed
     */
    public static Checkpoint open(Path path) throws IOException {
        ModelPath.require(path);
        return Files.isDirectory(path) ? folder(path) : gguf(path);
    }

    /**
     * Reads the configuration only.
     *
     * @throws IllegalArgumentException if the architecture or one of its settings is not supported
     * @throws IOException if the file is missing or malformed
     */
    public static ModelConfig config(Path path) throws IOException {
        ModelPath.require(path);
        if (Files.isDirectory(path)) {
            return config(path, json(path.resolve(CONFIG)));
        }
        try (GgufFile file = GgufFile.open(path)) {
            return config(path, file);
        }
    }

    private static ModelConfig config(Path folder, Map<String, Object> json) {
        var file = folder.getFileName() + "/" + CONFIG;
        return naming(file, () -> HfConfig.parse(json, file));
    }

    private static ModelConfig config(Path path, GgufFile file) {
        return naming(path.getFileName().toString(), () -> GgufConfig.parse(file));
    }

    /** Puts the file's name into the message of one that does not know it. */
    private static <T> T naming(String file, Supplier<T> read) {
        try {
            return read.get();
        } catch (IllegalArgumentException e) {
            throw e.getMessage().contains(file) ? e : new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    private static Checkpoint gguf(Path path) throws IOException {
        GgufFile file = GgufFile.open(path);
        try {
            ModelConfig config = config(path, file);
            TensorSource tensors = file.withoutTokenizer();
            return new Checkpoint(
                    separate(tensors, config, TensorNames.GGUF, "blk.%d.attn_qkv", "blk.%d.ffn_up"),
                    TensorNames.GGUF,
                    config,
                    naming(path.getFileName().toString(), () -> Tokenizer.of(file)));
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /** Returns the tensors with those apart that Phi 3 stores together, under these names. */
    private static TensorSource separate(
            TensorSource tensors, ModelConfig config, TensorNames names, String attention, String mlp) {
        return config.architecture().equals("phi3")
                ? new FusedTensors(tensors, config, names, attention, mlp)
                : tensors;
    }

    private static Checkpoint folder(Path folder) throws IOException {
        Map<String, Object> json = json(folder.resolve(CONFIG));
        ModelConfig config = config(folder, json);
        Safetensors tensors = Safetensors.open(folder);
        try {
            var names = TensorNames.huggingFace(tensors, config.postNorms());
            if (config.tiedHead()) {
                TiedHead.requireEqual(tensors, names);
            }
            var attention = names.query().replace("q_proj", "qkv_proj");
            var mlp = names.gate().replace("gate_proj", "gate_up_proj");
            return new Checkpoint(
                    separate(tensors, config, names, attention, mlp),
                    names,
                    config,
                    tokenizer(folder, json, config.vocabulary()));
        } catch (IOException | RuntimeException | Error e) {
            tensors.close();
            throw e;
        }
    }

    private static Tokenizer tokenizer(Path folder, Map<String, Object> config, int size) throws IOException {
        Path generation = folder.resolve(GENERATION);
        Map<String, Object> own = Files.exists(generation) ? json(generation) : Map.of();
        Object ends = own.get("eos_token_id") != null ? own.get("eos_token_id") : config.get("eos_token_id");
        Set<Integer> stops = new HashSet<>();
        for (Object id : ends instanceof List<?> list ? list : ends == null ? List.of() : List.of(ends)) {
            if (!(id instanceof Long number) || number < 0 || number >= size) {
                throw new IOException(folder + ": eos_token_id is " + StrictJson.shown(ends)
                        + ", wanted a token's id or a list of them,"
                        + " each from 0 to " + (size - 1) + "; correct it in " + GENERATION + " or " + CONFIG
                        + FolderAdvice.COPY);
            }
            stops.add(number.intValue());
        }
        Path file = folder.resolve(TOKENIZER);
        if (!Files.exists(file)) {
            return Tokenizer.ofNumbers(size, stops);
        }
        Map<String, Object> beside = jsonIfThere(folder.resolve(TOKENIZER_CONFIG));
        var settings = TokenizerSettings.of(
                folder.getFileName() + "/" + TOKENIZER_CONFIG,
                beside,
                jsonIfThere(folder.resolve(SPECIAL_TOKENS)),
                jsonIfThere(folder.resolve(ADDED_TOKENS)),
                config);
        return Tokenizer.ofJson(file, settings, size, stops, chatTemplate(folder, beside, settings.specialTokens()));
    }

    private static Map<String, Object> jsonIfThere(Path file) throws IOException {
        return Files.exists(file) ? json(file) : Map.of();
    }

    /**
     * The chat template in {@code chat_template.jinja}, else in {@code chat_template.json}, else in the tokenizer's
     * configuration, alone or named {@code default}.
     */
    private static Optional<ChatTemplate> chatTemplate(
            Path folder, Map<String, Object> settings, Map<String, String> specialTokens) throws IOException {
        Path alone = folder.resolve(CHAT_TEMPLATE);
        if (Files.exists(alone)) {
            return Optional.of(new ChatTemplate(TextFile.read(alone, StrictJson.LONGEST), specialTokens));
        }
        Path wrapped = folder.resolve(CHAT_TEMPLATE_JSON);
        boolean isWrapped = Files.exists(wrapped);
        Object template = (isWrapped ? json(wrapped) : settings).get("chat_template");
        if (template == null && !isWrapped) {
            return Optional.empty();
        }
        if (template instanceof List<?> several && !isWrapped) {
            return Optional.of(named(folder, several, specialTokens));
        }
        if (!(template instanceof String text)) {
            throw new IOException((isWrapped ? wrapped : folder.resolve(TOKENIZER_CONFIG)) + ": chat_template is "
                    + StrictJson.shown(template) + ", wanted a string, the template; put it there, or delete the field"
                    + FolderAdvice.COPY);
        }
        return Optional.of(new ChatTemplate(text, specialTokens));
    }

    private static ChatTemplate named(Path folder, List<?> several, Map<String, String> specialTokens) {
        for (Object one : several) {
            if (one instanceof Map<?, ?> map
                    && "default".equals(map.get("name"))
                    && map.get("template") instanceof String text) {
                return new ChatTemplate(text, specialTokens);
            }
        }
        return ChatTemplate.unknown(folder.getFileName() + "/" + TOKENIZER_CONFIG + " has the chat templates "
                + several.stream()
                        .map(one -> one instanceof Map<?, ?> map ? String.valueOf(map.get("name")) : "without a name")
                        .toList()
                + ", wanted one named default; put the one to use beside it as " + CHAT_TEMPLATE + FolderAdvice.COPY
                + " (Rudder reads no folder additional_chat_templates)");
    }

    /**
     * Reads a file that is one JSON object, as {@link StrictJson#object} does.
     *
     * @throws IOException if the file is missing or malformed; the message names it
     */
    public static Map<String, Object> json(Path file) throws IOException {
        try {
            return StrictJson.object(TextFile.read(file, StrictJson.LONGEST));
        } catch (MalformedJsonException | EOFException e) {
            throw new IOException(
                    "cannot read " + file + ": it is not the JSON object that was wanted, " + e.getMessage()
                            + "; fetch it again",
                    e);
        }
    }

    /** Closes the tensors and the tokenizer. */
    @Override
    public void close() {
        tokenizer.close();
        try {
            tensors.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }
}
