package rudder.checkpoint.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.checkpoint.Golden;
import rudder.checkpoint.format.GgufBytes;
import rudder.checkpoint.format.GgufFile;

/** Tokenizers in GGUF files, each with the ids that llama.cpp gives: {@code resources/tokenizers/make_gguf.py}. */
class GgufTokenizersTest {
    private static final Cases ALL = Cases.of("/tokenizers/gguf.json");

    @TempDir
    private Path folder;

    static Stream<String> cases() {
        return ALL.names();
    }

    private static void write(GgufBytes bytes, JsonObject metadata) {
        metadata.entrySet().forEach(entry -> {
            String key = entry.getKey();
            JsonElement value = entry.getValue();
            if (value instanceof JsonArray array) {
                if (key.endsWith("token_type")) {
                    bytes.int32s(
                            key,
                            array.asList().stream()
                                    .mapToLong(JsonElement::getAsLong)
                                    .toArray());
                } else if (key.endsWith("scores")) {
                    float[] scores = new float[array.size()];
                    for (int i = 0; i < scores.length; i++) {
                        scores[i] = array.get(i).getAsFloat();
                    }
                    bytes.floats(key, scores);
                } else {
                    bytes.strings(
                            key,
                            array.asList().stream()
                                    .map(JsonElement::getAsString)
                                    .toArray(String[]::new));
                }
            } else if (value.getAsJsonPrimitive().isBoolean()) {
                bytes.value(key, 7, new byte[] {(byte) (value.getAsBoolean() ? 1 : 0)});
            } else if (value.getAsJsonPrimitive().isNumber()) {
                bytes.uint32(key, value.getAsLong());
            } else {
                bytes.string(key, value.getAsString());
            }
        });
    }

    private Tokenizer open(JsonObject golden) throws IOException {
        var bytes = new GgufBytes();
        write(
                bytes,
                ALL.all()
                        .getAsJsonObject("vocabularies")
                        .getAsJsonObject(golden.get("vocabulary").getAsString()));
        write(bytes, golden.getAsJsonObject("metadata"));
        try (GgufFile file = GgufFile.open(bytes.write(folder.resolve("model.gguf")))) {
            return Tokenizer.of(file);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void idsAreThoseOfLlamaCpp(String name) throws IOException {
        JsonObject golden = ALL.find(name);
        var wrong = new ArrayList<String>();
        int bos = ALL.all()
                .getAsJsonObject("vocabularies")
                .getAsJsonObject(golden.get("vocabulary").getAsString())
                .get("tokenizer.ggml.bos_token_id")
                .getAsInt();
        try (Tokenizer tokenizer = open(golden)) {
            for (Golden one : new Golden(name, golden.get("texts")).list()) {
                String text = one.at("text").text();
                if (name.equals("qwen2") && text.indexOf('\u0301') >= 0) {
                    continue; // Rudder composes accents, as Qwen's own tokenizer does and llama.cpp does not
                }
                int[] plain = tokenizer.encodePlain(text);
                if (!Arrays.equals(one.at("plain").ints(), plain)) {
                    wrong.add("plain '" + text + "': wanted "
                            + Arrays.toString(one.at("plain").ints()) + ", found " + Arrays.toString(plain));
                }
                int[] marked = tokenizer.encodeMarked(text);
                int[] wanted = one.at("marked").ints();
                boolean begins = wanted.length > 0 && wanted[0] == bos; // BOS is not doubled
                if (!tokenizer.toString().contains("no BOS") && !begins) {
                    marked = Arrays.copyOfRange(marked, 1, marked.length);
                }
                if (!Arrays.equals(wanted, marked)) {
                    wrong.add("marked '" + text + "': wanted " + Arrays.toString(wanted) + ", found "
                            + Arrays.toString(marked));
                }
            }
        }
        assertTrue(wrong.isEmpty(), () -> wrong.size() + " differ: " + String.join("\n", wrong));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void endsAreThoseOfLlamaCppWhateverTypeTheyAreDeclaredWith(String name) throws IOException {
        JsonObject golden = ALL.find(name);
        try (Tokenizer tokenizer = open(golden)) {
            assertEquals(
                    Arrays.stream(new Golden(name, golden.get("ends")).ints())
                            .boxed()
                            .collect(Collectors.toSet()),
                    tokenizer.stopTokens());
        }
    }

    @Test
    void aRuleThatIsNotKnownIsRefusedWithThoseThatAre() {
        JsonObject golden = ALL.find("gpt-2").deepCopy();
        golden.getAsJsonObject("metadata").addProperty("tokenizer.ggml.pre", "kimi-k2");
        var error = assertThrows(IllegalArgumentException.class, () -> open(golden));
        assertTrue(
                error.getMessage().contains("kimi-k2") && error.getMessage().contains("llama-bpe"), error.toString());
    }

    @Test
    void bosStandsWhereTheRuleOrTheFileSaysSo() throws IOException {
        JsonObject golden = ALL.find("llama-bpe").deepCopy();
        int bos = ALL.all()
                .getAsJsonObject("vocabularies")
                .getAsJsonObject("bpe")
                .get("tokenizer.ggml.bos_token_id")
                .getAsInt();
        try (Tokenizer tokenizer = open(golden)) {
            assertEquals(bos, tokenizer.encode("the")[0]);
        }
        golden.getAsJsonObject("metadata").addProperty("tokenizer.ggml.add_bos_token", false);
        golden.getAsJsonObject("metadata").addProperty("tokenizer.ggml.add_eos_token", true);
        try (Tokenizer tokenizer = open(golden)) {
            int[] ids = tokenizer.encode("the");
            assertArrayEquals(tokenizer.encodePlain("the"), Arrays.copyOf(ids, ids.length - 1));
            assertEquals(bos + 1, ids[ids.length - 1]);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theSpaceInFrontOfATextIsNotDecodedWithBosOrWithout(boolean bos) throws IOException {
        JsonObject golden = ALL.find("scored, space True").deepCopy();
        golden.getAsJsonObject("metadata").addProperty("tokenizer.ggml.add_bos_token", bos);
        try (Tokenizer tokenizer = open(golden)) {
            for (String text : List.of("", "the sea", " the sea", "caf\u00e9 ")) {
                assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
            }
            int[] sea = tokenizer.encodePlain("the sea");
            assertEquals(bos ? " the sea" : "the sea", tokenizer.decode(sea)); // without its BOS it may go on a text
        }
    }
}
