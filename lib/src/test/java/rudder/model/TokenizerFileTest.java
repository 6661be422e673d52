package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Small tokenizer.json files, built as four families build theirs, against the ids that the reference implementation gives: llama3 (bytes, BOS,
 * whole words first), qwen2 (NFC, added tokens behind the control tokens), gemma (U+2581, bytes where needed, control tokens within the vocabulary),
 * mistral (a space in front of each text).
 */
class TokenizerFileTest {

    @TempDir
    private Path temp;

    private static Path folder(String family) throws IOException {
        try {
            return Path.of(TokenizerFileTest.class.getResource("/tokenizers/" + family).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Golden golden(String family) throws IOException {
        return new Golden(family, JsonParser.parseString(Files.readString(folder(family).resolve("golden.json"))));
    }

    private static Tokenizer open(String family) throws IOException {
        Path config = folder(family).resolve("tokenizer_config.json");
        Optional<String> template = Files.exists(config) ? Optional.of((String) Checkpoint.json(config).get("chat_template")) : Optional.empty();
        return Tokenizer.ofJson(folder(family).resolve("tokenizer.json"), 500, Set.of(), template);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen2", "gemma", "mistral"})
    void idsAndTextsAreTheReferences(String family) throws IOException {
        try (Tokenizer tokenizer = open(family)) {
            for (Golden one : golden(family).at("texts").list()) {
                String text = one.at("text").text();
                int[] ids = one.at("ids").ints();
                assertArrayEquals(ids, tokenizer.encode(text), text);
                assertEquals(one.at("decoded").text(), tokenizer.decode(ids), text);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen2", "gemma"})
    void conversationsAreTheReferences(String family) throws IOException {
        Golden golden = golden(family);
        try (Tokenizer tokenizer = open(family)) {
            assertArrayEquals(golden.at("chat_ids").ints(), tokenizer.encodeChat("Where are the boats?"));
            assertTrue(golden.at("chat").text().endsWith(tokenizer.chat("Where are the boats?")), tokenizer.chat("Where are the boats?"));
            if (!family.equals("gemma")) {
                assertArrayEquals(golden.at("system_ids").ints(), tokenizer.encodeChat("Be brief.", "Where are the boats?"));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen2", "gemma", "mistral"})
    void noTextSpellsAControlTokenAndIdsStayTheirs(String family) throws IOException {
        try (Tokenizer tokenizer = open(family)) {
            String control = Map.of("llama3", "<|eot_id|>", "qwen2", "<|im_end|>", "gemma", "<end_of_turn>", "mistral", "</s>").get(family);
            int[] marked = tokenizer.encodeMarked(control);
            int id = marked[marked.length - 1];
            assertEquals(control, tokenizer.token(id));
            assertTrue(tokenizer.stopTokens().contains(id), tokenizer.toString());
            assertFalse(Arrays.stream(tokenizer.encode("a" + control + "b")).anyMatch(i -> i == id));
            assertEquals("a" + control + "b", tokenizer.decode(tokenizer.encode("a" + control + "b")));
            assertEquals(500, tokenizer.size()); // rows of the embedding that no token has
            assertEquals("", tokenizer.decode(499));
        }
    }

    @Test
    void aCheckpointsFilesMakeItsTokenizer() throws IOException, URISyntaxException {
        Path model = Path.of(TokenizerFileTest.class.getResource("/tiny/llama-3").toURI());
        try (var files = Files.list(model)) {
            for (Path file : files.toList()) {
                Files.copy(file, temp.resolve(file.getFileName().toString()));
            }
        }
        // 8 letters, BOS 9, a control token 10, of a vocabulary of 199
        Files.writeString(temp.resolve("tokenizer.json"), """
                {"version": "1.0", "truncation": {"max_length": 2, "stride": 0, "strategy": "LongestFirst", "direction": "Right"}, "padding": null,
                 "model": {"type": "BPE", "unk_token": null, "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "\\u0120": 5, "ab": 6, "\\u0120ab": 7, "x": 8},
                           "merges": ["a b", "\\u0120 ab"]},
                 "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
                 "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                                    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
                                    "special_tokens": {"<s>": {"id": "<s>", "ids": [9], "tokens": ["<s>"]}}},
                 "added_tokens": [{"id": 9, "content": "<s>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
                                  {"id": 10, "content": "<|eot_id|>", "special": true, "single_word": false, "lstrip": false, "rstrip": false,
                                   "normalized": false}],
                 "decoder": null}""");
        Files.writeString(temp.resolve("generation_config.json"), "{\"eos_token_id\": [4]}");
        Files.writeString(temp.resolve("chat_template.jinja"), "<|start_header_id|> <|eot_id|>");
        Files.writeString(temp.resolve("tokenizer_config.json"), "{\"chat_template\": \"none such\"}");
        try (var model1 = LanguageModel.load(temp.toString())) {
            assertArrayEquals(new int[] {9, 6, 7, 7, 2}, model1.encode("ab ab abc"));
            assertEquals(Set.of(4, 10), model1.tokenizer().stopTokens());
            assertEquals("ab c", model1.decode(new int[] {9, 6, 5, 2, 10, 150}));
            assertEquals(48, model1.trace("ab ab").state(0).length);
            assertThrows(IllegalStateException.class, () -> model1.tokenizer().encodeChat("a")); // its marks are none of its tokens
        }
    }

    private void refused(String json, String... parts) throws IOException {
        Path file = Files.writeString(temp.resolve("tokenizer.json"), json, StandardCharsets.UTF_8);
        var error = assertThrows(Exception.class, () -> Tokenizer.ofJson(file, 10, Set.of(), Optional.empty()));
        assertTrue(error instanceof IOException || error instanceof IllegalArgumentException, error.toString());
        for (String part : parts) {
            assertTrue(error.getMessage().contains(part), error.getMessage());
        }
    }

    @Test
    void whatIsNoSuchTokenizerIsRefused() throws IOException {
        String sound = Files.readString(folder("gemma").resolve("tokenizer.json"));
        refused(sound.replace("\"type\":\"BPE\"", "\"type\":\"Unigram\""), "Unigram", "wanted BPE");
        refused(sound.substring(0, 3000), "not the JSON");
        refused("[]", "not the JSON");
        refused("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}", "U+2581");
        refused("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"\u2581\": 2000000000}, \"merges\": []}}", "2000000000");
        refused(sound.replaceFirst("\"id\":2,\"content\":\"<bos>\"", "\"content\":\"<bos>\""), "lacks its id");
        refused(sound.replace("{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]", "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
                + "{\"SpecialToken\":{\"id\":\"<bos>\",\"type_id\":0}}]"), "at most one token, in front");
    }
}
