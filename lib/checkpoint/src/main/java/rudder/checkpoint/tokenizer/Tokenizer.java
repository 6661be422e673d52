package rudder.checkpoint.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.text.FolderAdvice;
import rudder.checkpoint.tokenizer.Vocabulary.Kind;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;
import rudder.checkpoint.tokenizer.part.AddedToken;
import rudder.checkpoint.tokenizer.part.AddedTokens;
import rudder.checkpoint.tokenizer.part.Normalizer;
import rudder.checkpoint.tokenizer.part.TokenizerParts.Frame;

/**
 * Converts text to token ids and back, as the model was trained to read text.
 *
 * <p>Ids agree with llama.cpp's. A text cannot spell a control token: {@link #encode} reads {@code <|im_end|>} as plain
 * characters. Control tokens come from the chat template ({@link #encodeChat}) and from {@link #encodeMarked} only.
 *
 * <p>The examples below are SmolLM2-135M-Instruct's. Thread-safe until closed. A tokenizer that a model hands out is
 * closed with the model; close only a tokenizer that you opened.
 */
public final class Tokenizer implements Closeable {
    /**
     * The special tokens of Phi 3 that keep the white space behind them. Its tokenizer.json says that all others
     * swallow it, as they do in llama.cpp; a GGUF file has no place for this.
     */
    private static final Set<String> PHI3_BARE = Set.of("<unk>", "<s>", "<|endoftext|>");

    private final Vocabulary vocabulary;
    private final PieceEncoder engine; // null if the checkpoint has no tokenizer
    private final AddedTokens added;
    private final boolean spaced; // whether the engine puts a space in front of each text

    private Tokenizer(Vocabulary vocabulary, PieceEncoder engine, AddedTokens added) {
        this.vocabulary = vocabulary;
        this.engine = engine;
        this.added = added;
        int[] letter = engine == null ? new int[0] : engine.encode("a", true);
        byte[] opening = letter.length == 0 ? new byte[0] : vocabulary.bytes(letter[0]);
        this.spaced = opening.length > 0 && opening[0] == ' ';
    }

    /**
     * Returns the tokenizer of a GGUF checkpoint, read from its metadata {@code tokenizer.*}. The file may be closed
     * afterwards.
     *
     * @throws IllegalArgumentException if it lacks a key, or is neither byte-level BPE ({@code gpt2}, with a rule for
     *     words that Rudder knows) nor scored BPE ({@code llama})
     */
    public static Tokenizer of(GgufFile file) {
        Vocabulary vocabulary = Vocabulary.of(file);
        var added = new LinkedHashMap<AddedToken, Integer>();
        boolean phi3 = file.string("general.architecture", "").equals("phi3")
                && vocabulary.spelling() == Vocabulary.Spelling.SPACE_MARK; // Phi 4 has the other spelling
        for (int id = 0; id < vocabulary.size(); id++) {
            String name = vocabulary.tokens().get(id);
            AddedToken token =
                    switch (vocabulary.kind(id)) {
                        case CONTROL, UNKNOWN -> AddedToken.of(name, true);
                        case USER_DEFINED -> AddedToken.ofPart(name);
                        default -> null;
                    };
            if (token != null) {
                added.put(phi3 && !PHI3_BARE.contains(name) ? token.swallowing() : token, id);
            }
        }
        PieceEncoder engine =
                switch (vocabulary.spelling()) {
                    case BYTE_LEVEL ->
                        new NativeEncoder(
                                TokenizerJson.ofMerges(
                                        vocabulary,
                                        file.strings("tokenizer.ggml.merges"),
                                        file.string("tokenizer.ggml.pre")),
                                "",
                                vocabulary.size());
                    case SPACE_MARK ->
                        new ScoredMerges(
                                vocabulary,
                                file.floats("tokenizer.ggml.scores"),
                                file.flag("tokenizer.ggml.add_space_prefix", true));
                };
        return open(vocabulary, engine, new AddedTokens(added, Normalizer.NONE, source(vocabulary.chatTemplate())));
    }

