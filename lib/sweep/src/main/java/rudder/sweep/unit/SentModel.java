package rudder.sweep.unit;

import java.io.Serializable;
import rudder.model.LanguageModel;

/**
 * A model as executors find it.
 *
 * @param source name or path that loads it
 * @param id the model that must be found there
 */
public record SentModel(String source, ModelId id) implements Serializable {

    /** @throws IllegalArgumentException if the model exists in this process alone */
    public static SentModel of(LanguageModel model) {
        return new SentModel(
                model.source()
                        .orElseThrow(() -> new IllegalArgumentException(model.name()
                                + " was made in memory, and executors cannot load it: save it, and load it by its"
                                + " path")),
                ModelId.of(model));
    }
}
