package rudder.checkpoint.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
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

/**
 * Text to token ids and back, as the model was trained to read it.
 *
 * <p>Ids agree with llama.cpp's. A text is only text: one that spells a control token, such as {@code <|im_end|>}, is
 * read as its characters; conversations, and {@link #encodeMarked}, are where control tokens come from. Thread-safe
 * until closed.
 */
public final class Tokenizer implements Closeable {
    private final Vocabulary vocabulary;
    private final HuggingFaceTokenizer engine; // null where there are tokens only
    private final boolean spaced; // whether a space is put in front of each text
    private final Map<String, Integer> controls; // name -> id
    private final Pattern marks; // any control token's name

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
        } catch (RuntimeException e) { // all the engine throws
            throw new IllegalArgumentException(
                    "the checkpoint's tokenizer is inconsistent: its " + size
                            + " tokens and its merges were refused with '" + e.getMessage()
                            + "'; fetch the file again, or another "
                            + "conversion of the model",
                    e);
        }
    }

    /**
     * The tokenizer of a GGUF checkpoint, from its metadata {@code tokenizer.*}.
     *
     * @throws IllegalArgumentException if it is of another kind than byte-level BPE ({@code gpt2}, with the words of
     *     SmolLM or Qwen 2) or scored BPE ({@code llama}, without a space put before the text), or lacks a key
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
     * The tokenizer of a {@code tokenizer.json}: its own steps, and in front of a text the one token that its
     * post-processor puts there, if any.
     *
     * @param size rows of the model's embedding: ids beyond the file's tokens mean nothing
     * @param stops ids that end a generation, beside the control tokens whose names say so
     * @param chatTemplate the model's chat template (Jinja), if it has one
     * @throws IOException if the file cannot be read, or is of another kind than byte-pair encoding
     * @throws IllegalArgumentException if it puts more around a text than one token in front
     */
    public static Tokenizer ofJson(Path file, int size, Set<Integer> stops, Optional<String> chatTemplate)
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
                                + Arrays.toString(framed) + ", wanted at most one token, in front");
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
     * What stands in for the tokenizer of a checkpoint that has none: token 17 reads {@code <17>}, and no text can be
     * encoded.
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

    /** The ids a model is given for a text: those of {@link #encodePlain}, behind BOS where the model expects one. */
    public int[] encode(String text) {
        return begun(plain(text));
    }

    /** The ids of a text and nothing else. An empty text has none. */
    public int[] encodePlain(String text) {
        return plain(text).toArray();
    }

    /**
     * The ids of a text in which the names of control tokens stand for these tokens, behind BOS where the model expects
     * one: for prompts with their marks written out. What a stranger wrote belongs into {@link #encodeChat} instead.
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
     * Returns a conversation in the marks of the model's chat template, up to where the answer begins. Without a system
     * message the template's own is used, if it has one. For reading; {@link #encodeChat} gives the ids.
     *
     * @throws IllegalStateException if the model has no chat template
     * @throws IllegalArgumentException if its template is none of ChatML, Llama 3's and Gemma's, or user and assistant
     *     do not take turns
     */
    public String chat(List<Message> messages) {
        return template().render(messages).stream().map(ChatTemplate.Part::text).collect(Collectors.joining());
    }

    /**
     * Returns the ids of {@link #chat}, behind BOS where the model expects one. A message itself cannot forge a mark.
     */
    public int[] encodeChat(List<Message> messages) {
        return begun(template().render(messages).stream()
                .flatMapToInt(part -> part.control() ? IntStream.of(control(part.text())) : plain(part.text())));
    }

    private int control(String name) {
        Integer id = controls.get(name);
        if (id == null) {
            throw new IllegalStateException("the model's chat template writes " + name + ", which is none of its "
                    + controls.size() + " control tokens: its checkpoint is inconsistent");
        }
        return id;
    }

    private ChatTemplate template() {
        return ChatTemplate.of(vocabulary
                .chatTemplate()
                .orElseThrow(() -> new IllegalStateException(
                        "this model has no chat template: it is a base model, made to continue a text. Give it plain text, or load "
                                + "an instruct model")));
    }

    private IntStream plain(String text) {
        if (engine == null) {
            throw new IllegalStateException(
                    "this checkpoint has no tokenizer.json, so it reads no text: put the model's tokenizer.json into its "
                            + "folder, or give tokens instead");
        }
        return Arrays.stream(ids(engine, text, false));
    }

    private static int[] ids(HuggingFaceTokenizer engine, String text, boolean framed) {
        String sound =
                new String(text.getBytes(UTF_8), UTF_8); // a lone surrogate, which no UTF-8 can hold, becomes '?'
        return Arrays.stream(engine.encode(sound, framed, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    private int[] begun(IntStream ids) {
        return (vocabulary.prependsBos() ? IntStream.concat(IntStream.of(vocabulary.bos()), ids) : ids).toArray();
    }

    /**
     * The text of token ids, without control tokens. Bytes that are no UTF-8 become U+FFFD. Behind BOS, the space that
     * some tokenizers put in front of a text is left out, so that this is the text that was encoded.
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

    /** The text of token ids with the names of control tokens in their places. */
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

    /** A decoder for tokens that come one at a time. */
    public TextStream stream() {
        return new TextStream(vocabulary);
    }

    /** How a token reads, for tables and charts: its text, a control token's name. */
    public String token(int id) {
        return switch (vocabulary.kind(id)) {
            case CONTROL, UNKNOWN, UNUSED, BYTE -> vocabulary.tokens().get(id);
            case NORMAL, USER_DEFINED -> decode(id);
        };
    }

    /** The ids that end a generation: end of text, end of turn. */
    public Set<Integer> stopTokens() {
        return vocabulary.stops();
    }

    /** The number of token ids, which run from 0. */
    public int size() {
        return vocabulary.size();
    }

    @Override
    public void close() {
        if (engine != null) {
            engine.close();
        }
    }

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
