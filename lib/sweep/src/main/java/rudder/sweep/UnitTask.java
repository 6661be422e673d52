package rudder.sweep;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import rudder.compare.Batch;
import rudder.compare.ScoredCompletion;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;

/** Computes a unit on an executor and commits it to the folder. */
final class UnitTask implements Function<SentPart.Unit, UnitTask.Outcome> {
    private static final long serialVersionUID = 1;

    /**
     * What the driver hears of a unit.
     *
     * @param id of the unit
     * @param failed whether it failed
     * @param seconds it took, without loading models
     * @param loadSeconds it took to load models; 0 if they were here
     */
    record Outcome(String id, boolean failed, double seconds, double loadSeconds) implements Serializable {}

    private final String folder;
    private final Broadcast<ArrayList<SentPart>> parts;
    private final Broadcast<SerializableConfiguration> configuration;

    UnitTask(String folder, Broadcast<ArrayList<SentPart>> parts, Broadcast<SerializableConfiguration> configuration) {
        this.folder = folder;
        this.parts = parts;
        this.configuration = configuration;
    }

    /**
     * Computes and commits the unit. What fails inside a model becomes a failure in the folder. A model that cannot be
     * loaded and a folder that cannot be written are this host's trouble: the task fails, and Spark tries another host.
     */
    @Override
    public Outcome call(SentPart.Unit unit) throws IOException {
        var sent = parts.value().get(unit.part());
        var part = sent.part();
        var batch = part.batches().get(unit.batch());
        var home = new Folder(folder, configuration.value().value());
        try (var model = Models.lease(sent.model());
                var judge = sent.judge() == null ? null : Models.lease(sent.judge())) {
            double loading = model.loadSeconds() + (judge == null ? 0 : judge.loadSeconds());
            long start = System.nanoTime();
            List<List<ScoredCompletion>> scored;
            try {
                scored = compute(sent, part, batch, model.model(), judge == null ? null : judge.model());
            } catch (CancellationException e) {
                throw e; // Spark stopped the task
            } catch (RuntimeException | OutOfMemoryError e) {
                home.remove(home.failure(part, unit.id()));
                home.commit(
                        home.failure(part, unit.id()),
                        path -> UnitFile.writeFailure(
                                path, home.configuration, unit.id(), part, batch, String.valueOf(e)));
                return new Outcome(unit.id(), true, seconds(start), loading);
            }
            double seconds = seconds(start);
            home.commit(
                    home.unit(part, unit.id()),
                    path -> UnitFile.write(path, home.configuration, unit.id(), part, batch, scored, seconds));
            home.remove(home.failure(part, unit.id()));
            return new Outcome(unit.id(), false, seconds, loading);
        }
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private static List<List<ScoredCompletion>> compute(
            SentPart sent, Part part, Batch batch, LanguageModel model, LanguageModel judge) throws IOException {
        var settings = part.settings(judge);
        var prompts = batch.ofPrompts(part.prompts());
        var factories = new ArrayList<ControllerFactory>();
        for (var arm : sent.arms().subList(batch.firstArm(), batch.endArm())) {
            factories.add(arm.factory());
        }
        var written = settings.write(model, factories, prompts, batch.first());
        var scored = new ArrayList<List<ScoredCompletion>>();
        for (int arm = 0; arm < factories.size(); arm++) {
            scored.add(settings.score(model, factories.get(arm), prompts, written.get(arm)));
        }
        return scored;
    }
}
