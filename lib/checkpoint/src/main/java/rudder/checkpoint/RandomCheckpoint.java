package rudder.checkpoint;

import com.google.gson.Gson;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.checkpoint.format.WholeFile;

/**
 * Writes a model of any shape with random weights, to measure the cost of the shape. {@code LanguageModel.load} reads
 * the folder, which has Hugging Face's layout and bfloat16 weights. The model has no tokenizer: its prompts are tokens.
 * Its output has no meaning. {@code LanguageModel.random} makes such a model without a disk.
 */
public final class RandomCheckpoint {

    private RandomCheckpoint() {}

    /**
     * Writes {@code config.json} and {@code model.safetensors}, 2 bytes a parameter. Matrices [m, n] are uniform with
     * variance 1/(4 n), which keeps the size of the residual stream through any number of blocks. Norms have factor 1;
     * biases are 0.
     *
     * @param folder made if it does not exist
     * @return the folder
     */
    public static Path write(Path folder, ModelShape shape, long seed) throws IOException {
        ModelConfig config = shape.config();
        var random = new SplittableRandom(seed);
        var writer = new SafetensorsWriter();
        tensors(config).forEach((name, size) -> {
            writer.bfloats(name, values(random.split(), centre(name, config), step(size)), size);
        });
        WholeFile.write(folder.resolve(Checkpoint.CONFIG), new Gson().toJson(shape.json()));
        writer.write(folder.resolve("model.safetensors"));
        return folder;
    }

    /** Returns the mean of a tensor's values. */
    static float centre(String name, ModelConfig config) {
        return name.endsWith("norm.weight") ? 1 - config.gainOffset() : 0;
    }

    /** Returns the step s such that s times a random signed 16-bit integer has variance 1/(4 n). */
    static float step(long[] size) {
        return size.length == 1 ? 0 : (float) (Math.sqrt(3.0 / 4 / size[1]) / (1 << 15));
    }

    /** Returns a source of uniform numbers, made of 16 random bits each and truncated to bfloat16. */
    private static IntFunction<short[]> values(SplittableRandom random, float centre, float step) {
        return count -> {
            var values = new short[count];
            long bits = 0;
            for (int i = 0; i < count; i++, bits >>>= 16) {
                bits = i % 4 == 0 ? random.nextLong() : bits;
                values[i] = (short) (Float.floatToRawIntBits(centre + step * (short) bits) >>> 16);
            }
            return values;
        };
    }

    /** Returns the names and shapes of all tensors, in Hugging Face's layout. */
    public static Map<String, long[]> tensors(ModelConfig c) {
        var all = new LinkedHashMap<String, long[]>();
        long d = c.dimension();
        long queries = (long) c.heads() * c.headDimension();
        long keys = (long) c.keyValueHeads() * c.headDimension();
        all.put("model.embed_tokens.weight", new long[] {c.vocabulary(), d});
        for (int k = 0; k < c.horizon(); k++) {
            String block = "model.layers." + k + ".";
            for (String of : List.of("q", "k", "v")) {
                long rows = of.equals("q") ? queries : keys;
                all.put(block + "self_attn." + of + "_proj.weight", new long[] {rows, d});
                if (c.biases()) {
                    all.put(block + "self_attn." + of + "_proj.bias", new long[] {rows});
                }
            }
            if (c.queryKeyNorms()) {
                all.put(block + "self_attn.q_norm.weight", new long[] {c.headDimension()});
                all.put(block + "self_attn.k_norm.weight", new long[] {c.headDimension()});
            }
            all.put(block + "self_attn.o_proj.weight", new long[] {d, queries});
            all.put(block + "mlp.gate_proj.weight", new long[] {c.feedForward(), d});
            all.put(block + "mlp.up_proj.weight", new long[] {c.feedForward(), d});
            all.put(block + "mlp.down_proj.weight", new long[] {d, c.feedForward()});
            all.put(block + "input_layernorm.weight", new long[] {d});
            all.put(block + "post_attention_layernorm.weight", new long[] {d});
            if (c.postNorms()) {
                all.put(block + "pre_feedforward_layernorm.weight", new long[] {d});
                all.put(block + "post_feedforward_layernorm.weight", new long[] {d});
            }
        }
        all.put("model.norm.weight", new long[] {d});
        if (!c.tiedHead()) {
            all.put("lm_head.weight", new long[] {c.vocabulary(), d});
        }
        return all;
    }
}
