package rudder.sweep;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import rudder.sweep.unit.SentModel;

/**
 * One comparison as executors receive it. A broadcast sends it once to each executor.
 *
 * @param name of the JSON, for messages
 * @param json {@link Part#json}
 * @param arms in the order of the comparison
 * @param model that generates
 * @param judge of the perplexity; null for the generating model
 */
record SentPart(String name, byte[] json, List<SentArm> arms, SentModel model, SentModel judge)
        implements Serializable {

    static SentPart of(Part part, List<SentArm> arms, SentModel model, SentModel judge) {
        return new SentPart(part.id() + ".json", part.json(), new ArrayList<>(arms), model, judge);
    }

    Part part() throws IOException {
        return Part.read(name, json);
    }

    /**
     * The work of one task.
     *
     * @param part index of its comparison
     * @param batch index among {@link Part#batches}
     * @param id of its file
     */
    record Unit(int part, int batch, String id) implements Serializable {}
}
