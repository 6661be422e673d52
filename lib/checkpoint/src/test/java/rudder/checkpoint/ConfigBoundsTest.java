package rudder.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.format.GgufBytes;

/** Sizes and numbers that no model has are refused before memory is taken for them. */
class ConfigBoundsTest {
    @TempDir
    private Path folder;

    private Path config(String field, String json) throws IOException, URISyntaxException {
        var tiny = Path.of(ConfigBoundsTest.class.getResource("/tiny/llama-3").toURI());
        var text = Files.readString(tiny.resolve("config.json"));
        Files.writeString(
                folder.resolve("config.json"), text.replaceFirst("(\"" + field + "\"): *[^,\\n]*", "$1: " + json));
        return folder;
    }

    @Test
    void sizesOfAConfigAreBounded() throws IOException, URISyntaxException {
        for (var size : Map.of(
                        "num_hidden_layers", "2147483647",
                        "vocab_size", "200000000",
                        "hidden_size", "2147483647",
                        "intermediate_size", "2000000000",
                        "num_attention_heads", "2000000000")
                .entrySet()) {
            var config = config(size.getKey(), size.getValue());
            assertRefused(
                    () -> Checkpoint.config(config),
                    "/config.json",
                    size.getValue().substring(0, 3),
                    "wanted 1 to ");
        }
    }

    /** Returns the metadata of a small llama model, one value changed. */
    private Path gguf(String key, long value) throws IOException {
        var all = new java.util.TreeMap<>(Map.of(
                "block_count", 2L,
                "embedding_length", 8L,
                "attention.head_count", 2L,
                "feed_forward_length", 8L,
                "context_length", 8L));
        all.put(key, value);
        var bytes = new GgufBytes()
                .string("general.architecture", "llama")
                .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                .strings("tokenizer.ggml.tokens", "a", "b");
        all.forEach((name, n) -> bytes.uint32("llama." + name, n));
        return bytes.write(folder.resolve("model.gguf"));
    }

    @Test
    void sizesOfAGgufAreBounded() throws IOException {
        assertEquals(2, Checkpoint.config(gguf("block_count", 2)).horizon());
        for (var key : List.of(
                "block_count", "embedding_length", "attention.head_count", "feed_forward_length", "context_length")) {
            for (long value : new long[] {0, (1L << 32) - 1}) {
                var file = gguf(key, value);
                assertRefused(() -> Checkpoint.config(file), "model.gguf", "llama." + key, value + ", wanted 1 to ");
            }
        }
        var file = gguf("block_count", Integer.MAX_VALUE);
        assertRefused(() -> Checkpoint.config(file), "model.gguf", "number of blocks is 2147483647", "4096");
    }

    @Test
    void aRotaryBaseIsAPositiveNumber() throws IOException {
        for (float base : new float[] {0, -1e4f, Float.NaN, Float.POSITIVE_INFINITY}) {
            var file = new GgufBytes()
                    .string("general.architecture", "llama")
                    .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                    .strings("tokenizer.ggml.tokens", "a", "b")
                    .uint32("llama.block_count", 2)
                    .uint32("llama.embedding_length", 8)
                    .uint32("llama.attention.head_count", 2)
                    .uint32("llama.feed_forward_length", 8)
                    .uint32("llama.context_length", 8)
                    .float32("llama.rope.freq_base", base)
                    .write(folder.resolve("base.gguf"));
            assertRefused(() -> Checkpoint.config(file), "base.gguf", "llama.rope.freq_base", "positive");
        }
        assertRefused(() -> new AttentionSpan(1e4, RotaryScaling.NONE, -1), "window of -1");
    }

    @Test
    void aStopTokenBeyondTheVocabularyIsRefused() throws IOException, URISyntaxException {
        var tiny = Path.of(ConfigBoundsTest.class.getResource("/tiny/llama-3").toURI());
        try (var files = Files.list(tiny)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Checkpoint.open(folder).close();
        int size = Checkpoint.config(folder).vocabulary();
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [0, " + size + "]}");
        assertRefused(() -> Checkpoint.open(folder), "eos_token_id", "" + size, "0 to " + (size - 1));
    }

    @Test
    void aTokenOfATextsLengthCostsNoMoreThanItsLength() throws IOException {
        var file = new GgufBytes()
                .string("general.architecture", "llama")
                .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                .uint32("llama.block_count", 2)
                .uint32("llama.embedding_length", 8)
                .uint32("llama.attention.head_count", 2)
                .uint32("llama.feed_forward_length", 8)
                .uint32("llama.context_length", 8)
                .string("tokenizer.ggml.model", "llama")
                .strings("tokenizer.ggml.tokens", "<unk>", "a", "a".repeat(400_000))
                .floats("tokenizer.ggml.scores", 0, -1, -2)
                .int32s("tokenizer.ggml.token_type", 2, 1, 1)
                .value("tokenizer.ggml.add_space_prefix", 7, new byte[] {0})
                .uint32("tokenizer.ggml.eos_token_id", 1)
                .write(folder.resolve("long.gguf"));
        try (var open = Checkpoint.open(file)) { // its splits, tried one by one, took hours
            assertArrayEquals(new int[] {1, 1, 1}, open.tokenizer().encodePlain("aaa"));
        }
    }

    @Test
    void aGgufAnnouncesNoMoreTensorsOrKeysThanAnyModelHas() throws IOException {
        for (int place : new int[] {8, 16}) {
            var header = ByteBuffer.allocate(3_000_000).order(ByteOrder.LITTLE_ENDIAN);
            header.put("GGUF".getBytes(StandardCharsets.US_ASCII)).putInt(3).putLong(place, 100_001);
            var file = Files.write(folder.resolve("many.gguf"), header.array());
            assertRefused(() -> Checkpoint.open(file), "many.gguf", "100001", "at most 100000");
        }
    }
}
