package rudder.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.text.Csv;

/**
 * The sizes of a transformer without its weights. Its cost in memory and time depends on them only: {@code MemoryPlan}
 * counts bytes from a shape, and {@link RandomCheckpoint} writes a model of it.
 *
 * @param name the name in tables
 * @param architecture {@code llama}, {@code gemma2} or another {@code model_type} that Rudder loads
 * @param horizon T, number of blocks (transformer layers)
 * @param dimension d, width of the residual stream
 * @param heads number of query heads
 * @param keyValueHeads number of key and value heads
 * @param headDimension width of a head
 * @param feedForward f, width inside the gated MLP
 * @param vocabulary number of tokens
 * @param tiedHead whether the embedding is also the head that makes logits
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

    /**
     * @throws IllegalArgumentException if loading a checkpoint of this shape would fail; the message names the field
     */
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

    /** Returns this shape with another number of blocks. */
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

    /** Returns this shape with another vocabulary size. */
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

    /** Returns the number of parameters: weights, norms and biases. */
    public long parameters() {
        return config().parameters();
    }

    /**
     * Returns these sizes as a configuration. Everything else, rotary bases for instance, has the architecture's
     * default.
     */
    public ModelConfig config() {
        return HfConfig.parse(json(), name);
    }

    /** Returns the {@code config.json} of this shape. */
    Map<String, Object> json() {
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
