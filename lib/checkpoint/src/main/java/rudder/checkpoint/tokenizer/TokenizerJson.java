package rudder.checkpoint.tokenizer;

import com.google.gson.JsonPrimitive;
import com.google.gson.stream.JsonWriter;
import java.io.BufferedWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import rudder.checkpoint.tokenizer.Vocabulary.Kind;

/**
 * Writes a {@code tokenizer.json} from the metadata of a GGUF file: vocabulary and merges are in the file; normalizer
 * and pre-tokenizer are only named there. The JSON is streamed, because a tree of Gemma's 262,144 tokens takes over a
 * gigabyte.
 *
 * <p>No token is declared as an "added token": Rudder cuts those out of a text itself, so that no message can spell a
 * control token.
 */
final class TokenizerJson {
    private static final String SPLIT = """
            {"type": "Split", "pattern": {"Regex": %s}, "behavior": "Isolated", "invert": false}""";

    private static final String WORDS = """
            {"type": "Sequence", "pretokenizers": [%s,
                {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]}""";

    private TokenizerJson() {}

    /**
     * Writes byte-pair encoding of bytes (GGUF's tokenizer model {@code gpt2}). Qwen 2 composes accents first (NFC),
     * like its own tokenizer and unlike llama.cpp.
     *
     * @param merges pairs of tokens, "left right", in the order of merging
     * @param words the rule that cuts a text into words: GGUF's {@code tokenizer.ggml.pre}
     */
    static InputStream ofMerges(Vocabulary vocabulary, List<String> merges, String words) {
        WordRules rule = WordRules.of(words);
        String splits = rule.expressions().stream()
                .map(expression -> String.format(Locale.ROOT, SPLIT, new JsonPrimitive(expression)))
                .collect(Collectors.joining(","));
        return stream(
                vocabulary,
                words.equals("qwen2") ? "{\"type\": \"NFC\"}" : null,
                String.format(Locale.ROOT, WORDS, splits),
                rule.wholeWords(),
                merges);
    }

    private static InputStream stream(
            Vocabulary vocabulary, String normalizer, String words, boolean wholeWords, List<String> merges) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(32 * vocabulary.size());
        try (JsonWriter json =
                new JsonWriter(new BufferedWriter(new OutputStreamWriter(bytes, StandardCharsets.UTF_8)))) {
            json.setHtmlSafe(false);
            json.beginObject().name("version").value("1.0");
            json.name("added_tokens").beginArray();
            json.endArray();
            json.name("normalizer");
            if (normalizer == null) {
                json.nullValue();
            } else {
                json.jsonValue(normalizer);
            }
            json.name("pre_tokenizer");
            json.jsonValue(words);
            json.name("model").beginObject().name("type").value("BPE");
            json.name("ignore_merges").value(wholeWords);
            json.name("vocab").beginObject();
            for (int id = 0; id < vocabulary.size(); id++) {
                // an engine that takes whole words must not find a control token
                boolean hidden = wholeWords && vocabulary.kind(id) == Kind.CONTROL;
                json.name(hidden ? "\uffff control " + id : vocabulary.tokens().get(id))
                        .value(id);
            }
            json.endObject().name("merges").beginArray();
            for (String pair : merges) {
                json.value(pair);
            }
            json.endArray().endObject().endObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e); // cannot happen in memory
        }
        return new ByteArrayInputStream(bytes.toByteArray());
    }
}
