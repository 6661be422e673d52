package rudder.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import rudder.checkpoint.format.GgufBytes;

/** Reads the metadata of GGUF files as the converter of llama.cpp writes them; the files have no weights. */
class GgufConfigTest {

    @TempDir
    private Path temp;

    private static GgufBytes file(String a, int blocks, int dimension, int heads, int width) {
        return new GgufBytes()
                .string("general.architecture", a)
                .uint32(a + ".block_count", blocks)
                .uint32(a + ".embedding_length", dimension)
                .uint32(a + ".attention.head_count", heads)
                .uint32(a + ".attention.key_length", width)
                .uint32(a + ".attention.value_length", width)
                .uint32(a + ".feed_forward_length", 4 * dimension)
                .uint32(a + ".context_length", 8192)
                .float32(a + ".attention.layer_norm_rms_epsilon", 1e-6f)
                .strings("tokenizer.ggml.tokens", "a", "b");
    }

    private ModelConfig config(GgufBytes file) throws IOException {
        return Checkpoint.config(file.write(temp.resolve("model.gguf")));
    }

    /** The scale is query_pre_attn_scalar^-0.5 of the published configurations. */
    @ParameterizedTest
    @CsvSource({
        "gemma2, 26, 2304, 8, 256, 256",
        "gemma2, 42, 3584, 16, 256, 256",
        "gemma2, 46, 4608, 32, 128, 144",
        "gemma3, 34, 2560, 8, 256, 256",
        "gemma3, 62, 5376, 32, 128, 168"
    })
    void theScaleOfQueriesIsThatOfTheModel(String a, int blocks, int dimension, int heads, int width, int scalar)
            throws IOException {
        var config = config(file(a, blocks, dimension, heads, width).uint32(a + ".attention.sliding_window", 1024));
        assertEquals(1 / Math.sqrt(scalar), config.attentionScale(), 1e-15);
        assertTrue(config.postNorms() && config.tiedHead());
        assertEquals(
                a.equals("gemma2") ? List.of(50., 30.) : List.of(0., 0.),
                List.of(config.attentionCap(), config.logitCap()));
        int period = a.equals("gemma2") ? 2 : 6;
        for (int k = 0; k < blocks; k++) {
            assertEquals((k + 1) % period == 0 ? 0 : 1024, config.spans().get(k).window(), "block " + k);
        }
    }

    @Test
    void aWindowCountsInEveryBlockOfMistralAndPhi() throws IOException {
        for (String a : List.of("llama", "phi3")) {
            var config = config(file(a, 3, 64, 4, 16).uint32(a + ".attention.sliding_window", 4096));
            assertEquals(
                    Collections.nCopies(3, 4096),
                    config.spans().stream().map(AttentionSpan::window).toList());
        }
    }

    @Test
    void theDivisorsOfLlamaScaleItsPairsAlone() throws IOException {
        var config =
                config(file("llama", 1, 64, 4, 16).tensor("rope_freqs.weight", new long[] {8}, 1, 1, 1, 1, 2, 4, 8, 8));
        var span = config.spans().get(0);
        assertEquals(1, span.angle(1, 0, 16));
        assertEquals(Math.pow(1e4, -10 / 16.) / 4, span.angle(1, 5, 16), 1e-18);
        for (GgufBytes other : List.of(
                file("qwen2", 1, 64, 4, 16).tensor("rope_freqs.weight", new long[] {8}, new float[8]),
                file("llama", 1, 64, 4, 16).tensor("rope_freqs.weight", new long[] {4}, 1, 1, 1, 1))) {
            assertRefused(() -> config(other), "model.gguf", "rope_freqs.weight", "llama");
        }
    }

    @Test
    void yarnNeedsABase() throws IOException {
        var file = file("llama", 1, 64, 4, 16)
                .string("llama.rope.scaling.type", "yarn")
                .float32("llama.rope.scaling.factor", 4)
                .float32("llama.rope.freq_base", 1);
        assertRefused(() -> config(file), "model.gguf", "llama.rope.freq_base");
    }
}
