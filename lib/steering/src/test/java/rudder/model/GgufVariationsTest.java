package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.types.DataType;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.Golden;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.store.ModelStore;

/**
 * Small GGUF files that the Python package gguf wrote, with metadata keys added, against what transformers computes
 * from the same weights under an equivalent configuration.
 */
class GgufVariationsTest {

    @TempDir
    private Path temp;

    private static byte[] resource(String name) throws IOException {
        try (var in = GgufVariationsTest.class.getResourceAsStream("/gguf/" + name)) {
            return in.readAllBytes();
        }
    }

    static List<Golden> variations() throws IOException {
        return new Golden(
                        "gguf/golden.json",
                        JsonParser.parseString(new String(resource("golden.json"), StandardCharsets.UTF_8)))
                .list();
    }

    /** Puts keys before those of a file, and a filler of such a length that all tensors keep their alignment. */
    private Path with(String file, JsonObject keys) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(resource(file + ".gguf")).order(ByteOrder.LITTLE_ENDIAN);
        var more = new ByteArrayOutputStream();
        for (var key : keys.entrySet()) {
            more.writeBytes(entry(key.getKey(), key.getValue()));
        }
        int least = more.size() + entry("filler", new JsonPrimitive("")).length;
        more.writeBytes(entry("filler", new JsonPrimitive(" ".repeat(Math.floorMod(-least, 32)))));
        in.putLong(16, in.getLong(16) + keys.size() + 1); // the count of metadata
        var all = new ByteArrayOutputStream();
        all.write(in.array(), 0, 24);
        all.writeBytes(more.toByteArray());
        all.write(in.array(), 24, in.capacity() - 24);
        return Files.write(temp.resolve("model.gguf"), all.toByteArray());
    }

    private static byte[] entry(String key, JsonElement value) {
        ByteBuffer out = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
        text(out, key);
        JsonPrimitive primitive = value.getAsJsonPrimitive();
        if (primitive.isString()) {
            out.putInt(8);
            text(out, primitive.getAsString());
        } else if (primitive.isBoolean()) {
            out.putInt(7).put((byte) (primitive.getAsBoolean() ? 1 : 0));
        } else if (primitive.getAsString().contains(".")) {
            out.putInt(6).putFloat(primitive.getAsFloat());
        } else {
            out.putInt(4).putInt(primitive.getAsInt());
        }
        return Arrays.copyOf(out.array(), out.position());
    }

    private static void text(ByteBuffer out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.putLong(bytes.length).put(bytes);
    }

    @ParameterizedTest
    @MethodSource("variations")
    void logitsAreTransformers(Golden variation) throws IOException {
        JsonObject keys = variation.at("keys").json().getAsJsonObject();
        Path file = with(variation.at("file").text(), keys);
        double[] wanted = variation.at("logits").numbers();
        for (var type : List.of(DataType.FLOAT32, DataType.FLOAT64)) {
            try (var model = new ModelLoader(type, null).load(ModelStore.fetch(file.toString()))) {
                float[] logits = model.logits(variation.at("ids").ints());
                double[] found = IntStream.range(0, wanted.length) // the others belong to padding
                        .mapToDouble(i -> logits[i])
                        .toArray();
                assertEquals(0, Golden.relative(found, wanted), 1e-5, variation.at("file") + ", " + keys);
            }
        }
    }

    @Test
    void aModelInPartsIsTheWhole() throws IOException {
        var names = List.of("parts-00001-of-00003.gguf", "parts-00002-of-00003.gguf", "parts-00003-of-00003.gguf");
        for (String name : names) {
            Files.write(temp.resolve(name), resource(name));
        }
        Path first = temp.resolve(names.get(0));
        Path whole = with("llama", new JsonObject());
        int[] ids = {3, 1, 4, 1, 5, 9};
        String checksum;
        try (var model = LanguageModel.load(first.toString());
                var wanted = LanguageModel.load(whole.toString())) {
            assertArrayEquals(wanted.logits(ids), model.logits(ids));
            checksum = ModelStore.fetch(first.toString()).sha256();
        }
        Path last = temp.resolve(names.get(2));
        byte[] bytes = Files.readAllBytes(last);
        bytes[bytes.length - 1] ^= 1;
        Files.write(last, bytes);
        assertNotEquals(checksum, ModelStore.fetch(first.toString()).sha256());

        Path second = temp.resolve(names.get(1));
        assertRefused(() -> GgufFile.open(second), "part 2 of 3", "wanted the first", names.get(0));
        Files.copy(first, temp.resolve("renamed.gguf"));
        assertRefused(() -> GgufFile.open(temp.resolve("renamed.gguf")), "one of 3 parts", "-00001-of-00003.gguf");
        byte[] own = Files.readAllBytes(second);
        Files.write(second, Files.readAllBytes(first));
        assertRefused(() -> GgufFile.open(first), names.get(1), "is in another part too");
        Files.write(second, resource("qwen3.gguf"));
        assertRefused(() -> GgufFile.open(first), names.get(1));
        Files.delete(second);
        assertRefused(() -> GgufFile.open(first), names.get(0), "no file", names.get(1));
        Files.write(second, own);
        Files.copy(second, last, StandardCopyOption.REPLACE_EXISTING);
        assertRefused(() -> GgufFile.open(first), names.get(2));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "llama | rope.scaling.type | \"longrope\"",
                "llama | rope.scaling.type | \"su\"",
                "llama | rope.scaling.factor | -2.0",
                "llama | rope.scaling.attn_factor | 1.5",
                "llama | rope.scaling.yarn_ext_factor | 0.5",
                "llama | rope.scaling.yarn_log_multiplier | 0.1",
                "llama | rope.dimension_count | 4",
                "llama | attention.scale | -1.0",
                "llama | attention.causal | false",
                "llama | use_parallel_residual | true",
                "llama | logit_scale | 0.5",
                "llama | residual_scale | 0.5",
                "llama | embedding_scale | 12.0",
                "llama | expert_count | 8",
                "llama | attn_logit_softcapping | 50.0",
                "llama | final_logit_softcapping | 30.0",
                "qwen2 | attention.sliding_window | 4096",
                "qwen2 | rope.dimension_sections | 1",
                "gemma3 | attn_logit_softcapping | 50.0",
                "gemma3 | attention.sliding_window_pattern | 0",
                "phi3 | rope.dimension_count | 6",
                "qwen3 | some_future_key | 1"
            })
    void whatWouldChangeTheMathematicsIsRefusedByName(String file, String suffix, String value) throws IOException {
        var keys = new JsonObject();
        keys.add(file + "." + suffix, JsonParser.parseString(value));
        Path path = with(file, keys);
        assertRefused(() -> Checkpoint.config(path), "model.gguf", "'" + file + "." + suffix + "'");
    }
}
