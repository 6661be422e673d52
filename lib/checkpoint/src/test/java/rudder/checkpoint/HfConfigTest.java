package rudder.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import rudder.checkpoint.text.StrictJson;

/** Reads config.json files: fields that are present, absent or not supported. */
class HfConfigTest {

    @TempDir
    private Path temp;

    private static Path tiny(String name) {
        try {
            return Path.of(HfConfigTest.class.getResource("/tiny/" + name).toURI());
        } catch (java.net.URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Map<String, Object> json(String name) throws IOException {
        return new HashMap<>(Checkpoint.json(tiny(name).resolve("config.json")));
    }

    /** A tiny configuration with one field set; {@code json} is its value as written. */
    private static ModelConfig with(String name, String field, String json) throws IOException {
        var values = json(name);
        values.put(field, StrictJson.object("{\"x\": " + json + "}").get("x"));
        return HfConfig.parse(values, "here/config.json");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "llama-3 | model_type | \"mixtral\"",
                "llama-3 | hidden_act | \"gelu\"",
                "llama-3 | hidden_act | null",
                "llama-3 | attention_bias | true",
                "llama-3 | mlp_bias | true",
                "llama-3 | partial_rotary_factor | 0.5",
                "llama-3 | num_local_experts | 8",
                "llama-3 | quantization_config | {\"bits\": 4}",
                "llama-3 | sliding_window | 8",
                "llama-3 | auto_map | {\"AutoModel\": \"own.py\"}",
                "llama-3 | layer_types | [\"full_attention\"]",
                "llama-3 | rope_interleaved | true",
                "llama-3 | rope_scaling | {\"rope_type\": \"yarn\"}",
                "llama-3 | rope_scaling | {\"rope_type\": \"yarn\", \"factor\": 4.0, \"attention_factor\": 0}",
                "llama-3 | rope_scaling | {\"rope_type\": \"yarn\", \"factor\": 4.0, \"truncate\": \"no\"}",
                "llama-3 | rope_scaling | {\"type\": \"dynamic\"}",
                "llama-3 | rope_scaling | {\"rope_type\": \"ntk\", \"factor\": 2.0}",
                "llama-3 | rope_scaling | {\"rope_type\": \"yarn\", \"factor\": 4.0, \"attn_factor\": 0.87}",
                "llama-3 | max_sequence_length | 4096",
                "llama-3 | rope_scaling | {\"type\": \"su\", \"short_factor\": [1.0], \"long_factor\": [1.0]}",
                "llama-3 | rope_scaling | {\"type\": \"longrope\", \"short_factor\": [1.0], \"long_factor\": [1.0]}",
                "llama-3 | rope_scaling | {\"type\": \"linear\", \"factor\": 2.0, \"mrope_section\": [1, 2]}",
                "llama-3 | rope_parameters | {\"rope_theta\": 1e4, \"partial_rotary_factor\": 0.5}",
                "llama-3 | rope_parameters | {\"full_attention\": {\"rope_theta\": 1e4}}",
                "llama-3 | rope_parameters | {\"rope_type\": \"proportional\"}",
                "llama-3 | rope_parameters | 1e4",
                "llama-3 | rope_parameters | {\"rope_type\": \"yarn\", \"factor\": 4.0, \"rope_theta\": 1}",
                "llama-3 | rope_parameters | {\"rope_type\": \"llama3\", \"factor\": 4.0, "
                        + "\"low_freq_factor\": 4.0, \"high_freq_factor\": 1.0}",
                "gemma-3 | rope_parameters | {\"sliding_attention\": {\"rope_type\": \"dynamic\"}}",
                "llama-3 | rope_scaling | {\"rope_type\": \"llama3\", \"factor\": 8.0}",
                "llama-3 | hidden_size | null",
                "llama-3 | hidden_size | 0",
                "llama-3 | vocab_size | \"many\"",
                "llama-3 | rms_norm_eps | -1e-6",
                "llama-3 | tie_word_embeddings | 1",
                "llama-3 | rope_theta | 0",
                "llama-3 | rope_theta | -1e4",
                "llama-3 | rope_theta | 1e999",
                "llama-3 | rms_norm_eps | 1e999",
                "llama-3 | rms_norm_eps | 5e-324",
                "gemma-2 | final_logit_softcapping | 5e-324",
                "mistral | sliding_window | 0",
                "gemma-2 | hidden_activation | \"gelu\"",
                "gemma-2 | attention_bias | true",
                "gemma-2 | layer_types | [\"full_attention\"]",
                "gemma-2 | sliding_window | null",
                "gemma-2 | layer_types | "
                        + "[\"chunked_attention\", \"full_attention\", \"full_attention\", \"full_attention\"]",
                "gemma-3 | use_bidirectional_attention | true",
                "gemma-3 | query_pre_attn_scalar | null",
                "qwen2.5 | layer_types | "
                        + "[\"sliding_attention\", \"full_attention\", \"full_attention\", \"full_attention\"]",
                "qwen2.5 | use_mrope | true",
                "gemma-2 | sliding_window_size | 16",
                "qwen2.5 | sliding_window_size | 8",
                "llama-3 | sliding_window_size | 8",
                "qwen3 | attention_bias | true",
                "qwen3 | decoder_sparse_step | 1",
                "mistral | attention_multiplier | 2.0",
                "mistral | layer_types | []"
            })
    void whatWouldChangeTheMathematicsIsRefusedByName(String name, String field, String value) throws IOException {
        var error = assertThrows(IllegalArgumentException.class, () -> with(name, field, value));
        String blamed = field.equals("layer_types") && name.equals("qwen2.5") ? "use_sliding_window" : field;
        assertTrue(
                error.getMessage().startsWith("here/config.json")
                        && error.getMessage().contains(blamed),
                error.getMessage());
    }

    @Test
    void quantisedWeightsAreRefusedInOneSentenceWithAWayOut() {
        var modules = "[" + "\"model.layers.0.self_attn.q_proj\", ".repeat(499) + "\"lm_head\"]";
        for (var how : List.of(
                "quantization_config | {\"quant_method\": \"gptq\", \"bits\": 4, \"ignore\": %s} | by gptq, to 4 bits",
                "quantization_config | {\"quant_method\": \"fp8\", \"ignore\": %s} | by fp8, wanted",
                "quantization | {\"group_size\": 64, \"bits\": 8, \"ignore\": %s} | quantised, to 8 bits")) {
            String[] part = how.split(" \\| ");
            var value = part[1].replace("%s", modules);
            var error = assertThrows(IllegalArgumentException.class, () -> with("llama-3", part[0], value));
            assertTrue(
                    error.getMessage().contains("'" + part[0] + "'")
                            && error.getMessage().contains(part[2])
                            && error.getMessage().contains("unquantised checkpoint, or a GGUF file")
                            && error.getMessage().length() < 400,
                    error.getMessage());
        }
    }

    @Test
    void aLongValueIsCutInTheMessage() {
        for (var field : List.of("some_future_list", "layer_types", "rope_theta", "hidden_act")) {
            var value = "[" + "\"an entry\", ".repeat(499) + "1]";
            var name = field.equals("layer_types") ? "gemma-2" : "llama-3";
            var error = assertThrows(IllegalArgumentException.class, () -> with(name, field, value));
            assertTrue(error.getMessage().contains(field), error.getMessage());
            assertTrue(error.getMessage().length() < 400, error.getMessage());
        }
    }

    @Test
    void attnFactorHasTwoReadingsAndTheUserChoosesOne() throws IOException {
        var yarn = "{\"rope_type\": \"yarn\", \"factor\": 4.0, \"%s\": %s}";
        // 0.1 ln 4 + 1 = 1.1386294, and the file's author meant its inverse
        var error = assertThrows(
                IllegalArgumentException.class,
                () -> with("llama-3", "rope_scaling", yarn.formatted("attn_factor", "0.8782488562869419")));
        for (var word : List.of("attn_factor", "1.1386294 (transformers)", "1.0 (vLLM)")) {
            assertTrue(error.getMessage().contains(word), error.getMessage());
        }
        assertEquals(
                with("llama-3", "rope_scaling", yarn.formatted("attention_factor", "null")),
                with("llama-3", "rope_scaling", yarn.formatted("attn_factor", "1")));
        assertEquals(
                1,
                with("llama-3", "rope_scaling", yarn.formatted("attention_factor", "1.0"))
                        .spans()
                        .get(0)
                        .scaling()
                        .amplitude());
    }

    /** Transformers' rule for a text of n tokens, of which there are never more than the context holds. */
    @Test
    void dynamicAnglesAreUnscaledAtEveryLengthThatIsAccepted() throws IOException {
        var plain = HfConfig.parse(json("llama-3"), "here");
        var dynamic = with("llama-3", "rope_scaling", "{\"type\": \"dynamic\", \"factor\": 2.0}");
        assertEquals(plain, dynamic);
        double most = dynamic.contextLength();
        for (double tokens : new double[] {1, most / 2, most}) {
            double n = Math.max(tokens, most);
            int d = dynamic.headDimension();
            double base = 1e4 * Math.pow(2 * n / most - (2 - 1), d / (d - 2.));
            assertEquals(
                    Math.pow(base, -2. / d),
                    new AttentionSpan(1e4, dynamic.spans().get(0).scaling(), 0).angle(1, 1, d),
                    1e-15);
        }
    }

    /** The file of Phi-3-mini-4k-instruct but for its sizes. */
    private static final String PHI = "{'model_type': 'phi3', 'architectures': ['Phi3ForCausalLM'], 'vocab_size': 61,"
            + " 'hidden_size': 16, 'intermediate_size': 24, 'num_hidden_layers': 3, 'num_attention_heads': 4,"
            + " 'num_key_value_heads': 2, 'auto_map': {'AutoConfig': 'configuration_phi3.Phi3Config',"
            + " 'AutoModelForCausalLM': 'modeling_phi3.Phi3ForCausalLM'}, 'attention_bias': false, 'embd_pdrop': 0.0,"
            + " 'resid_pdrop': 0.0, 'rope_scaling': null, 'original_max_position_embeddings': 4096,"
            + " 'sliding_window': 2047%s}";

    private static ModelConfig phi(String more) throws IOException {
        return HfConfig.parse(StrictJson.object(PHI.formatted(more).replace('\'', '"')), "here");
    }

    @Test
    void phiIsReadUnlessItsAnglesAreScaledOrItsCodeIsAnothers() throws IOException {
        var phi = phi("");
        assertEquals(List.of(2047, 2047, 2047), windows(phi));
        assertEquals(
                List.of(1e-5, 1e4), List.of(phi.epsilon(), phi.spans().get(0).base()));
        assertEquals(List.of(4096, 4, 2), List.of(phi.contextLength(), phi.headDimension(), phi.keyValueHeads()));
        for (var refused : List.of(
                "rope_parameters: {'rope_type': 'longrope', 'short_factor': [1.0], 'long_factor': [1.0]}",
                "rope_parameters: {'rope_type': 'yarn', 'factor': 4.0}",
                "rope_parameters: {'rope_theta': 1e4, 'partial_rotary_factor': 0.75}",
                "partial_rotary_factor: 0.75")) {
            var field = refused.substring(0, refused.indexOf(':'));
            var more = ", '" + field + "'" + refused.substring(field.length());
            var error = assertThrows(IllegalArgumentException.class, () -> phi(more));
            assertTrue(error.getMessage().contains(field), error.getMessage());
        }
        var other = StrictJson.object(
                PHI.formatted("").replace("configuration_phi3", "mine").replace('\'', '"'));
        var error = assertThrows(IllegalArgumentException.class, () -> HfConfig.parse(other, "here"));
        assertTrue(error.getMessage().contains("'auto_map'"), error.getMessage());
    }

    @Test
    void aMissingSizeIsNamed() throws IOException {
        for (String field :
                List.of("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size")) {
            var values = json("qwen3");
            values.remove(field);
            var error = assertThrows(IllegalArgumentException.class, () -> HfConfig.parse(values, "here"));
            assertTrue(error.getMessage().contains("'" + field + "' is missing"), error.getMessage());
        }
    }

    @Test
    void aModelOfImagesAndItsTextMustAgreeOnTheHead() {
        var error = assertThrows(
                IllegalArgumentException.class,
                () -> HfConfig.parse(
                        Map.of(
                                "model_type",
                                "gemma3",
                                "tie_word_embeddings",
                                false,
                                "text_config",
                                Map.of("tie_word_embeddings", true)),
                        "here"));
        assertTrue(error.getMessage().contains("tie_word_embeddings"), error.getMessage());
    }

    @Test
    void noMessageAdvisesToRemoveAField() {
        for (String field : List.of("attention_multiplier", "mlp_bias")) {
            var error = assertThrows(IllegalArgumentException.class, () -> with("llama-3", field, "2.0"));
            assertTrue(error.getMessage().contains(field), error.getMessage());
            assertFalse(error.getMessage().contains("remove"), error.getMessage());
        }
    }

    @Test
    void whatChangesNoNumberIsIgnored() throws IOException {
        var plain = HfConfig.parse(json("llama-3"), "here");
        for (String field : List.of(
                "torch_dtype",
                "_name_or_path",
                "pretraining_tp",
                "unsloth_version",
                "transformers.js_config",
                "temperature")) {
            assertEquals(plain, with("llama-3", field, "\"anything\""), field);
        }
        assertEquals(plain, with("llama-3", "some_future_field", "null"));
        assertEquals(plain, with("llama-3", "partial_rotary_factor", "1"));
        assertEquals(plain, with("llama-3", "rope_scaling", "{\"rope_type\": \"default\"}"));
        assertEquals(plain, with("llama-3", "rope_parameters", "{\"partial_rotary_factor\": 1.0}"));
        assertEquals(plain, with("llama-3", "rope_scaling", "{}"));
        assertEquals(plain, with("llama-3", "max_sequence_length", String.valueOf(plain.contextLength())));
        assertEquals(HfConfig.parse(json("qwen2.5"), "here"), with("qwen2.5", "use_mrope", "false"));
        assertEquals(HfConfig.parse(json("gemma-2"), "here"), with("gemma-2", "sliding_window_size", "8"));
        assertEquals(
                with("llama-3", "rope_scaling", "{\"rope_type\": \"linear\", \"factor\": 2.0}"),
                with(
                        "llama-3",
                        "rope_scaling",
                        "{\"rope_type\": \"linear\", \"factor\": 2.0, \"low_freq_factor\": 1, \"mscale\": 0.7}"));
    }

    @Test
    void whatIsLeftOutIsAsInTransformers() {
        // what the hub has for a model of text and images: only what differs from the defaults
        var gemma = HfConfig.parse(
                Map.of(
                        "model_type",
                        "gemma3",
                        "image_token_index",
                        262_144L,
                        "vision_config",
                        Map.of("image_size", 896L),
                        "text_config",
                        Map.of(
                                "hidden_size",
                                2560L,
                                "intermediate_size",
                                10_240L,
                                "num_hidden_layers",
                                34L,
                                "sliding_window",
                                1024L,
                                "rope_scaling",
                                Map.of("factor", 8.0, "rope_type", "linear"))),
                "here");
        assertEquals(
                List.of(34, 2560, 8, 4, 256, 262_208, 131_072),
                List.of(
                        gemma.horizon(),
                        gemma.dimension(),
                        gemma.heads(),
                        gemma.keyValueHeads(),
                        gemma.headDimension(),
                        gemma.vocabulary(),
                        gemma.contextLength()));
        assertEquals(1 / 16., gemma.attentionScale());
        assertTrue(gemma.tiedHead() && gemma.queryKeyNorms() && gemma.postNorms());
        assertEquals(
                new AttentionSpan(1e4, RotaryScaling.NONE, 1024), gemma.spans().get(4));
        assertEquals(
                new AttentionSpan(1e6, new RotaryScaling.Linear(8), 0),
                gemma.spans().get(5));
        assertEquals(0, gemma.attentionCap() + gemma.logitCap());

        Map<String, Object> sizes = Map.of(
                "hidden_size",
                64L,
                "intermediate_size",
                100L,
                "num_hidden_layers",
                4L,
                "num_attention_heads",
                8L,
                "vocab_size",
                9L);
        var gemma2 = HfConfig.parse(and(sizes, "model_type", "gemma2"), "here");
        assertEquals(List.of(4096, 0, 4096, 0), windows(gemma2));
        assertEquals(List.of(50., 30., 256), List.of(gemma2.attentionCap(), gemma2.logitCap(), gemma2.headDimension()));
        var mistral = HfConfig.parse(and(sizes, "model_type", "mistral"), "here");
        assertEquals(List.of(4096, 4096, 4096, 4096), windows(mistral));
        assertEquals(8, mistral.headDimension());
        assertEquals(
                List.of(0, 0, 0, 0),
                windows(HfConfig.parse(and(and(sizes, "model_type", "mistral"), "sliding_window", null), "here")));
        var qwen = and(and(and(sizes, "model_type", "qwen2"), "use_sliding_window", true), "max_window_layers", 3L);
        assertEquals(List.of(0, 0, 0, 4096), windows(HfConfig.parse(qwen, "here")));
        assertTrue(HfConfig.parse(qwen, "here").biases());
        var llama = HfConfig.parse(and(sizes, "model_type", "llama"), "here");
        assertEquals(List.of(8, 8, 2048), List.of(llama.keyValueHeads(), llama.headDimension(), llama.contextLength()));
        assertEquals(
                new AttentionSpan(1e4, RotaryScaling.NONE, 0), llama.spans().get(0));
    }

    private static Map<String, Object> and(Map<String, Object> values, String key, Object value) {
        var more = new HashMap<>(values);
        more.put(key, value);
        return more;
    }

    private static List<Integer> windows(ModelConfig config) {
        return config.spans().stream().map(AttentionSpan::window).toList();
    }

    @Test
    void scaledAnglesAreLlamasThreeCases() {
        double base = 500_000;
        double factor = 32;
        double old = 8192;
        var span = new AttentionSpan(base, new RotaryScaling.Llama3(factor, 1, 4, old), 0);
        var cases = new int[3];
        for (int i = 0; i < 64; i++) {
            double frequency = Math.pow(base, -2.0 * i / 128);
            double wavelength = 2 * Math.PI / frequency;
            double wanted;
            if (wavelength < old / 4) {
                wanted = frequency;
                cases[0]++;
            } else if (wavelength > old) {
                wanted = frequency / factor;
                cases[1]++;
            } else {
                double smooth = (old / wavelength - 1) / (4 - 1);
                wanted = (1 - smooth) * frequency / factor + smooth * frequency;
                cases[2]++;
            }
            assertEquals(17 * wanted, span.angle(17, i, 128), 1e-12 * wanted, "pair " + i);
        }
        assertTrue(Arrays.stream(cases).allMatch(count -> count > 3), Arrays.toString(cases));
        assertEquals(3 / 8., new RotaryScaling.Linear(8).of(3, 0));
        assertEquals(3, RotaryScaling.NONE.of(3, 0));
    }
}
