package rudder.checkpoint.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.store.ModelStore;

/** The vocabularies of three real models against ids made by llama.cpp and by the reference passes. */
@Tag("model")
class TokenizerModelsTest {

    private static Tokenizer tokenizer(String name) throws IOException {
        try (GgufFile file = GgufFile.open(ModelStore.fetch(name).path())) {
            return Tokenizer.of(file);
        }
    }

    private static JsonObject golden(String name) throws IOException {
        try (Reader in = new InputStreamReader(
                TokenizerModelsTest.class.getResourceAsStream("/goldens/" + name), StandardCharsets.UTF_8)) {
            return JsonParser.parseReader(in).getAsJsonObject();
        }
    }

    private static int[] ids(JsonElement array) {
        return StreamSupport.stream(array.getAsJsonArray().spliterator(), false)
                .mapToInt(JsonElement::getAsInt)
                .toArray();
    }

    @ParameterizedTest
    @CsvSource({
        "SmolLM2-135M-Instruct, smollm2, <|endoftext|> <|im_end|>",
        "Qwen2.5-Coder-0.5B-Instruct, qwen, <|endoftext|> <|im_end|>",
        "Gemma-3-270m, gemma3, <eos> <end_of_turn>"
    })
    void idsAreTheReferencesAndLeadBackToTheText(String name, String key, String stops) throws IOException {
        JsonObject odd = golden("tokens.json");
        JsonObject runs = golden("prompt-tokens.json").getAsJsonObject(key);
        try (Tokenizer tokenizer = tokenizer(name)) {
            for (int i = 0; i < 47; i++) {
                String text = odd.getAsJsonArray("texts").get(i).getAsString();
                int[] found = tokenizer.encodePlain(text);
                assertArrayEquals(ids(odd.getAsJsonArray(key).get(i)), found, text);
                assertEquals(text, tokenizer.decode(found));
                TextStream stream = tokenizer.stream();
                assertEquals(
                        text,
                        Arrays.stream(found).mapToObj(stream::accept).reduce("", String::concat) + stream.finish());
            }
            for (JsonElement prompt : runs.getAsJsonArray("prompts")) {
                String text = prompt.getAsJsonObject().get("text").getAsString();
                assertArrayEquals(ids(prompt.getAsJsonObject().get("ids")), tokenizer.encode(text), text);
            }
            for (JsonElement greedy : runs.getAsJsonArray("greedy")) {
                assertEquals(
                        greedy.getAsJsonObject().get("text").getAsString(),
                        tokenizer.decode(ids(greedy.getAsJsonObject().get("ids"))));
            }
            assertEquals(
                    stops,
                    tokenizer.stopTokens().stream()
                            .sorted()
                            .map(tokenizer::token)
                            .collect(Collectors.joining(" ")));
        }
    }

    @ParameterizedTest
    @CsvSource({"SmolLM2-135M-Instruct, SmolLM", "Qwen2.5-Coder-0.5B-Instruct, Qwen"})
    void instructModelsAreIntroducedByTheirOwnTemplate(String name, String introduced) throws IOException {
        try (Tokenizer tokenizer = tokenizer(name)) {
            String chat = tokenizer.chat(List.of(Message.user("Hi")));
            assertTrue(
                    chat.matches("(?s)<\\|im_start\\|>system\nYou are [^<]*" + introduced + "[^<]*<\\|im_end\\|>\n"
                            + "<\\|im_start\\|>user\nHi<\\|im_end\\|>\n<\\|im_start\\|>assistant\n"),
                    chat);
            assertArrayEquals(tokenizer.encodeMarked(chat), tokenizer.encodeChat(List.of(Message.user("Hi"))));
            assertEquals(chat, tokenizer.decodeMarked(tokenizer.encodeChat(List.of(Message.user("Hi")))));
        }
    }

    @Test
    void theExamplesInTheDocumentationHold() throws IOException {
        try (Tokenizer tokenizer = tokenizer("SmolLM2-135M-Instruct")) {
            assertArrayEquals(new int[] {19556, 905}, tokenizer.encode("Hello world"));
            assertArrayEquals(new int[] {905}, tokenizer.encodePlain(" world"));
            assertArrayEquals(new int[] {26843, 2}, tokenizer.encodeMarked("Hi<|im_end|>"));
            assertEquals(
                    "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
                    tokenizer.chat(List.of(Message.system("Be brief."), Message.user("Hi"))));
            int[] ids = tokenizer.encodeChat(List.of(Message.user("Hi")));
            assertArrayEquals(
                    new int[] {1, 4093, 198, 26843, 2, 198, 1, 520, 9531, 198},
                    Arrays.copyOfRange(ids, ids.length - 10, ids.length));
            assertEquals("Hello world", tokenizer.decode(19556, 905, 2));
            assertEquals("Hello world<|im_end|>", tokenizer.decodeMarked(19556, 905, 2));
            assertEquals(" world", tokenizer.token(905));
            assertEquals("<|im_end|>", tokenizer.token(2));
            assertEquals(Set.of(0, 2), tokenizer.stopTokens());
            assertEquals(49152, tokenizer.size());
            assertEquals("Tokenizer[49152 tokens, no BOS, stops at <|endoftext|> <|im_end|>]", tokenizer.toString());
        }
    }
}
