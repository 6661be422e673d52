package rudder.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.format.Csv;

/**
 * The sizes of a transformer without its weights: all that its cost in memory and time depends on. {@code MemoryPlan}
 * counts bytes from it, {@code RandomCheckpoint} writes a model of it.
 *
 * @param name what tables call it
 * @param architecture {@code llama}, {@code gemma2} or another {@code model_type} that Rudder loads
 * @param horizon T, number of blocks
 * @param dimension d, width of the residual stream
 * @param heads number of query heads
 * @param keyValueHeads number of key and value heads
 * @param headDimension width of a head
 * @param feedForward f, width inside the gated MLP
 * @param vocabulary number of tokens
 * @param tiedHead whether the embedding serves as the head that makes logits
 */
public record ModelShape(
        String name,
        String architecture,
        int horizon,
        int dimension,
        int heads,
        int keyValueHeads,
        int headDimension,
        int feedForward,
        int vocabulary,
        boolean tiedHead) {

    private static final List<String> COLUMNS = List.of(
            "name",
            "architecture",
            "blocks",
            "dimension",
            "heads",
            "key_value_heads",
            "head_dimension",
            "feed_forward",
            "vocabulary",
            "tied");

    /** @throws IllegalArgumentException naming what does not fit, as when such a checkpoint is loaded */
    public ModelShape {
        HfConfig.parse(
                config(
                        architecture,
                        horizon,
                        dimension,
                        heads,
                        keyValueHeads,
                        headDimension,
                        feedForward,
                        vocabulary,
                        tiedHead),
                name);
    }

    /** Returns the eight models of the paper, smallest first: {@code data/paper-models.csv}. */
    public static List<ModelShape> paper() {
        var table = Csv.packed("/rudder/data/paper-models.csv");
        if (!table.columns().equals(COLUMNS)) {
            throw new IllegalArgumentException(
                    table.file() + ", line 1: found the columns " + table.columns() + ", wanted " + COLUMNS);
        }
        return table.map(ModelShape::of);
    }

    private static ModelShape of(List<String> f) {
        return new ModelShape(
                f.get(0),
                f.get(1),
                Integer.parseInt(f.get(2)),
                Integer.parseInt(f.get(3)),
                Integer.parseInt(f.get(4)),
                Integer.parseInt(f.get(5)),
                Integer.parseInt(f.get(6)),
                Integer.parseInt(f.get(7)),
                Integer.parseInt(f.get(8)),
                Boolean.parseBoolean(f.get(9)));
    }

    /** The same but for the number of blocks. */
    public ModelShape withBlocks(int blocks) {
        return new ModelShape(
                name,
                architecture,
                blocks,
                dimension,
                heads,
                keyValueHeads,
                headDimension,
                feedForward,
                vocabulary,
                tiedHead);
    }

    /** The same but for the number of tokens it knows. */
    public ModelShape withVocabulary(int tokens) {
        return new ModelShape(
                name,
                architecture,
                horizon,
                dimension,
                heads,
                keyValueHeads,
                headDimension,
                feedForward,
                tokens,
                tiedHead);
    }

    /** All weights, norms and biases. */
    public long parameters() {
        return config().parameters();
    }

    /**
     * These sizes as a configuration; what a size does not say, rotary bases for one, is the architecture's default.
     */
    public ModelConfig config() {
        return HfConfig.parse(json(), name);
    }

    /** The {@code config.json} that says so. */
    public Map<String, Object> json() {
        return config(
                architecture,
                horizon,
                dimension,
                heads,
                keyValueHeads,
                headDimension,
                feedForward,
                vocabulary,
                tiedHead);
    }

    private static Map<String, Object> config(
            String architecture,
            int horizon,
            int dimension,
            int heads,
            int keyValueHeads,
            int headDimension,
            int feedForward,
            int vocabulary,
            boolean tiedHead) {
        var json = new LinkedHashMap<String, Object>();
        json.put("model_type", architecture);
        json.put("num_hidden_layers", (long) horizon);
        json.put("hidden_size", (long) dimension);
        json.put("num_attention_heads", (long) heads);
        json.put("num_key_value_heads", (long) keyValueHeads);
        json.put("head_dim", (long) headDimension);
        json.put("intermediate_size", (long) feedForward);
        json.put("vocab_size", (long) vocabulary);
        json.put("tie_word_embeddings", tiedHead);
        return json;
    }
}
