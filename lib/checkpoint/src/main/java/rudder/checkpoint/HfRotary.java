package rudder.checkpoint;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import rudder.checkpoint.text.FolderAdvice;

/**
 * Reads the rotary angles from a {@code config.json}: from {@code rope_parameters}, which transformers 5 writes, or
 * from {@code rope_theta}, {@code rope_scaling} and {@code rope_local_base_freq}, which transformers 4 wrote.
 *
 * <p>Where a file has both, transformers 5.24 decides: a {@code rope_scaling} replaces {@code rope_parameters} (Gemma
 * 3: goes over its part for blocks that see all tokens), and a {@code rope_theta} counts only where no base stands
 * beside the scaling.
 */
final class HfRotary {

    private static final String PARAMETERS = "rope_parameters";
    private static final String SCALING = "rope_scaling";
    private static final String ORIGINAL = "original_max_position_embeddings";
    private static final Set<String> LAYERS = Set.of("full_attention", "sliding_attention");

    /** What any kind of scaling reads; transformers ignores those that the chosen kind does not read. */
    private static final Set<String> KNOWN = Set.of(
            "rope_type",
            "type",
            "rope_theta",
            "factor",
            ORIGINAL,
            "low_freq_factor",
            "high_freq_factor",
            "attention_factor",
            "attn_factor",
            "beta_fast",
            "beta_slow",
            "mscale",
            "mscale_all_dim",
            "truncate",
            "short_factor",
            "long_factor",
            "finetuned");

    private final HfConfig config;
    private final int headDimension;

    HfRotary(HfConfig config, int headDimension) {
        this.config = config;
        this.headDimension = headDimension;
    }

    /**
     * Returns the angles of blocks that see all tokens or a window, with that window.
     *
     * @throws IllegalArgumentException if a field is malformed, unknown or not supported; the message names it
     */
    AttentionSpan span(boolean local, int window) {
        boolean gemma = config.has("rope_local_base_freq");
        Map<String, Object> found = gemma ? gemma(local) : flat();
        HfConfig fields = config.part(gemma && local ? PARAMETERS : name(), found);
        found.forEach((key, value) -> {
            boolean fixed =
                    key.equals("partial_rotary_factor") && value instanceof Number number && number.doubleValue() == 1;
            if (value != null && !KNOWN.contains(key) && !fixed) {
                throw fields.wrong(key, "only fields that Rudder knows: " + new TreeSet<>(KNOWN));
            }
        });
        double base = fields.isSet("rope_theta")
                ? fields.real("rope_theta")
                : config.real(gemma && local ? "rope_local_base_freq" : "rope_theta");
        return new AttentionSpan(base, scaling(fields, base), window);
    }

    /** Returns the field that holds the scaling; transformers takes an empty object for none. */
    private String name() {
        return object(config, SCALING).isEmpty() ? PARAMETERS : SCALING;
    }

    private Map<String, Object> flat() {
        Map<String, Object> found = object(config, name());
        for (String layer : LAYERS) {
            if (found.containsKey(layer)) {
                throw config.part(name(), found).wrong(layer, "no parts for kinds of blocks, which Gemma 3 alone has");
            }
        }
        return found;
    }

    private Map<String, Object> gemma(boolean local) {
        Map<String, Object> parts = object(config, PARAMETERS);
        HfConfig fields = config.part(PARAMETERS, parts);
        parts.forEach((key, value) -> {
            if (!LAYERS.contains(key)) {
                throw fields.wrong(key, "only the parts " + new TreeSet<>(LAYERS));
            }
        });
        var found = object(fields, local ? "sliding_attention" : "full_attention");
        if (!local) {
            found.putAll(object(config, SCALING));
        }
        return found;
    }

    /** Returns a field's object; an empty one if the field is absent or null. */
    private static Map<String, Object> object(HfConfig of, String key) {
        Map<String, Object> parts = new HashMap<>();
        if (of.isSet(key)) {
            if (!(of.value(key) instanceof Map<?, ?> map)) {
                throw of.wrong(key, "an object");
            }
            map.forEach((name, value) -> parts.put((String) name, value));
        }
        return parts;
    }