    private static Tokenizer open(Vocabulary vocabulary, PieceEncoder engine, AddedTokens added) {
        try {
            return new Tokenizer(vocabulary, engine, added);
        } catch (RuntimeException | Error e) {
            engine.close();
            throw e;
        }
    }

    private static String source(Optional<ChatTemplate> template) {
        return template.map(ChatTemplate::source).orElse("");
    }

    /**
     * Returns the tokenizer that a {@code tokenizer.json} describes, without settings beside it.
     *
     * @throws IOException as {@link #ofJson(Path, TokenizerSettings, int, Set, Optional)}
     * @throws IllegalArgumentException as {@link #ofJson(Path, TokenizerSettings, int, Set, Optional)}
     */
    public static Tokenizer ofJson(Path file, int size, Set<Integer> stops, Optional<ChatTemplate> chatTemplate)
            throws IOException {
        return ofJson(file, TokenizerSettings.NONE, size, stops, chatTemplate);
    }

    /**
     * Returns the tokenizer that a {@code tokenizer.json} and the settings beside it describe. {@link #encode} puts the
     * tokens around a text that transformers puts there.
     *
     * @param settings the settings beside the file
     * @param size rows of the model's embedding; the tokenizer has at least as many ids, some of them unused
     * @param stops ids that end a generation, in addition to the control tokens known to end one
     * @param chatTemplate the model's chat template (Jinja), if it has one
     * @throws IOException if the file cannot be read, is neither byte-pair encoding nor Unigram, has a part that Rudder
     *     does not know, or an ordinary token without a row in the embedding; the message names it
     * @throws IllegalArgumentException if the settings contradict the file, or BOS has no row in the embedding
     */
    public static Tokenizer ofJson(
            Path file, TokenizerSettings settings, int size, Set<Integer> stops, Optional<ChatTemplate> chatTemplate)
            throws IOException {
        var json = new TokenizerFile(file, settings);
        json.requireRows(size);
        if (settings.frames()) {
            settings.requireRows(json.frame(), size);
        }
        var tokens = json.tokens(size);
        var kinds = json.kinds(size);
        var vocabulary = new Vocabulary(
                json.spelling(),
                tokens,
                kinds,
                json.frame(),
                Vocabulary.stops(
                        tokens,
                        kinds,
                        stops.stream().mapToInt(Integer::intValue).toArray()),
                chatTemplate);
        AddedTokens added = json.addedTokens(source(chatTemplate));
        String sentinel = "\uffff" + UUID.randomUUID(); // random, so that no input holds it
        var engine = new NativeEncoder(json.json(added, sentinel), json.prependsFirst() ? sentinel : "", tokens.size());
        return open(vocabulary, engine, added);
    }

    /**
     * Returns a stand-in for a checkpoint without a tokenizer. Token 17 decodes to {@code <17>}; encoding a text throws
     * an IllegalStateException.
     *
     * @param size number of tokens
     * @param stops ids that end a generation
     */
    public static Tokenizer ofNumbers(int size, Set<Integer> stops) {
        return new Tokenizer(
                new Vocabulary(
                        Vocabulary.Spelling.BYTE_LEVEL,
                        IntStream.range(0, size).mapToObj(id -> "<" + id + ">").toList(),
                        Collections.nCopies(size, Kind.USER_DEFINED),
                        Frame.NONE,
                        stops,
                        Optional.empty()),
                null,
                new AddedTokens(Map.of(), Normalizer.NONE, ""));
    }

    /**
     * Returns the ids of a text, behind the BOS token if the model expects one. {@code encode("Hello world")} is
     * {@code [19556, 905]}. A tokenizer that writes EOS behind texts does so here, too.
     *
     * @throws IllegalStateException if the checkpoint has no tokenizer
     */
    public int[] encode(String text) {
        return framed(encodePlain(text));
    }

