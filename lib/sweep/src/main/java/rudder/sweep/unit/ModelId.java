package rudder.sweep.unit;

import java.io.Serializable;
import rudder.model.LanguageModel;

/**
 * A model's identity.
 *
 * @param name shown in tables
 * @param sha256 of its weights
 * @param precision of its weights in memory
 */
public record ModelId(String name, String sha256, String precision) implements Serializable {
    public static ModelId of(LanguageModel model) {
        return new ModelId(model.name(), model.sha256(), model.precision());
    }

    /** Returns the name of the model's folder. */
    public String folder() {
        return "model=" + name.replaceAll("[^A-Za-z0-9._-]+", "-") + "-" + sha256.substring(0, 12);
    }
}
