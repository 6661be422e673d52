package rudder.checkpoint.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.tokenizer.Vocabulary.Kind;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

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
    private final Vocabulary vocabulary;
    private final HuggingFaceTokenizer engine; // null if the checkpoint has no tokenizer
    private final boolean spaced; // whether the engine puts a space in front of each text
    private final Map<String, Integer> controls; // name -> id
    private final Pattern marks; // matches any control token's name

    private Tokenizer(Vocabulary vocabulary, HuggingFaceTokenizer engine, boolean spaced) {
        this.vocabulary = vocabulary;
        this.engine = engine;
        this.spaced = spaced;
        this.controls = new HashMap<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.kind(id) == Kind.CONTROL) {
                controls.put(vocabulary.tokens().get(id), id);
            }
        }
        this.marks = Pattern.compile(
                controls.isEmpty()
                        ? "(?!)"
                        : controls.keySet().stream()
                                .sorted(Comparator.comparing(String::length).reversed())
                                .map(Pattern::quote)
                                .collect(Collectors.joining("|")));
    }

    private static HuggingFaceTokenizer engine(InputStream tokenizerJson, int size) {
        try (tokenizerJson) {
            return HuggingFaceTokenizer.newInstance(
                    tokenizerJson, Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) { // the engine throws no other type
            throw new IllegalArgumentException(
                    "the checkpoint's tokenizer is inconsistent: its " + size
                            + " tokens and its merges were refused with '" + e.getMessage()
                            + "'; fetch the file again, or use another conversion of the model",
                    e);
        }
    }

    /**
     * Returns the tokenizer of a GGUF checkpoint, read from its metadata {@code tokenizer.*}. The file may be closed
     * afterwards.
     *
     * @throws IllegalArgumentException if it lacks a key, or is neither byte-level BPE ({@code gpt2}, with the word
     *     rule of SmolLM or Qwen 2) nor scored BPE ({@code llama}, without a space put before the text)
     */
    public static Tokenizer of(GgufFile file) {
        Vocabulary vocabulary = Vocabulary.of(file);
        return new Tokenizer(
                vocabulary,
                engine(
                        switch (vocabulary.spelling()) {
                            case BYTE_LEVEL ->
                                TokenizerJson.ofMerges(
                                        vocabulary,
                                        file.strings("tokenizer.ggml.merges"),
                                        file.string("tokenizer.ggml.pre"));
                            case SPACE_MARK -> TokenizerJson.ofScores(vocabulary, file.floats("tokenizer.ggml.scores"));
                        },
                        vocabulary.size()),
                false);
    }

    /**
     * Returns the tokenizer that a {@code tokenizer.json} describes. {@link #encode} puts the token first that the
     * file's post-processor puts there, if any.
     *
     * @param size rows of the model's embedding; the tokenizer has at least as many ids, some of them unused
     * @param stops ids that end a generation, in addition to the control tokens known to end one
     * @param chatTemplate the model's chat template (Jinja), if it has one
     * @throws IOException if the file cannot be read, or is not byte-pair encoding
     * @throws IllegalArgumentException if the post-processor adds anything else than one token in front
     */
    public static Tokenizer ofJson(Path file, int size, Set<Integer> stops, Optional<ChatTemplate> chatTemplate)
            throws IOException {
        var json = new TokenizerFile(file);
        var tokens = json.tokens(size);
        var kinds = json.kinds(size);
        HuggingFaceTokenizer engine = engine(json.json(), tokens.size());
        try {
            int[] bare = ids(engine, "a", false);
            int[] framed = ids(engine, "a", true);
            int before = framed.length - bare.length;
            if (before > 1 || !Arrays.equals(bare, Arrays.copyOfRange(framed, before, framed.length))) {
                throw new IllegalArgumentException(
                        file + ": its post-processor turns the tokens " + Arrays.toString(bare) + " into "
                                + Arrays.toString(framed) + ", wanted at most one token, in front; "
                                + "use another checkpoint of the model");
            }
            var vocabulary = new Vocabulary(
                    json.spelling(),
                    tokens,
                    kinds,
                    before == 0 ? -1 : framed[0],
                    before == 1,
                    Vocabulary.stops(
                            tokens,
                            kinds,
                            stops.stream().mapToInt(Integer::intValue).toArray()),
                    chatTemplate);
            byte[] opening = bare.length == 0 ? new byte[0] : vocabulary.bytes(bare[0]);
            return new Tokenizer(vocabulary, engine, opening.length > 0 && opening[0] == ' ');
        } catch (RuntimeException | Error e) {
            engine.close();
            throw e;
        }
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
                        -1,
                        false,
                        stops,
                        Optional.empty()),
                null,
                false);
    }

    /**
     * Returns the ids of a text, behind the BOS token if the model expects one. {@code encode("Hello world")} is
     * {@code [19556, 905]}.
     *
     * @throws IllegalStateException if the checkpoint has no tokenizer
     */
    public int[] encode(String text) {
        return begun(plain(text));
    }

    /**
     * Returns the ids of a text without BOS; none for an empty text. {@code encodePlain(" world")} is {@code [905]}.
     *
     * @throws IllegalStateException if the checkpoint has no tokenizer
     */
    public int[] encodePlain(String text) {
        return plain(text).toArray();
    }

    /**
     * Returns the ids of a text in which the names of control tokens stand for these tokens, behind BOS if the model
     * expects one. {@code encodeMarked("Hi<|im_end|>")} is {@code [26843, 2]}. Use {@link #encodeChat} for text that
     * you did not write yourself.
     *
     * @throws IllegalStateException if the checkpoint has no tokenizer
     */
    public int[] encodeMarked(String text) {
        IntStream.Builder ids = IntStream.builder();
        int end = 0;
        for (Matcher mark = marks.matcher(text); mark.find(); end = mark.end()) {
            plain(text.substring(end, mark.start())).forEach(ids::add);
            ids.add(controls.get(mark.group()));
        }
        plain(text.substring(end)).forEach(ids::add);
        return begun(ids.build());
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
        Text text = render(messages, ending, now);
        String rendered = text.toString();
        IntStream.Builder ids = IntStream.builder();
        int end = 0;
        Matcher mark = marks.matcher(rendered);
        for (int from = 0; mark.find(from); ) {
            if (text.hasMessage(mark.start(), mark.end())) {
                from = mark.start() + 1; // a message spells this mark out
                continue;
            }
            plain(rendered.substring(end, mark.start())).forEach(ids::add);
            ids.add(controls.get(mark.group()));
            end = mark.end();
            from = end;
        }
        plain(rendered.substring(end)).forEach(ids::add);
        return ids.build().toArray();
    }

    private Text render(List<Message> messages, ChatTemplate.Ending ending, LocalDateTime now) {
        return vocabulary
                .chatTemplate()
                .orElseThrow(
                        () -> new IllegalStateException("this model has no chat template: it is a base model, which"
                                + " continues a text. Give it plain text, put the template of its family beside it as"
                                + " chat_template.jinja, or load an instruct model"))
                .render(messages, ending, now);
    }

    private IntStream plain(String text) {
        if (engine == null) {
            throw new IllegalStateException("this checkpoint has no tokenizer.json, so it reads no text:"
                    + " put the model's tokenizer.json into its folder, or give tokens instead");
        }
        return Arrays.stream(ids(engine, text, false));
    }

    private static int[] ids(HuggingFaceTokenizer engine, String text, boolean framed) {
        String sound = new String(text.getBytes(UTF_8), UTF_8); // a lone surrogate becomes '?': UTF-8 cannot hold it
        return Arrays.stream(engine.encode(sound, framed, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    private int[] begun(IntStream ids) {
        return (vocabulary.prependsBos() ? IntStream.concat(IntStream.of(vocabulary.bos()), ids) : ids).toArray();
    }

    /**
     * Returns the text of token ids without control tokens. {@code decode(19556, 905, 2)} is {@code "Hello world"}.
     * Bytes that are not UTF-8 become U+FFFD. Some tokenizers put a space in front of a text; behind BOS this space is
     * left out, so that decoding returns the encoded text.
     *
     * @throws IllegalArgumentException if the vocabulary lacks one of the ids
     */
    public String decode(int... ids) {
        TextStream stream = stream();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(stream.accept(id));
        }
        text.append(stream.finish());
        return spaced && ids.length > 0 && ids[0] == vocabulary.bos() && text.indexOf(" ") == 0
                ? text.substring(1)
                : text.toString();
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
            case NORMAL, USER_DEFINED -> decode(id);
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
        String bos = vocabulary.prependsBos() ? token(vocabulary.bos()) + " first" : "no BOS";
        String stops = stopTokens().stream().sorted().map(this::token).collect(Collectors.joining(" "));
        return "Tokenizer[" + size() + " tokens, " + bos + ", stops at " + stops + "]";
    }
}