    /**
     * Returns the ids of a text without BOS; none for an empty text. {@code encodePlain(" world")} is {@code [905]}.
     *
     * @throws IllegalStateException if the checkpoint has no tokenizer
     */
    public int[] encodePlain(String text) {
        return ids(added.cut(Text.ofMessage(sound(text))));
    }

    /**
     * Returns the ids of a text in which the names of control tokens stand for these tokens, behind BOS if the model
     * expects one; a text that begins with BOS gets no second one. {@code encodeMarked("Hi<|im_end|>")} is
     * {@code [26843, 2]}. Use {@link #encodeChat} for text that you did not write yourself.
     *
     * @throws IllegalStateException if the checkpoint has no tokenizer
     */
    public int[] encodeMarked(String text) {
        return framed(ids(added.cut(Text.ofTemplate(sound(text)))));
    }

    /**
     * Returns a conversation as the model's chat template writes it, up to where the answer begins. It is for reading;
     * {@link #encodeChat(List)} returns the ids. {@code chat(List.of(Message.system("Be brief."), Message.user("Hi")))}
     * is
     *
     * <pre>{@code
     * <|im_start|>system
     * Be brief.<|im_end|>
     * <|im_start|>user
     * Hi<|im_end|>
     * <|im_start|>assistant
     * }</pre>
     *
     * @throws IllegalStateException if the model has no chat template
     * @throws IllegalArgumentException if the template cannot be read, or does not take these messages; the message
     *     says why
     */
    public String chat(List<Message> messages) {
        return render(messages, ChatTemplate.Ending.ANSWER, LocalDateTime.now()).toString();
    }

    /**
     * Returns the ids of {@link #chat}. The template decides whether BOS stands first. A message cannot forge a mark of
     * the template: {@code <|im_end|>} in its text is read as plain characters.
     * {@code encodeChat(List.of(Message.user("Hi")))} ends with {@code [1, 4093, 198, 26843, 2, 198, 1, 520, 9531,
     * 198]}, the user's turn and the beginning of the answer.
     *
     * @throws IllegalStateException if the model has no chat template
     * @throws IllegalArgumentException as {@link #chat}
     */
    public int[] encodeChat(List<Message> messages) {
        return encodeChat(messages, ChatTemplate.Ending.ANSWER);
    }

    /**
     * Returns the ids of a conversation that ends in a given way: before the answer, within it, or closed.
     *
     * @throws IllegalStateException if the model has no chat template
     * @throws IllegalArgumentException as {@link #chat}
     */
    public int[] encodeChat(List<Message> messages, ChatTemplate.Ending ending) {
        return encodeChat(messages, ending, LocalDateTime.now());
    }

    /** Returns the ids of a conversation at a given time, which some templates write down. */
    int[] encodeChat(List<Message> messages, ChatTemplate.Ending ending, LocalDateTime now) {
        return ids(added.cutChat(render(messages, ending, now)));
    }

    private Text render(List<Message> messages, ChatTemplate.Ending ending, LocalDateTime now) {
        return vocabulary
                .chatTemplate()
                .orElseThrow(
                        () -> new IllegalStateException("this model has no chat template: it is a base model, which"
                                + " continues a text. Give it plain text, put the template of its family into its"
                                + " folder as chat_template.jinja" + FolderAdvice.COPY
                                + ", or load an instruct model"))
                .render(messages, ending, now);
    }

    private int[] ids(List<AddedTokens.Part> parts) {
        if (engine == null) {
            throw new IllegalStateException("this checkpoint has no tokenizer.json, so it reads no text:"
                    + " put the model's tokenizer.json into its folder" + FolderAdvice.COPY
                    + ", or give tokens instead");
        }
        IntStream.Builder ids = IntStream.builder();
        for (AddedTokens.Part part : parts) {
            if (part.id() >= 0) {
                ids.add(part.id());
            } else {
                Arrays.stream(engine.encode(part.text(), part.first())).forEach(ids::add);
            }
        }
        return ids.build().toArray();
    }

