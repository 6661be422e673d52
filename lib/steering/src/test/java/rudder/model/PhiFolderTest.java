package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.types.DataType;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.Golden;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.checkpoint.store.ModelStore;

/** The tiny Phi 3 of the GGUF goldens, saved as a folder, against what transformers computes from the same weights. */
class PhiFolderTest {

    private static final Map<String, String> NAMES = Map.of(
            "attn_qkv", "self_attn.qkv_proj",
            "attn_output", "self_attn.o_proj",
            "attn_norm", "input_layernorm",
            "ffn_norm", "post_attention_layernorm",
            "ffn_up", "mlp.gate_up_proj",
            "ffn_down", "mlp.down_proj");

    @TempDir
    private Path folder;

    private static Path resource(String name) throws URISyntaxException {
        return Path.of(PhiFolderTest.class.getResource("/gguf/" + name).toURI());
    }

    /** Returns the name in Hugging Face's layout of a tensor "blk.0.attn_qkv.weight". */
    private static String name(String gguf) {
        String[] part = gguf.split("\\.");
        return switch (part[0]) {
            case "token_embd" -> "model.embed_tokens.weight";
            case "output_norm" -> "model.norm.weight";
            case "output" -> "lm_head.weight";
            default -> "model.layers." + part[1] + "." + NAMES.get(part[2]) + ".weight";
        };
    }

    private void save(String leftOut, String window) throws IOException, URISyntaxException {
        var writer = new SafetensorsWriter();
        try (var gguf = GgufFile.open(resource("phi3.gguf"))) {
            for (String tensor : gguf.names()) {
                if (!name(tensor).equals(leftOut)) {
                    float[] values = gguf.read(tensor);
                    writer.floats(name(tensor), () -> values, gguf.shape(tensor));
                }
            }
            long rows = gguf.shape("token_embd.weight")[0];
            writer.write(folder.resolve("model.safetensors"));
            Files.writeString(
                    folder.resolve("config.json"),
                    ("{'model_type': 'phi3', 'vocab_size': " + rows + ", 'hidden_size': 16, 'intermediate_size': 24,"
                                    + " 'num_hidden_layers': 3, 'num_attention_heads': 4, 'num_key_value_heads': 2,"
                                    + " 'max_position_embeddings': 128, 'rms_norm_eps': 1e-6, 'sliding_window': "
                                    + window + "}")
                            .replace('\'', '"'));
        }
    }

    @Test
    void logitsAreTransformers() throws IOException, URISyntaxException {
        var goldens = new Golden("golden.json", JsonParser.parseString(Files.readString(resource("golden.json"))))
                .list().stream()
                        .filter(golden -> golden.at("file").text().equals("phi3"))
                        .toList();
        assertEquals(2, goldens.size());
        for (var golden : goldens) {
            var window = golden.at("keys").json().getAsJsonObject().get("phi3.attention.sliding_window");
            save("", String.valueOf(window));
            double[] wanted = golden.at("logits").numbers();
            for (var type : List.of(DataType.FLOAT32, DataType.FLOAT64)) {
                try (var model = new ModelLoader(type, null).load(ModelStore.fetch(folder.toString()))) {
                    float[] logits = model.logits(golden.at("ids").ints());
                    double[] found = IntStream.range(0, wanted.length) // the others belong to padding
                            .mapToDouble(i -> logits[i])
                            .toArray();
                    assertEquals(0, Golden.relative(found, wanted), 1e-5, "window " + window + ", " + type);
                }
            }
        }
    }

    @Test
    void aFusedTensorMustBeThereAndHaveItsRows() throws IOException, URISyntaxException {
        save("model.layers.1.self_attn.qkv_proj.weight", "null");
        assertRefused(() -> Checkpoint.open(folder), "model.layers.1.self_attn.qkv_proj.weight");
        save("", "null");
        var config = folder.resolve("config.json");
        Files.writeString(
                config, Files.readString(config).replace("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 4"));
        assertRefused(
                () -> Checkpoint.open(folder),
                "model.layers.0.self_attn.qkv_proj.weight has 32 rows, wanted 48 for the");
    }
}
