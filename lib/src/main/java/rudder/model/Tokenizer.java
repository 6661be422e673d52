package rudder.model;

import static java.nio.charset.StandardCharsets.UTF_8;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import rudder.model.Vocabulary.Kind;

/**
 * Text to token ids and back, as the model was trained to read it.
 *
 * <p>Ids agree with llama.cpp's. A text is only text: one that spells a control token, such as {@code <|im_end|>}, is
 * read as its characters; conversations, and {@link #encodeMarked}, are where control tokens come from. Thread-safe
 * until closed.
 */
public final class Tokenizer implements Closeable {
    private final Vocabulary vocabulary;
    private final HuggingFaceTokenizer engine;
    private final Map<String, Integer> controls;   // name -> id
    private final Pattern marks;                   // any control token's name

    private Tokenizer(Vocabulary vocabulary, InputStream tokenizerJson) {
        this.vocabulary = vocabulary;
        this.controls = new HashMap<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.kind(id) == Kind.CONTROL) {
                controls.put(vocabulary.tokens().get(id), id);
            }
        }
        this.marks = Pattern.compile(controls.isEmpty() ? "(?!)" : controls.keySet().stream()
                .sorted(Comparator.comparing(String::length).reversed()).map(Pattern::quote).collect(Collectors.joining("|")));
        try (tokenizerJson) {
            this.engine = HuggingFaceTokenizer.newInstance(tokenizerJson,
                    Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {   // all the engine throws
            throw new IllegalArgumentException("the checkpoint's tokenizer is inconsistent: its " + vocabulary.size()
                    + " tokens and its merges were refused with '" + e.getMessage() + "'; fetch the file again, or another "
                    + "conversion of the model", e);
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
        return new Tokenizer(vocabulary, switch (vocabulary.spelling()) {
            case BYTE_LEVEL -> TokenizerJson.ofMerges(vocabulary, file.strings("tokenizer.ggml.merges"),
                    file.string("tokenizer.ggml.pre"));
            case SPACE_MARK -> TokenizerJson.ofScores(vocabulary, file.floats("tokenizer.ggml.scores"));
        });
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
     * A user's message in the marks of the model's chat template, up to where the answer begins, with the template's
     * own system message if it has one. For reading; {@link #encodeChat} gives the ids.
     *
     * @throws IllegalStateException    if the model has no chat template
     * @throws IllegalArgumentException if its template is neither ChatML nor Gemma's
     */
    public String chat(String userMessage) {
        return template().render(Optional.empty(), userMessage).stream().map(ChatTemplate.Part::text)
                .collect(Collectors.joining());
    }

    /** The ids of {@link #chat}, behind BOS where the model expects one; the message itself cannot forge a mark. */
    public int[] encodeChat(String userMessage) {
        return encodeChat(Optional.empty(), userMessage);
    }

    /** As {@link #encodeChat(String)} with a system message in place of the template's own. */
    public int[] encodeChat(String systemMessage, String userMessage) {
        return encodeChat(Optional.of(systemMessage), userMessage);
    }

    private int[] encodeChat(Optional<String> system, String user) {
        return begun(template().render(system, user).stream().flatMapToInt(
                part -> part.control() ? IntStream.of(control(part.text())) : plain(part.text())));
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
        return ChatTemplate.of(vocabulary.chatTemplate().orElseThrow(() -> new IllegalStateException(
                "this model has no chat template: it is a base model, made to continue a text. Give it plain text, or load "
                        + "an instruct model")));
    }

    private IntStream plain(String text) {
        String sound = new String(text.getBytes(UTF_8), UTF_8);   // a lone surrogate, which no UTF-8 can hold, becomes '?'
        return Arrays.stream(engine.encode(sound, false, false).getIds()).mapToInt(Math::toIntExact);
    }

    private int[] begun(IntStream ids) {
        return (vocabulary.prependsBos() ? IntStream.concat(IntStream.of(vocabulary.bos()), ids) : ids).toArray();
    }

    /**
     * The text of token ids, without control tokens. Bytes that are no UTF-8 become U+FFFD.
     *
     * @throws IllegalArgumentException if the vocabulary lacks one of the ids
     */
    public String decode(int... ids) {
        TextStream stream = stream();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(stream.accept(id));
        }
        return text.append(stream.finish()).toString();
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
        engine.close();
    }

    @Override
    public String toString() {
        String bos = vocabulary.prependsBos() ? token(vocabulary.bos()) + " first" : "no BOS";
        String stops = stopTokens().stream().sorted().map(this::token).collect(Collectors.joining(" "));
        return "Tokenizer[" + size() + " tokens, " + bos + ", stops at " + stops + "]";
    }
}
