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
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import rudder.checkpoint.tokenizer.Vocabulary.Kind;

/**
 * Writes a {@code tokenizer.json} from the metadata of a GGUF file: vocabulary and merges are in the file; normalizer
 * and pre-tokenizer are only named there. The JSON is streamed, because a tree of Gemma's 262,144 tokens takes over a
 * gigabyte.
 *
 * <p>The engine cuts "added tokens" out of a text before all else. Only user-defined tokens are declared so. Control
 * tokens are not, so that no text can spell one.
 */
final class TokenizerJson {
    private static final String DIGITS_APART = """
        {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true}]}\
        """;

    private static final String WORDS_BY_REGEX = """
        {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": %s}, "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]}\
        """;

    // in order: contractions; letters behind at most one mark; single digits; punctuation; line ends; spaces
    private static final String QWEN2_WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private static final String MARKED_SPACES = """
        {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}\
        """;

    /** Characters of an ordinary token; those of public models have at most a hundred. */
    private static final int LONGEST = 512;

    private TokenizerJson() {}

    private interface Body {
        void write(JsonWriter json) throws IOException;
    }

    /**
     * Writes byte-pair encoding of bytes (GGUF's tokenizer model {@code gpt2}). Qwen 2 composes accents first (NFC),
     * like its own tokenizer and unlike llama.cpp.
     *
     * @param merges pairs of tokens, "left right", in the order of merging
     * @param words the rule that cuts a text into words: GGUF's {@code tokenizer.ggml.pre}, {@code smollm} or
     *     {@code qwen2}
     */
    static InputStream ofMerges(Vocabulary vocabulary, List<String> merges, String words) {
        Body pairs = json -> {
            for (String pair : merges) {
                json.value(pair);
            }
        };
        return switch (words) {
            case "smollm" -> stream(vocabulary, null, DIGITS_APART, pairs);
            case "qwen2" ->
                stream(
                        vocabulary,
                        "{\"type\": \"NFC\"}",
                        WORDS_BY_REGEX.formatted(new JsonPrimitive(QWEN2_WORDS)),
                        pairs);
            default ->
                throw new IllegalArgumentException("tokenizer.ggml.pre: found '" + words
                        + "', wanted smollm or qwen2: Rudder knows no other rule that cuts a text into words;"
                        + " load another model");
        };
    }

    /**
     * Writes byte-pair encoding of characters (GGUF's tokenizer model {@code llama}). A character that the vocabulary
     * lacks is encoded as bytes. Each token has a score instead of merges: the neighbours whose union scores highest
     * are joined first.
     */
    static InputStream ofScores(Vocabulary vocabulary, float[] scores) {
        if (scores.length != vocabulary.size()) {
            throw new IllegalArgumentException("tokenizer.ggml.scores: found " + scores.length
                    + ", wanted one for each of the " + vocabulary.size() + " tokens; fetch the file again");
        }
        return stream(vocabulary, MARKED_SPACES, null, json -> splits(json, vocabulary, scores));
    }

    /** Writes merges: every split of an ordinary token into two ordinary tokens, the best-scored token first. */
    private static void splits(JsonWriter json, Vocabulary vocabulary, float[] scores) throws IOException {
        int[] ids = IntStream.range(0, vocabulary.size())
                .filter(id -> vocabulary.kind(id) == Kind.NORMAL)
                .toArray();
        Set<String> ordinary = new HashSet<>(2 * ids.length);
        long[] ranked = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            ordinary.add(vocabulary.tokens().get(ids[i]));
            ranked[i] = Ranked.key(scores[ids[i]], ids[i]);
        }
        Arrays.sort(ranked);
        for (long best : ranked) {
            String token = vocabulary.tokens().get(Ranked.id(best));
            requireShort(Ranked.id(best), token);
            for (int i = 1; i < token.length(); i++) { // no token ends within a surrogate pair
                String left = token.substring(0, i);
                String right = token.substring(i);
                if (ordinary.contains(left) && ordinary.contains(right)) {
                    json.value(left + " " + right);
                }
            }
        }
    }

    /** Splitting a token takes time that grows with the square of its length. */
    private static void requireShort(int id, String token) {
        if (token.length() > LONGEST) {
            throw new IllegalArgumentException("tokenizer.ggml.tokens: token " + id + " has " + token.length()
                    + " characters, wanted at most " + LONGEST + "; the file is damaged, fetch it again");
        }
    }

    private static InputStream stream(Vocabulary vocabulary, String normalizer, String words, Body merges) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(32 * vocabulary.size());
        try (JsonWriter json =
                new JsonWriter(new BufferedWriter(new OutputStreamWriter(bytes, StandardCharsets.UTF_8)))) {
            json.setHtmlSafe(false);
            json.beginObject().name("version").value("1.0");
            json.name("added_tokens").beginArray();
            for (int id = 0; id < vocabulary.size(); id++) {
                if (vocabulary.kind(id) == Kind.USER_DEFINED) {
                    json.beginObject()
                            .name("id")
                            .value(id)
                            .name("content")
                            .value(vocabulary.tokens().get(id));
                    for (String option : List.of("single_word", "lstrip", "rstrip", "normalized", "special")) {
                        json.name(option).value(false);
                    }
                    json.endObject();
                }
            }
            json.endArray();
            json.name("normalizer");
            raw(json, normalizer);
            json.name("pre_tokenizer");
            raw(json, words);
            json.name("model").beginObject().name("type").value("BPE");
            int unknown = vocabulary.kinds().indexOf(Kind.UNKNOWN);
            json.name("unk_token")
                    .value(unknown < 0 ? null : vocabulary.tokens().get(unknown));
            json.name("fuse_unk")
                    .value(true)
                    .name("byte_fallback")
                    .value(vocabulary.kinds().contains(Kind.BYTE));
            json.name("vocab").beginObject();
            for (int id = 0; id < vocabulary.size(); id++) {
                json.name(vocabulary.tokens().get(id)).value(id);
            }
            json.endObject().name("merges").beginArray();
            merges.write(json);
            json.endArray().endObject().endObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // cannot happen in memory
        }
        return new ByteArrayInputStream(bytes.toByteArray());
    }

    private static void raw(JsonWriter json, String value) throws IOException {
        if (value == null) {
            json.nullValue();
        } else {
            json.jsonValue(value);
        }
    }
}
