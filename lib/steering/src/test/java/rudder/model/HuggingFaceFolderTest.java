package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.format.SafetensorsWriter;

/** Models loaded from folders in Hugging Face's layout: which files and tensors count. */
class HuggingFaceFolderTest {

    @TempDir
    private Path temp;

    private static Path tiny(String name) {
        try {
            return Path.of(
                    HuggingFaceFolderTest.class.getResource("/tiny/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A copy of a tiny checkpoint, its tensors renamed or more of them, with this configuration. */
    private Path rewritten(String name, UnaryOperator<String> rename, Map<String, float[]> more, String config)
            throws IOException {
        Path folder = Files.createTempDirectory(temp, "checkpoint");
        var writer = new SafetensorsWriter();
        try (var source = Safetensors.open(tiny(name))) {
            for (String tensor : source.names()) {
                float[] values = source.read(tensor);
                writer.floats(rename.apply(tensor), () -> values, source.shape(tensor));
            }
        }
        more.forEach((tensor, values) -> writer.floats(tensor, () -> values, values.length));
        writer.write(folder.resolve("model.safetensors"));
        Files.writeString(folder.resolve("config.json"), config);
        return folder;
    }

    @Test
    void theTextOfAModelOfImagesIsTheTextModel() throws IOException {
        String text = Files.readString(tiny("gemma-3").resolve("config.json"));
        String outer = "{\"model_type\": \"gemma3\", \"vision_config\": {}, \"text_config\": " + text + "}";
        int[] ids = IntStream.range(0, 20).map(i -> 9 * i + 1).toArray();
        float[] wanted;
        try (var model = LanguageModel.load(tiny("gemma-3").toString())) {
            wanted = model.logits(ids);
        }
        for (String prefix :
                List.of("language_model.", "model.language_model.")) { // as written by older and newer programs
            Path folder = rewritten(
                    "gemma-3",
                    tensor -> prefix.equals("language_model.")
                            ? prefix + tensor
                            : tensor.replaceFirst("^model\\.", prefix),
                    Map.of((prefix.startsWith("model.") ? "model." : "") + "vision_tower.patch.weight", new float[3]),
                    outer);
            try (var model = LanguageModel.load(folder.toString())) {
                assertArrayEquals(wanted, model.logits(ids), prefix);
            }
        }
    }

    @Test
    void aTensorThatNothingReadsIsRefusedByName() throws IOException {
        String config = Files.readString(tiny("qwen3").resolve("config.json"));
        for (String extra : List.of(
                "model.layers.0.self_attn.q_proj.bias",
                "model.layers.3.mlp.experts.0.up_proj.weight",
                "score.weight")) {
            Path folder = rewritten("qwen3", tensor -> tensor, Map.of(extra, new float[48]), config);
            var error = assertThrows(IllegalArgumentException.class, () -> LanguageModel.load(folder.toString()));
            assertTrue(error.getMessage().contains(extra), error.getMessage());
        }
        LanguageModel.load(rewritten(
                                "qwen3",
                                tensor -> tensor,
                                Map.of("model.layers.0.self_attn.rotary_emb.inv_freq", new float[4]),
                                config)
                        .toString())
                .close();
    }

    @Test
    void aHeadOfItsOwnMustBeThereAndATiedOneIsTheEmbedding() throws IOException {
        String untied = Files.readString(tiny("llama-3").resolve("config.json"));
        assertTrue(untied.contains("\"tie_word_embeddings\": false"), untied);
        Path folder = rewritten("llama-3.2", tensor -> tensor, Map.of(), untied);
        var error = assertThrows(IllegalArgumentException.class, () -> LanguageModel.load(folder.toString()));
        assertTrue(error.getMessage().contains("lm_head.weight"), error.getMessage());
    }

    @Test
    void aStoredHeadOfATiedModelMustBeTheEmbedding() throws IOException {
        int[] ids = {3, 1, 4, 1, 5};
        float[] wanted;
        try (var model = LanguageModel.load(tiny("qwen3").toString())) {
            wanted = model.logits(ids);
        }
        try (var model = LanguageModel.load(withHead(embedding -> embedding).toString())) {
            assertArrayEquals(wanted, model.logits(ids));
        }
        for (UnaryOperator<float[]> other : List.<UnaryOperator<float[]>>of(
                embedding -> {
                    embedding[embedding.length - 1] += 1e-3f;
                    return embedding;
                },
                embedding -> Arrays.copyOf(embedding, embedding.length - 48))) {
            Path folder = withHead(other);
            var error = assertThrows(IllegalArgumentException.class, () -> LanguageModel.load(folder.toString()));
            assertTrue(
                    error.getMessage().contains("tie_word_embeddings")
                            && error.getMessage().contains("lm_head.weight"),
                    error.getMessage());
        }
    }

    /** A tied checkpoint that stores a head too, made of its embedding. */
    private Path withHead(UnaryOperator<float[]> head) throws IOException {
        Path folder = Files.createTempDirectory(temp, "tied");
        var writer = new SafetensorsWriter();
        try (var source = Safetensors.open(tiny("qwen3"))) {
            for (String tensor : source.names()) {
                float[] values = source.read(tensor);
                writer.floats(tensor, () -> values, source.shape(tensor));
            }
            float[] own = head.apply(source.read("model.embed_tokens.weight"));
            writer.floats("lm_head.weight", () -> own, own.length / 48, 48);
        }
        writer.write(folder.resolve("model.safetensors"));
        Files.copy(tiny("qwen3").resolve("config.json"), folder.resolve("config.json"));
        return folder;
    }

    @Test
    void aFolderThatIsNoCheckpointSaysWhatIsMissing() throws IOException {
        Path folder = Files.createTempDirectory(temp, "empty");
        var error = assertThrows(IllegalArgumentException.class, () -> LanguageModel.load(folder.toString()));
        assertTrue(error.getMessage().contains("config.json"), error.getMessage());
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\", ");
        assertTrue(assertThrows(IOException.class, () -> LanguageModel.load(folder.toString()))
                .getMessage()
                .contains("safetensors"));
        new SafetensorsWriter().floats("a", () -> new float[1], 1).write(folder.resolve("model.safetensors"));
        assertTrue(assertThrows(IOException.class, () -> LanguageModel.load(folder.toString()))
                .getMessage()
                .contains("not the JSON"));
    }

    @Test
    void stopTokensAreTheGenerationsThenTheModels() throws IOException {
        Path folder = rewritten(
                "qwen3",
                tensor -> tensor,
                Map.of(),
                Files.readString(tiny("qwen3").resolve("config.json")).replaceFirst("\\{", "{\"eos_token_id\": 5,"));
        try (var model = LanguageModel.load(folder.toString())) {
            assertEquals(Set.of(5), model.tokenizer().stopTokens());
        }
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [7, 9], \"do_sample\": true}");
        try (var model = LanguageModel.load(folder.toString())) {
            assertEquals(Set.of(7, 9), model.tokenizer().stopTokens());
        }
        assertEquals(
                Collections.emptySet(),
                Checkpoint.open(tiny("qwen3")).tokenizer().stopTokens());
    }

    @Test
    void aCheckpointsFilesMakeItsTokenizer() throws IOException {
        Path model = tiny("llama-3");
        try (var files = Files.list(model)) {
            for (Path file : files.toList()) {
                Files.copy(file, temp.resolve(file.getFileName().toString()));
            }
        }
        // 8 letters, BOS 9, a control token 10, of a vocabulary of 199
        Files.writeString(temp.resolve("tokenizer.json"), """
                {"version": "1.0", "padding": null,
                 "truncation": {"max_length": 2, "stride": 0, "strategy": "LongestFirst", "direction": "Right"},
                 "model": {"type": "BPE", "unk_token": null, "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4,
                           "\\u0120": 5, "ab": 6, "\\u0120ab": 7, "x": 8},
                           "merges": ["a b", "\\u0120 ab"]},
                 "normalizer": null,
                 "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                                   "use_regex": true},
                 "post_processor": {"type": "TemplateProcessing",
                                    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                               {"Sequence": {"id": "A", "type_id": 0}}],
                                    "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                                             {"Sequence": {"id": "B", "type_id": 0}}],
                                    "special_tokens": {"<s>": {"id": "<s>", "ids": [9], "tokens": ["<s>"]}}},
                 "added_tokens": [{"id": 9, "content": "<s>", "special": true, "single_word": false, "lstrip": false,
                                   "rstrip": false, "normalized": false},
                                  {"id": 10, "content": "<|eot_id|>", "special": true, "single_word": false,
                                   "lstrip": false, "rstrip": false, "normalized": false}],
                 "decoder": null}""");
        Files.writeString(temp.resolve("generation_config.json"), "{\"eos_token_id\": [4]}");
        Files.writeString(temp.resolve("chat_template.jinja"), "{% include 'nothing' %}");
        Files.writeString(temp.resolve("tokenizer_config.json"), "{\"chat_template\": \"none such\"}");
        try (var model1 = LanguageModel.load(temp.toString())) {
            assertArrayEquals(new int[] {9, 6, 7, 7, 2}, model1.encode("ab ab abc"));
            assertEquals(Set.of(4, 10), model1.tokenizer().stopTokens());
            assertEquals("ab c", model1.decode(new int[] {9, 6, 5, 2, 10, 150}));
            assertEquals(48, model1.trace("ab ab").state(0).length);
            assertThrows(IllegalArgumentException.class, () -> model1.tokenizer()
                    .encodeChat(List.of(rudder.checkpoint.tokenizer.Message.user("a")))); // refused when it is used
        }
    }
}