    // A lone surrogate becomes '?': UTF-8 cannot hold it.
    private static String sound(String text) {
        return new String(text.getBytes(UTF_8), UTF_8);
    }

    private int[] framed(int[] ids) {
        var before = vocabulary.frame().before().stream().mapToInt(Integer::intValue);
        var behind = vocabulary.frame().behind().stream().mapToInt(Integer::intValue);
        boolean begun = ids.length > 0 && vocabulary.frame().before().equals(List.of(ids[0]));
        return IntStream.concat(begun ? IntStream.of(ids) : IntStream.concat(before, IntStream.of(ids)), behind)
                .toArray();
    }

    /**
     * Returns the text of token ids without control tokens. {@code decode(19556, 905, 2)} is {@code "Hello world"}.
     * Bytes that are not UTF-8 become U+FFFD. Some tokenizers put a space in front of a text; this space is left out,
     * so that decoding returns the encoded text. It stays where the tokenizer writes BOS and the ids do not begin with
     * it: they may continue a text. Use {@link #stream} for ids that do.
     *
     * @throws IllegalArgumentException if the vocabulary lacks one of the ids
     */
    public String decode(int... ids) {
        String text = text(ids);
        return spaced && beginsText(ids) && text.startsWith(" ") ? text.substring(1) : text;
    }

    private boolean beginsText(int[] ids) {
        List<Integer> before = vocabulary.frame().before();
        return ids.length > 0
                && (before.isEmpty() ? vocabulary.kind(ids[0]) == Kind.NORMAL : before.equals(List.of(ids[0])));
    }

    private String text(int... ids) {
        TextStream stream = stream();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(stream.accept(id));
        }
        return text.append(stream.finish()).toString();
    }

    /**
     * Returns the text of token ids, with the names of control tokens. {@code decodeMarked(19556, 905, 2)} is
     * {@code "Hello world<|im_end|>"}.
     *
     * @throws IllegalArgumentException if the vocabulary lacks one of the ids
     */
    public String decodeMarked(int... ids) {
        TextStream stream = stream();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(stream.accept(id));
            if (vocabulary.kind(id) == Kind.CONTROL) {
                text.append(stream.finish()).append(vocabulary.tokens().get(id));
            }
        }
        return text.append(stream.finish()).toString();
    }

    /** Returns a decoder for tokens that come one at a time, for instance while the model generates. */
    public TextStream stream() {
        return new TextStream(vocabulary);
    }

    /**
     * Returns the text of one token, for tables and charts; of a control token, its name. {@code token(905)} is
     * {@code " world"}, {@code token(2)} is {@code "<|im_end|>"}.
     *
     * @throws IllegalArgumentException if the vocabulary lacks the id
     */
    public String token(int id) {
        return switch (vocabulary.kind(id)) {
            case CONTROL, UNKNOWN, UNUSED, BYTE -> vocabulary.tokens().get(id);
            case NORMAL, USER_DEFINED -> text(id);
        };
    }

    /** Returns the ids that end a generation: end of text and end of turn, {@code [0, 2]} for instance. */
    public Set<Integer> stopTokens() {
        return vocabulary.stops();
    }

    /** Returns the number of token ids, which run from 0: {@code 49152} for instance. */
    public int size() {
        return vocabulary.size();
    }

    /** Frees the native tokenizer. */
    @Override
    public void close() {
        if (engine != null) {
            engine.close();
        }
    }

    /** Returns {@code Tokenizer[49152 tokens, no BOS, stops at <|endoftext|> <|im_end|>]} for instance. */
    @Override
    public String toString() {
        if (engine == null) {
            return "Tokenizer[" + size() + " tokens without text]";
        }
        String bos = vocabulary.frame().before().isEmpty()
                ? "no BOS"
                : vocabulary.frame().before().stream().map(this::token).collect(Collectors.joining(" ")) + " first";
        String stops = stopTokens().stream().sorted().map(this::token).collect(Collectors.joining(" "));
        return "Tokenizer[" + size() + " tokens, " + bos + ", stops at " + stops + "]";
    }
}
