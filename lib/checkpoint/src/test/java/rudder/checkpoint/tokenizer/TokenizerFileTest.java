package rudder.checkpoint.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.Golden;

/**
 * Small tokenizer.json files, built as four families build theirs, against the ids that the reference implementation
 * gives: llama3 (bytes, BOS, whole words first), qwen2 (NFC, added tokens behind the control tokens), gemma (U+2581,
 * bytes where needed, control tokens within the vocabulary), mistral (a space in front of each text).
 */
class TokenizerFileTest {

    @TempDir
    private Path temp;

    private static Path folder(String family) throws IOException {
        try {
            return Path.of(
                    TokenizerFileTest.class.getResource("/tokenizers/" + family).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Golden golden(String family) throws IOException {
        return new Golden(
                family, JsonParser.parseString(Files.readString(folder(family).resolve("golden.json"))));
    }

    private static Tokenizer open(String family) throws IOException {
        Path config = folder(family).resolve("tokenizer_config.json");
        Optional<ChatTemplate> template = Files.exists(config)
                ? Optional.of(new ChatTemplate(
                        (String) Checkpoint.json(config).get("chat_template"),
                        Map.of("bos_token", family.equals("llama3") ? "<|begin_of_text|>" : "<bos>")))
                : Optional.empty();
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
            assertArrayEquals(
                    golden.at("chat_ids").ints(), tokenizer.encodeChat(List.of(Message.user("Where are the boats?"))));
            assertEquals(golden.at("chat").text(), tokenizer.chat(List.of(Message.user("Where are the boats?"))));
            if (!family.equals("gemma")) {
                assertArrayEquals(
                        golden.at("system_ids").ints(),
                        tokenizer.encodeChat(
                                List.of(Message.system("Be brief."), Message.user("Where are the boats?"))));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen2", "gemma", "mistral"})
    void noTextSpellsAControlTokenAndIdsStayTheirs(String family) throws IOException {
        try (Tokenizer tokenizer = open(family)) {
            String control = Map.of(
                            "llama3", "<|eot_id|>", "qwen2", "<|im_end|>", "gemma", "<end_of_turn>", "mistral", "</s>")
                    .get(family);
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

    /** Gemma declares runs of spaces by the names that the vocabulary gives them. The ids are tokenizers 0.22.2's. */
    @Test
    void aFileThatCannotBeOpenedIsNamedWithTheReason() {
        var missing = temp.resolve("tokenizer.json");
        assertRefused(
                () -> Tokenizer.ofJson(missing, 500, Set.of(), Optional.empty()),
                "cannot read the tokenizer " + missing + ": there is no such file");
    }

    @Test
    void aDeclaredRunOfSpacesStaysARunOfSpaces() throws IOException {
        String run = "{\"id\":315,\"content\":\"\u2581\u2581\",\"single_word\":false,\"lstrip\":false,"
                + "\"rstrip\":false,\"normalized\":false,\"special\":false},";
        String json = Files.readString(folder("gemma").resolve("tokenizer.json"))
                .replace("\"added_tokens\":[", "\"added_tokens\":[" + run);
        Path file = Files.writeString(temp.resolve("tokenizer.json"), json);
        try (Tokenizer tokenizer = Tokenizer.ofJson(file, 500, Set.of(), Optional.empty())) {
            for (Golden one : golden("gemma").at("texts").list()) {
                int[] ids = one.at("ids").ints();
                assertArrayEquals(ids, tokenizer.encode(one.at("text").text()));
                assertEquals(one.at("decoded").text(), tokenizer.decode(ids));
            }
            assertArrayEquals(new int[] {2, 278, 315, 279}, tokenizer.encode("a\u2581\u2581b"));
            assertEquals("a  b", tokenizer.decode(2, 278, 315, 279));
            assertEquals("  ", tokenizer.token(315));
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
        refused(sound.replace("\"type\":\"BPE\"", "\"type\":\"WordPiece\""), "WordPiece", "wanted BPE");
        refused(sound.substring(0, 3000), "not the JSON");
        refused("[]", "not the JSON");
        refused("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}", "U+2581");
        refused("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"\u2581\": 2000000000}, \"merges\": []}}", "2000000000");
        refused(sound.replaceFirst("\"id\":2,\"content\":\"<bos>\"", "\"content\":\"<bos>\""), "lacks its id");
        refused(
                sound.replace(
                        "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]",
                        "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
                                + "{\"SpecialToken\":{\"id\":\"<nowhere>\",\"type_id\":0}}]"),
                "TemplateProcessing",
                "<nowhere>");
    }
}