    private RotaryScaling scaling(HfConfig fields, double base) {
        Object kind = fields.isSet("rope_type") ? fields.value("rope_type") : fields.value("type");
        if (config.isArchitecture("phi3") && kind != null && !kind.equals("default")) { // yarn means longrope there
            throw fields.wrong(
                    fields.isSet("rope_type") ? "rope_type" : "type",
                    "default, the only kind that Rudder supports for Phi 3; use a checkpoint of the 4k context");
        }
        return switch (kind == null ? "default" : String.valueOf(kind)) {
            case "default" -> RotaryScaling.NONE;
            case "dynamic" -> dynamic(fields);
            case "linear" -> new RotaryScaling.Linear(fields.real("factor"));
            case "llama3" -> llama3(fields);
            case "yarn" -> yarn(fields, base);
            default ->
                throw fields.wrong(
                        fields.isSet("rope_type") ? "rope_type" : "type",
                        "default, dynamic, linear, llama3 or yarn, the kinds that Rudder supports;"
                                + " use another checkpoint");
        };
    }

    /**
     * Returns no scaling. For a text of n tokens the base is multiplied by (factor n / m - factor + 1)^(d / (d - 2))
     * with n at least m = max_position_embeddings, which is 1 up to m. Rudder refuses longer texts.
     */
    private static RotaryScaling dynamic(HfConfig fields) {
        fields.real("factor"); // transformers reads it, and refuses a file without it
        return RotaryScaling.NONE;
    }

    private double original(HfConfig fields) {
        return fields.isSet(ORIGINAL) ? fields.count(ORIGINAL) : config.count("max_position_embeddings");
    }

    private RotaryScaling llama3(HfConfig fields) {
        double low = fields.real("low_freq_factor");
        double high = fields.real("high_freq_factor");
        if (high <= low) {
            throw fields.wrong("high_freq_factor", "more than low_freq_factor, " + low);
        }
        return new RotaryScaling.Llama3(fields.real("factor"), low, high, original(fields));
    }

    private RotaryScaling yarn(HfConfig fields, double base) {
        if (base == 1) {
            throw fields.wrong("rope_theta", "another base than 1, for which yarn is not defined");
        }
        double context = original(fields);
        double factor = fields.has("factor") && !fields.isSet("factor")
                ? config.count("max_position_embeddings") / context
                : fields.real("factor");
        double amplitude;
        if (fields.isSet("attention_factor")) {
            amplitude = fields.real("attention_factor");
        } else if (counts(fields, "mscale") && counts(fields, "mscale_all_dim")) {
            amplitude = RotaryScaling.Yarn.amplitude(factor, fields.real("mscale"))
                    / RotaryScaling.Yarn.amplitude(factor, fields.real("mscale_all_dim"));
        } else {
            amplitude = RotaryScaling.Yarn.amplitude(factor, 1);
        }
        // transformers ignores attn_factor, and vLLM multiplies the amplitude by it: neither is Rudder's to choose
        if (fields.isSet("attn_factor") && fields.real("attn_factor") != 1) {
            throw fields.wrong(
                    "attn_factor",
                    "none, because transformers ignores it and vLLM multiplies by it: put attention_factor "
                            + (float) amplitude + " (transformers) or "
                            + (float) (amplitude * fields.real("attn_factor")) + " (vLLM) in its place"
                            + FolderAdvice.COPY);
        }
        double fast = counts(fields, "beta_fast") ? fields.real("beta_fast") : 32;
        double slow = counts(fields, "beta_slow") ? fields.real("beta_slow") : 1;
        double start = RotaryScaling.Yarn.pair(fast, context, base, headDimension);
        double end = RotaryScaling.Yarn.pair(slow, context, base, headDimension);
        if (!fields.has("truncate") || fields.isSet("truncate") && fields.flag("truncate")) {
            start = Math.floor(start);
            end = Math.ceil(end);
        }
        start = Math.max(0, start);
        end = Math.min(headDimension - 1, end);
        return new RotaryScaling.Yarn(factor, amplitude, start, start == end ? .001 : end - start);
    }

    /** Returns whether a field is set to something else than 0, which transformers takes for absent. */
    private static boolean counts(HfConfig fields, String key) {
        return fields.isSet(key) && !(fields.value(key) instanceof Number number && number.doubleValue() == 0);
    }
}
